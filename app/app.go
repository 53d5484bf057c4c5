// Package app is the process: it reads the command line, puts the parts
// together, and runs until a signal ends it.
package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"pingap/certificate"
	"pingap/config"
	"pingap/config/store"
	"pingap/proxy"
)

// Version is set by the linker for releases.
var Version = "0.1.0-dev"

// System is what the process has from outside.
type System struct {
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Signals        <-chan os.Signal // never closed

	daemon *daemon
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main runs the program and returns its exit code.
func Main(args []string, system System) int {
	f, set, err := parseFlags(args, system.Getenv)
	switch {
	case err != nil:
		fmt.Fprintf(system.Stderr, "pingap: %v\n", err)
		return exitUsage
	case f.help:
		fmt.Fprint(system.Stdout, usage, set.FlagUsages(), usageEnd)
		return exitOK
	case f.version:
		fmt.Fprintln(system.Stdout, versionLine())
		return exitOK
	}
	system.daemon = asDaemon()
	if f.daemon && !f.test && system.daemon == nil {
		return background(args, system)
	}
	c, err := load(f, system.Stderr)
	if err != nil {
		fmt.Fprintf(system.Stderr, "pingap: %v\n", err)
		return exitFailed
	}
	if f.test {
		summarize(system.Stdout, c)
		return exitOK
	}
	if err := run(c, f, system); err != nil {
		fmt.Fprintf(system.Stderr, "pingap: %v\n", err)
		return exitFailed
	}
	return exitOK
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

// loaded is a configuration that has been found right.
type loaded struct {
	*config.Config
	certificates *certificate.Store
	from         string
	builtIn      bool
}

// errWrong ends the program after the problems have been printed.
var errWrong = errors.New("the configuration is wrong")

// load reads and checks the configuration. Problems are printed, all of them.
func load(f *flags, stderr io.Writer) (*loaded, error) {
	c, problems, err := read(f)
	for _, p := range problems {
		fmt.Fprintln(stderr, p)
	}
	if err == nil && f.test {
		for _, n := range c.Notes {
			fmt.Fprintln(stderr, n)
		}
	}
	return c, err
}

// read reads and checks the configuration, and returns what is wrong with it in
// the order of the text.
func read(f *flags) (c *loaded, problems config.Problems, err error) {
	c = &loaded{from: f.conf, builtIn: f.conf == ""}
	if c.builtIn {
		c.from = config.DefaultName
		c.Config = config.Default()
	} else {
		origin, err := store.Open(f.conf)
		if err != nil {
			return nil, nil, err
		}
		if c.Config, problems, err = origin.Load(); err != nil {
			return nil, nil, err
		}
	}
	problems = append(problems, proxy.Check(c.Config)...)
	certificates, wrong := loadCertificates(c.Config)
	c.certificates = certificates
	problems = append(problems, wrong...)
	problems.Sort()
	if wrong := len(problems.Errors()); wrong > 0 {
		return nil, problems, fmt.Errorf("%w: %s in %s", errWrong, count(wrong, "problem"), c.from)
	}
	return c, problems, nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
