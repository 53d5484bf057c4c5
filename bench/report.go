package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is all that a run has found.
type report struct {
	Date     string
	Machine  machine
	Rounds   int
	Duration string
	Results  []*result
}

// machine is where it was found.
type machine struct {
	CPU, Kernel string
	Cores       int
	Versions    map[string]string
}

// result is what a scenario has found.
type result struct {
	Name, About, Unit string
	Peers             map[string]summary
	Ratios            map[string]spread // of our cost to that of each peer

	samples map[string][]sample
	budget  map[string]float64
	limit   float64
}

// summary is the median of a peer's samples.
type summary struct {
	Requests, P50, P99 float64
	User, System       float64
	Memory             float64
	Cost               float64
	Errors             []string
}

// spread is a median and the range around it.
type spread struct {
	Median, Least, Most float64
}

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	return spread{median(sorted), sorted[0], sorted[len(sorted)-1]}
}

// median of sorted values.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

func medianOf(samples []sample, of func(sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return median(values)
}

// summarize fills Peers and Ratios from the samples.
func (r *result) summarize() {
	r.Peers, r.Ratios = make(map[string]summary), make(map[string]spread)
	ours := r.samples["pingap"]
	for name, samples := range r.samples {
		s := summary{
			Requests: medianOf(samples, func(s sample) float64 { return s.Requests }),
			P50:      medianOf(samples, func(s sample) float64 { return s.P50 }),
			P99:      medianOf(samples, func(s sample) float64 { return s.P99 }),
			User:     medianOf(samples, func(s sample) float64 { return s.CPU.User }),
			System:   medianOf(samples, func(s sample) float64 { return s.CPU.System }),
			Memory:   medianOf(samples, func(s sample) float64 { return s.Memory }),
			Cost:     medianOf(samples, func(s sample) float64 { return s.cost() }),
		}
		for _, one := range samples {
			if one.Errors != "" {
				s.Errors = append(s.Errors, one.Errors)
			}
		}
		r.Peers[name] = s
		if name == "pingap" {
			continue
		}
		// Within a round both met the same machine.
		var ratios []float64
		for i := range samples {
			ratios = append(ratios, ours[i].cost()/samples[i].cost())
		}
		r.Ratios[name] = spreadOf(ratios)
	}
}

func (r *result) print(w io.Writer) {
	r.summarize()
	fmt.Fprintf(w, "\n%s: %s\n", r.Name, r.About)
	for _, p := range peers {
		s := r.Peers[p.name]
		if s.Requests == 0 {
			fmt.Fprintf(w, "  %-8s %10.1f %s\n", p.name, s.Cost, r.Unit)
			continue
		}
		fmt.Fprintf(w, "  %-8s %9.0f req/s  p50 %8.3f ms  p99 %8.3f ms  CPU %9.2f µs (user %.2f, system %.2f)  %.1f MiB\n",
			p.name, s.Requests, s.P50, s.P99, s.Cost, s.User, s.System, s.Memory/(1<<20))
		for _, e := range s.Errors {
			fmt.Fprintf(w, "           %s\n", e)
		}
	}
	fmt.Fprintf(w, "  %s\n", r.verdict())
}

// verdict says how we compare, and with what was wanted.
func (r *result) verdict() string {
	var parts []string
	for _, p := range peers {
		ratio, ok := r.Ratios[p.name]
		if !ok {
			continue
		}
		text := fmt.Sprintf("%.2f of %s (%.2f to %.2f)", ratio.Median, p.name, ratio.Least, ratio.Most)
		if budget, ok := r.budget[p.name]; ok {
			text += fmt.Sprintf(", wanted at most %.2f: %s", budget, met(ratio.Median <= budget))
		}
		parts = append(parts, text)
	}
	if r.limit > 0 {
		parts = append(parts, fmt.Sprintf("wanted at most %.0f %s: %s", r.limit, r.Unit, met(r.Peers["pingap"].Cost <= r.limit)))
	}
	return strings.Join(parts, "; ")
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "missed"
}

func newReport(o *options) *report {
	r := &report{
		Date:     time.Now().UTC().Format(time.DateOnly),
		Rounds:   o.rounds,
		Duration: o.duration.String(),
		Machine:  machine{Cores: runtime.NumCPU(), Versions: make(map[string]string)},
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if _, model, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(line, "model name") {
			r.Machine.CPU = strings.TrimSpace(model)
		}
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	r.Machine.Kernel = strings.TrimSpace(string(release))
	for _, p := range peers {
		command := p.command(&bed{binary: o.binary}, "")[0]
		out, _ := exec.Command(command, p.version...).CombinedOutput()
		first, _, _ := strings.Cut(string(out), "\n")
		r.Machine.Versions[p.name] = strings.TrimSpace(first)
	}
	return r
}

func (r *report) write(o *options) error {
	if o.json != "" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(o.json), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.markdown != "" {
		return os.WriteFile(o.markdown, []byte(r.markdown()), 0o644)
	}
	return nil
}

// markdown is the page that shows the results.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Benchmarks

Measured on %s by %s: %d rounds of %s for each proxy and scenario, interleaved. The proxy under test has
one core, its upstream (an nginx) and its clients (wrk) the other. CPU is the time that the proxy's process
spends for one request, from /proc. Ratios are ours to the peer's, taken within each round: the median, and
the least and the greatest. Below 1 we are cheaper.

Machine: %s, %d cores, Linux %s. `, r.Date, "`make bench`", r.Rounds, r.Duration, r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel)
	for i, p := range peers {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(r.Machine.Versions[p.name])
	}
	b.WriteString(".\n\n| scenario | proxy | requests/s | p50 ms | p99 ms | CPU µs/request (user + system) | memory MiB | our ratio |\n|---|---|---|---|---|---|---|---|\n")
	for _, result := range r.Results {
		result.rows(&b)
	}
	b.WriteString("\n## Against what was wanted\n\n")
	for _, result := range r.Results {
		fmt.Fprintf(&b, "- **%s** (%s): %s\n", result.Name, result.About, result.verdict())
	}
	b.WriteString("\n## How to repeat\n\n" + howToRepeat)
	return b.String()
}

const howToRepeat = "`make bench` needs nginx, HAProxy and wrk (Debian: `apt-get install nginx-light haproxy wrk`), two cores that do\n" +
	"nothing else, and takes about ten minutes. `go run ./bench -scenario small -rounds 3` measures one scenario.\n" +
	"The scenarios are the table in `bench/scenario.go`, the configurations of the proxies are in `bench/peer.go`.\n" +
	"HAProxy, which writes no log files itself, logs to its standard output, which is a file here.\n"

func (r *result) rows(b *strings.Builder) {
	for i, p := range peers {
		s, name := r.Peers[p.name], ""
		if i == 0 {
			name = r.Name
		}
		ratio := ""
		if q, ok := r.Ratios[p.name]; ok {
			ratio = fmt.Sprintf("%.2f (%.2f–%.2f)", q.Median, q.Least, q.Most)
		}
		if s.Requests == 0 {
			fmt.Fprintf(b, "| %s | %s | | | | %.1f %s | | %s |\n", name, p.name, s.Cost, r.Unit, ratio)
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %.0f | %.3f | %.3f | %.2f (%.2f + %.2f) | %.1f | %s |\n",
			name, p.name, s.Requests, s.P50, s.P99, s.Cost, s.User, s.System, s.Memory/(1<<20), ratio)
	}
}
