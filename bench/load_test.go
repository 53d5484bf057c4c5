package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const wrkOutput = `Running 3s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   201.10us  110.00us   4.16ms   94.50%
    Req/Sec    81.96k     2.60k   86.00k    70.97%
  Latency Distribution
     50%  183.00us
     75%    0.95ms
     90%    1.10ms
     99%    1.37s
  253044 requests in 3.10s, 41.99MB read
Requests/sec:  81627.35
Transfer/sec:     13.54MB
`

func TestParseWrkReadsWhatItPrints(t *testing.T) {
	got, err := parseWrk(wrkOutput)
	if err != nil {
		t.Fatal(err)
	}
	if want := (outcome{requests: 253044, rate: 81627.35, p50: 0.183, p99: 1370}); got != want {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

func TestParseWrkKeepsWhatFailed(t *testing.T) {
	got, err := parseWrk(strings.Replace(wrkOutput, "Requests/sec", `  Socket errors: connect 0, read 0, write 0, timeout 3
  Non-2xx or 3xx responses: 7
Requests/sec`, 1))
	if want := "Socket errors: connect 0, read 0, write 0, timeout 3; Non-2xx or 3xx responses: 7"; err != nil || got.errors != want {
		t.Errorf("errors %q, %v; want %q", got.errors, err, want)
	}
}

func TestParseWrkRefusesOutputWithoutFigures(t *testing.T) {
	for _, output := range []string{"", "unable to connect", strings.Replace(wrkOutput, "253044", "0", 1), strings.Replace(wrkOutput, "99%  ", "98%  ", 1)} {
		if got, err := parseWrk(output); err == nil {
			t.Errorf("%q is read as %+v", output, got)
		}
	}
}

const h2loadOutput = `
finished in 1.00s, 90028.00 req/s, 87.01MB/s
requests: 90284 total, 90284 started, 90028 done, 90027 succeeded, 1 failed, 0 errored, 0 timeout
status codes: 90028 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 87.01MB (91236000) total, 2.15MB (2254000) headers (space savings 83.28%), 84.01MB (88092160) data
                     min         max         mean         sd        +/- sd
time for request:      183us     12.30ms      2.73ms       811us    84.10%
time for connect:     1.22ms      6.11ms      3.84ms      1.90ms    50.00%
`

func TestParseH2loadReadsWhatItPrints(t *testing.T) {
	got, err := parseH2load(h2loadOutput)
	if want := (outcome{requests: 90027, rate: 90028, p50: 2.73}); err != nil || got != want {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	got, err = parseH2load(strings.Replace(h2loadOutput, "0 5xx", "9 5xx", 1))
	if want := "0 3xx, 0 4xx, 9 5xx"; err != nil || got.errors != want {
		t.Errorf("errors %q, %v; want %q", got.errors, err, want)
	}
	for _, output := range []string{"", strings.Replace(h2loadOutput, "90027", "0", 1), strings.Replace(h2loadOutput, "2.73ms", "-", 1)} {
		if got, err := parseH2load(output); err == nil {
			t.Errorf("%q is read as %+v", output, got)
		}
	}
}

func TestWrkPostsTheBodyOfALoad(t *testing.T) {
	dir := t.TempDir()
	arguments, err := wrkArguments(&load{connections: 8, body: 100_000}, "http://x/", dir, 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "post.lua")
	if want := []string{"--latency", "-t1", "-c8", "-d3s", "-s", script, "http://x/"}; !slices.Equal(arguments, want) {
		t.Errorf("arguments %q, want %q", arguments, want)
	}
	text, err := os.ReadFile(script)
	if err != nil || !strings.Contains(string(text), `string.rep("x", 100000)`) {
		t.Errorf("script %q, %v", text, err)
	}
}
