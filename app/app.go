// Package app is the process: it reads the command line, puts the parts
// together, and runs until a signal ends it.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"
)

// Version is set by the linker for releases.
var Version = "0.1.0-dev"

// System is what the process has from outside.
type System struct {
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Signals        <-chan os.Signal // never closed

	daemon *daemon
	pacer  *pacer // of collections of the heap; nil leaves them to the runtime
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main runs the program and returns its exit code.
func Main(args []string, system System) int {
	if code, ok := subcommand(args, system); ok {
		return code
	}
	f, set, err := parseFlags(options(args), system.Getenv)
	switch {
	case err != nil:
		fmt.Fprintf(system.Stderr, "pingap: %v\n", err)
		return exitUsage
	case f.help:
		fmt.Fprint(system.Stdout, usage, optionUsages(set), usageEnd)
		return exitOK
	case f.version:
		fmt.Fprintln(system.Stdout, versionLine())
		return exitOK
	case f.template:
		fmt.Fprint(system.Stdout, starter)
		return exitOK
	}
	system.daemon = asDaemon()
	if f.daemon && f.serves() && system.daemon == nil {
		return background(args, system)
	}
	if err := serve(f, system); err != nil {
		fmt.Fprintf(system.Stderr, "pingap: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// serve runs the proxy, or checks its configuration only.
func serve(f *flags, system System) error {
	from, err := openSource(f)
	if err != nil {
		return err
	}
	defer from.close()
	c, err := load(from, f, system.Stderr)
	if err != nil && f.adminAddress != nil && f.serves() && !from.builtIn() {
		fmt.Fprintf(system.Stderr, "pingap: %v\npingap: starting without a configuration, so that it can be put right by the admin\n", err)
		return run(from.empty(), f, system)
	}
	if err != nil {
		return err
	}
	if f.write != nil {
		return convert(from, f.write, system.Stdout)
	}
	switch {
	case f.test:
		if err := tryLog(f); err != nil {
			return err
		}
		summarize(system.Stdout, c)
		return nil
	case f.sync != "":
		return syncTo(f.sync, from, system)
	}
	if from.fold(context.Background(), system.Stderr) {
		if c, err = load(from, f, system.Stderr); err != nil {
			return err
		}
	}
	return run(c, f, system)
}

// optionUsages describes the options. That a switch can be turned off as well
// goes without saying.
func optionUsages(set *pflag.FlagSet) string {
	const both = "[=true|false]"
	return strings.ReplaceAll(set.FlagUsages(), both, strings.Repeat(" ", len(both)))
}

func versionLine() string {
	line := "pingap " + Version
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return line
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			line += " (" + s.Value[:12] + ")"
		}
	}
	return line + " " + info.GoVersion
}

// errWrong ends the program after the problems have been printed.
var errWrong = errors.New("the configuration is wrong")

// load reads and checks the configuration. Problems are printed, all of them.
func load(from *source, f *flags, stderr io.Writer) (*loaded, error) {
	c, problems, err := from.read(context.Background(), nil, f.scrutiny())
	for _, p := range problems {
		fmt.Fprintln(stderr, p)
	}
	if err == nil && f.test {
		if c.notice != "" {
			fmt.Fprintln(stderr, c.notice)
		}
		for _, n := range c.Notes {
			fmt.Fprintln(stderr, n)
		}
	}
	return c, err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
