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
