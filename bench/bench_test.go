package main

import (
	"math"
	"strings"
	"testing"
)

func TestParseWrk(t *testing.T) {
	w, err := parseWrk(`Running 3s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Latency Distribution
     50%  183.00us
     75%    0.95ms
     90%    1.10ms
     99%    1.37s
  253044 requests in 3.10s, 41.99MB read
  Socket errors: connect 0, read 0, write 0, timeout 3
  Non-2xx or 3xx responses: 7
Requests/sec:  81627.35
`)
	if err != nil {
		t.Fatal(err)
	}
	if w.requests != 253044 || w.rate != 81627.35 || w.p50 != 0.183 || w.p99 != 1370 {
		t.Errorf("read %+v", w)
	}
	if w.errors != "Socket errors: connect 0, read 0, write 0, timeout 3; Non-2xx or 3xx responses: 7" {
		t.Errorf("errors %q", w.errors)
	}
	if _, err := parseWrk("unable to connect"); err == nil {
		t.Error("output without figures was taken")
	}
}

func TestParseStatFindsTimesBehindANameWithBlanks(t *testing.T) {
	c, err := parseStat("123 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 75 0 0 20 0")
	if err != nil || c.User != 2_500_000 || c.System != 750_000 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := parseStat("garbage"); err == nil {
		t.Error("garbage was taken")
	}
}

func TestParsePss(t *testing.T) {
	if pss, err := parsePss("00400000-7fff [rollup]\nRss:  100 kB\nPss:    42 kB\n"); err != nil || pss != 42*1024 {
		t.Errorf("%v, %v", pss, err)
	}
}

func TestRatiosAreTakenWithinRounds(t *testing.T) {
	r := &result{Name: "x", samples: map[string][]sample{
		"pingap":  {{CPU: cpu{1, 1}, Requests: 1}, {CPU: cpu{4, 4}, Requests: 1}, {CPU: cpu{3, 3}, Requests: 1}},
		"nginx":   {{CPU: cpu{2, 2}, Requests: 1}, {CPU: cpu{4, 4}, Requests: 1}, {CPU: cpu{2, 2}, Requests: 1}},
		"haproxy": {{CPU: cpu{1, 1}, Requests: 1}, {CPU: cpu{4, 4}, Requests: 1}, {CPU: cpu{3, 3}, Requests: 1}},
	}, budget: map[string]float64{"nginx": 0.9}}
	r.summarize()
	if got := r.Ratios["nginx"]; got != (spread{1, 0.5, 1.5}) {
		t.Errorf("ratio to nginx %+v", got)
	}
	if got := r.Ratios["haproxy"]; got != (spread{1, 1, 1}) {
		t.Errorf("ratio to haproxy %+v", got)
	}
	if got := r.verdict(); !strings.Contains(got, "1.00 of nginx (0.50 to 1.50), wanted at most 0.90: missed") {
		t.Errorf("verdict %q", got)
	}
}

func TestMedian(t *testing.T) {
	if m := median([]float64{1, 2, 4}); m != 2 {
		t.Errorf("median %v", m)
	}
	if m := median([]float64{1, 2, 4, 8}); math.Abs(m-3) > 1e-9 {
		t.Errorf("median %v", m)
	}
}
