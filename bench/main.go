// Command bench measures the proxy against nginx and HAProxy, side by side: the
// same upstream and the same load, one core for the proxy under test and the
// others for everything else, and the runs interleaved, so that whatever else
// the machine does meets all of them. What counts is the ratio to each peer
// within a round, and how far the rounds lie apart.
//
// What is measured is the table in scenario.go; whom it is measured against is
// the table in peer.go.
//
//	go run ./bench                    everything; results are kept in the tree
//	go run ./bench -quick             everything, roughly, in two minutes
//	go run ./bench -scenario small    the scenarios whose name matches
//	go run ./bench -baseline OLD      against another binary of ours as well
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == sinkCommand {
		fail(serveSink(os.Args[2]))
	}
	o, err := parseOptions(os.Args[1:])
	if err != nil {
		fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = run(ctx, o)
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// run measures what the options choose. Every process that it starts has ended
// when it returns.
func run(ctx context.Context, o *options) error {
	if err := checkTools(o); err != nil {
		return err
	}
	unlock, err := lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	dir, err := os.MkdirTemp("", "pingap-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := prepareBinary(ctx, o, dir); err != nil {
		return err
	}
	b, err := newBed(ctx, dir, o)
	if err != nil {
		return err
	}
	defer b.close()
	report := newReport(ctx, o, b.cores)
	for _, s := range o.scenarios {
		result, err := b.measure(s)
		if err != nil {
			return fmt.Errorf("scenario %s: %w", s.name, err)
		}
		report.Results = append(report.Results, result)
		result.print(os.Stdout)
	}
	return report.write(o)
}

// prepareBinary builds the binary, the way that releases are built, unless one
// was given.
func prepareBinary(ctx context.Context, o *options, dir string) error {
	if o.binary != "" || !o.measures(ours) {
		return nil
	}
	o.binary = filepath.Join(dir, "pingap")
	args := []string{"build", "-trimpath", "-o", o.binary}
	if o.profile != "" {
		args = append(args, "-tags", "profile")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/pingap")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the proxy: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
