// Command bench measures the proxy against nginx and HAProxy, side by side: the
// same upstream, the same load, one core for the proxy under test and another
// for everything else, the runs interleaved so that whatever else the machine
// does meets all of them. What counts is the ratio to each peer within a round,
// and how far the rounds lie apart.
//
//	go run ./bench                  all scenarios, five rounds
//	go run ./bench -scenario small  those whose name matches
//	go run ./bench -markdown docs/benchmarks.md -json bench/results/latest.json
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	scenarios *regexp.Regexp
	rounds    int
	duration  time.Duration
	binary    string
	json      string
	markdown  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	if err := checkTools(); err != nil {
		return err
	}
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	dir, err := os.MkdirTemp("", "pingap-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.binary == "" {
		o.binary = filepath.Join(dir, "pingap")
		if err := build(ctx, o.binary); err != nil {
			return err
		}
	}
	b, err := newBed(ctx, dir, o.binary)
	if err != nil {
		return err
	}
	defer b.close()
	report := newReport(o)
	for _, s := range scenarios {
		if !o.scenarios.MatchString(s.name) {
			continue
		}
		result, err := b.measure(ctx, s, o)
		if err != nil {
			return fmt.Errorf("scenario %s: %w", s.name, err)
		}
		report.Results = append(report.Results, result)
		result.print(os.Stdout)
	}
	return report.write(o)
}

func parse() (*options, error) {
	o := &options{}
	var pattern string
	flag.StringVar(&pattern, "scenario", ".", "measure scenarios whose name matches this `regexp`")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each peer is measured")
	flag.DurationVar(&o.duration, "duration", 3*time.Second, "how long one measurement lasts")
	flag.StringVar(&o.binary, "binary", "", "the proxy's binary; built from ./cmd/pingap if absent")
	flag.StringVar(&o.json, "json", "", "write the results to this file as JSON")
	flag.StringVar(&o.markdown, "markdown", "", "write the results to this file as a table")
	flag.Parse()
	var err error
	if o.scenarios, err = regexp.Compile(pattern); err != nil {
		return nil, fmt.Errorf("-scenario: %w", err)
	}
	if o.rounds < 1 || o.duration < time.Second {
		return nil, errors.New("at least one round of at least a second is needed")
	}
	return o, nil
}

// checkTools says all that is missing at once.
func checkTools() error {
	var missing []string
	for tool, pkg := range map[string]string{"nginx": "nginx-light", "haproxy": "haproxy", "wrk": "wrk", "taskset": "util-linux"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, pkg)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("tools are missing; install them with: apt-get install %s", strings.Join(missing, " "))
	}
	if runtime.NumCPU() < 2 {
		return errors.New("two cores are needed: one for the proxy, one for its upstream and its clients")
	}
	return nil
}

// lock keeps two measurements from disturbing each other.
func lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "pingap-bench.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, errors.New("another measurement is running")
	}
	return func() { f.Close() }, nil
}

func build(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/pingap")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the proxy: %w", err)
	}
	return nil
}
