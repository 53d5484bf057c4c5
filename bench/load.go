package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// load runs wrk against a proxy and returns what both found.
func (b *bed) load(ctx context.Context, s scenario, p *process, duration time.Duration) (sample, error) {
	args := []string{"-c", otherCore, "wrk", "--latency", "-t1", fmt.Sprintf("-c%d", s.connections),
		fmt.Sprintf("-d%ds", int(duration.Seconds()))}
	if s.script != "" {
		script := filepath.Join(b.dir, s.name+".lua")
		if err := os.WriteFile(script, []byte(s.script), 0o644); err != nil {
			return sample{}, err
		}
		args = append(args, "-s", script)
	}
	args = append(args, fmt.Sprintf("http://127.0.0.1:%d%s", p.port, s.path))
	before, err := p.used()
	if err != nil {
		return sample{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, duration+30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "taskset", args...).CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	after, err := p.used()
	if err != nil {
		return sample{}, err
	}
	w, err := parseWrk(string(out))
	if err != nil {
		return sample{}, err
	}
	memory, err := p.memory()
	return sample{
		Requests: w.rate, P50: w.p50, P99: w.p99, Errors: w.errors, Memory: memory,
		CPU: cpu{(after.User - before.User) / w.requests, (after.System - before.System) / w.requests},
	}, err
}

// wrkOutput is what wrk prints.
type wrkOutput struct {
	requests float64
	rate     float64
	p50, p99 float64 // ms
	errors   string
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in`)
	wrkRate     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkQuantile = regexp.MustCompile(`(?m)^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)`)
	wrkErrors   = regexp.MustCompile(`(?m)^\s*((?:Socket errors|Non-2xx).*)$`)
)

func parseWrk(out string) (w wrkOutput, err error) {
	requests, rate := wrkRequests.FindStringSubmatch(out), wrkRate.FindStringSubmatch(out)
	quantiles := wrkQuantile.FindAllStringSubmatch(out, -1)
	if requests == nil || rate == nil || len(quantiles) != 2 || requests[1] == "0" {
		return w, fmt.Errorf("wrk finished no request:\n%s", out)
	}
	w.requests, _ = strconv.ParseFloat(requests[1], 64)
	w.rate, _ = strconv.ParseFloat(rate[1], 64)
	w.p50, w.p99 = milliseconds(quantiles[0]), milliseconds(quantiles[1])
	var errors []string
	for _, m := range wrkErrors.FindAllStringSubmatch(out, -1) {
		errors = append(errors, m[1])
	}
	w.errors = strings.Join(errors, "; ")
	return w, nil
}

func milliseconds(quantile []string) float64 {
	v, _ := strconv.ParseFloat(quantile[2], 64)
	return v * map[string]float64{"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[quantile[3]]
}
