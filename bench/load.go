package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// load is the requests of a scenario.
type load struct {
	with        *generator
	path        string
	connections int
	streams     int // at a time on each connection, where the generator has them
	body        int // bytes that each request posts; 0 for a GET
}

// generator is a program that makes requests. Adding one is writing its
// command and reading what it prints.
type generator struct {
	program string
	debian  string // the package that has it
	version string // the argument that makes it print its version
	// arguments may write files to dir.
	arguments func(l *load, url, dir string, duration time.Duration) ([]string, error)
	parse     func(output string) (outcome, error)
}

// outcome is what a generator has found.
type outcome struct {
	requests float64
	rate     float64 // requests a second
	p50, p99 float64 // ms
	errors   string
}

// generate runs the scenario's load against a proxy.
func (b *bed) generate(s scenario, p *process, duration time.Duration) (outcome, error) {
	g := s.load.with
	arguments, err := g.arguments(s.load, p.url(s.load.path), b.dir, duration)
	if err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeoutCause(b.ctx, duration+20*time.Second, errors.New("it does not end"))
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, g.program, arguments...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := startOn(cmd, b.cores.others); err != nil {
		return outcome{}, err
	}
	if err := cmd.Wait(); err != nil {
		return outcome{}, fmt.Errorf("%s: %w\n%s", g.program, errors.Join(context.Cause(ctx), err), out.String())
	}
	return g.parse(out.String())
}

// wrk makes requests on one thread, each connection's next one when the last
// was answered.
var wrk = &generator{program: "wrk", debian: "wrk", version: "-v", arguments: wrkArguments, parse: parseWrk}

func wrkArguments(l *load, url, dir string, duration time.Duration) ([]string, error) {
	arguments := []string{"--latency", "-t1", fmt.Sprintf("-c%d", l.connections), fmt.Sprintf("-d%ds", int(duration.Seconds()))}
	if l.body > 0 {
		script := filepath.Join(dir, "post.lua")
		text := fmt.Sprintf("wrk.method = \"POST\"\nwrk.body = string.rep(\"x\", %d)\n", l.body)
		if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
			return nil, err
		}
		arguments = append(arguments, "-s", script)
	}
	return append(arguments, url), nil
}

var (
	wrkRequests = regexp.MustCompile(`(?m)^\s*(\d+) requests in`)
	wrkRate     = regexp.MustCompile(`(?m)^Requests/sec:\s+([\d.]+)`)
	wrkQuantile = regexp.MustCompile(`(?m)^\s+(50|99)%\s+([\d.]+)(us|ms|s|m|h)\s*$`)
	wrkErrors   = regexp.MustCompile(`(?m)^\s*((?:Socket errors|Non-2xx).*?)\s*$`)
)

func parseWrk(output string) (outcome, error) {
	requests, rate := wrkRequests.FindStringSubmatch(output), wrkRate.FindStringSubmatch(output)
	quantiles := wrkQuantile.FindAllStringSubmatch(output, -1)
	if requests == nil || rate == nil || len(quantiles) != 2 || requests[1] == "0" {
		return outcome{}, fmt.Errorf("wrk finished no request; it said:\n%s", output)
	}
	var out outcome
	var errs [2]error
	out.requests, errs[0] = strconv.ParseFloat(requests[1], 64)
	out.rate, errs[1] = strconv.ParseFloat(rate[1], 64)
	out.p50, out.p99 = milliseconds(quantiles[0][2:]), milliseconds(quantiles[1][2:])
	var failed []string
	for _, m := range wrkErrors.FindAllStringSubmatch(output, -1) {
		failed = append(failed, m[1])
	}
	out.errors = strings.Join(failed, "; ")
	return out, errors.Join(errs[:]...)
}

// milliseconds reads a number and its unit, which a pattern has let through.
func milliseconds(time []string) float64 {
	value, _ := strconv.ParseFloat(time[0], 64)
	return value * map[string]float64{"us": 1e-3, "ms": 1, "s": 1e3, "m": 60e3, "h": 3600e3}[time[1]]
}

// h2load makes requests over HTTP/2 on one thread. Of the time that they took it
// tells the mean alone, which stands in the place of the median.
var h2load = &generator{program: "h2load", debian: "nghttp2-client", version: "--version", arguments: h2loadArguments, parse: parseH2load}

func h2loadArguments(l *load, url, _ string, duration time.Duration) ([]string, error) {
	return []string{
		"-t1", fmt.Sprintf("-c%d", l.connections), fmt.Sprintf("-m%d", l.streams),
		fmt.Sprintf("-D%d", int(duration.Seconds())), url,
	}, nil
}

var (
	h2loadRate     = regexp.MustCompile(`(?m)^finished in [\d.]+m?s, ([\d.]+) req/s`)
	h2loadRequests = regexp.MustCompile(`(?m)^requests: .* (\d+) succeeded`)
	h2loadStatuses = regexp.MustCompile(`(?m)^status codes: \d+ 2xx, (.*)$`)
	h2loadMean     = regexp.MustCompile(`(?m)^time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)`)
)

// parseH2load does not count as failed what the end of the measurement cuts.
func parseH2load(output string) (outcome, error) {
	rate, requests := h2loadRate.FindStringSubmatch(output), h2loadRequests.FindStringSubmatch(output)
	statuses, mean := h2loadStatuses.FindStringSubmatch(output), h2loadMean.FindStringSubmatch(output)
	if rate == nil || requests == nil || statuses == nil || mean == nil || requests[1] == "0" {
		return outcome{}, fmt.Errorf("h2load finished no request; it said:\n%s", output)
	}
	var out outcome
	var errs [2]error
	out.rate, errs[0] = strconv.ParseFloat(rate[1], 64)
	out.requests, errs[1] = strconv.ParseFloat(requests[1], 64)
	out.p50 = milliseconds(mean[1:])
	if statuses[1] != "0 3xx, 0 4xx, 0 5xx" {
		out.errors = statuses[1]
	}
	return out, errors.Join(errs[:]...)
}

// sameAnswers checks that all proxies give the answer that the load is meant
// to have, of one length: figures of different work would not compare.
func sameAnswers(l *load, running map[string]*process) error {
	lengths := make(map[string]int64)
	for name, p := range running {
		n, err := answerLength(l, p)
		if err != nil {
			return fmt.Errorf("%s: %w%s", name, err, p.lastWords())
		}
		lengths[name] = n
	}
	for _, n := range lengths {
		for _, other := range lengths {
			if n != other {
				return fmt.Errorf("the proxies give answers of different length: %v", lengths)
			}
		}
	}
	return nil
}

// answerLength makes one request of a load and returns how much content its
// answer has.
func answerLength(l *load, p *process) (int64, error) {
	method := http.MethodGet
	if l.body > 0 {
		method = http.MethodPost
	}
	request, err := http.NewRequest(method, p.url(l.path), bytes.NewReader(make([]byte, l.body)))
	if err != nil {
		return 0, err
	}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: anyCertificate()}}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s %s is answered with %s", method, l.path, response.Status)
	}
	return io.Copy(io.Discard, response.Body)
}
