package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reportOf has one result of a load and one of a gauge.
func reportOf() *report {
	mine := []sample{{Rate: 81000, P50: 0.18, P99: 1.5, User: 1.1, System: 9.9, Busy: 0.93, Memory: 5 << 20}}
	theirs := []sample{{Rate: 80000, P50: 0.19, P99: 1.25, User: 2.2, System: 10, Busy: 0.97, Memory: 9 << 20, Others: 0.5}}
	rest := newResult(scenario{name: "start", about: "to the first answer", gauge: &gauge{unit: "ms"}, budgets: []budget{{most: 50}}}, peers[:2])
	rest.Samples = map[string][]sample{ours: {{Figure: 12.5}}, "nginx": {{Figure: 10}}}
	rest.compare()
	loaded := resultOf(mine, theirs, budget{"nginx", 0.95})
	return &report{
		Date: "2026-01-02", Rounds: 5, Duration: "3s", Results: []*result{loaded, rest},
		Machine: machine{CPU: "a CPU", Cores: 2, Kernel: "6.1", Commit: "abc1234", Versions: map[string]string{"pingap": "0.1", "nginx": "1.22.1", "wrk": "4.1.0"}},
	}
}

func TestPageHasARowForEachProxyOfAScenario(t *testing.T) {
	r := reportOf()
	page := r.page()
	for _, want := range []string{
		"<!-- Written by `go run ./bench`: do not edit. -->\n\n# Benchmarks\n",
		"5 rounds of 3s",
		"Measured on 2026-01-02 at abc1234, on a CPU, of which 2 cores, with Linux 6.1, pingap 0.1, nginx 1.22.1, wrk 4.1.0.\n",
		"| **small** | pingap | 81000 | 0.180 | 1.500 | 11.00 µs (1.10 µs + 9.90 µs) | 93 % | 5.0 MiB |  |  |\n",
		"|  | nginx | 80000 | 0.190 | 1.250 | 12.20 µs (2.20 µs + 10.00 µs) | 97 % | 9.0 MiB | 0.90 (0.90–0.90) | ≤ 0.95: pass |\n",
		"| **start** | pingap | 12.5 ms |  | ≤ 50 ms: pass |\n",
		"|  | nginx | 10.0 ms | 1.25 (1.25–1.25) |  |\n",
		"- **small**: a small response\n",
		"- small, round 1 of nginx: other programs used 50 % of its core\n",
		"\n## How to repeat it\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestPrintShowsEachProxyWithItsRatioAndVerdict(t *testing.T) {
	r := reportOf()
	var b strings.Builder
	r.Results[0].print(&b)
	for _, want := range []string{
		"small: a small response\n",
		"  pingap       81000 req/s  p50 0.180 ms  p99 1.500 ms  CPU 11.00 µs = 1.10 µs + 9.90 µs",
		"ours/theirs 0.90 (0.90–0.90)  [≤ 0.95: pass]\n",
		"  note: round 1 of nginx: other programs used 50 % of its core\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks %q:\n%s", want, b.String())
		}
	}
}

func TestCostsAreShownWithThreeDigits(t *testing.T) {
	for us, want := range map[float64]string{5.514: "5.51 µs", 102.4: "102 µs", 4016: "4.02 ms"} {
		if got := short(us); got != want {
			t.Errorf("short(%v) = %q, want %q", us, got, want)
		}
	}
}

func TestWriteKeepsSamplesAndPage(t *testing.T) {
	r := reportOf()
	r.Results = r.Results[1:]
	dir := t.TempDir()
	o := &options{json: filepath.Join(dir, "results", "latest.json"), markdown: filepath.Join(dir, "benchmarks.md")}
	if err := r.write(o); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.json)
	if err != nil {
		t.Fatal(err)
	}
	var kept report
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	if got := kept.Results[0]; got.Samples[ours][0].Figure != 12.5 || got.Ratios["nginx"].Median != 1.25 || got.Unit != "ms" {
		t.Errorf("kept %+v", got)
	}
	page, err := os.ReadFile(o.markdown)
	if err != nil || string(page) != r.page() {
		t.Errorf("page of %d bytes, %v", len(page), err)
	}
}
