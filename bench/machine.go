package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cores is who runs where: the proxy under test has one for itself.
type cores struct {
	proxy  int
	others []int
}

func divideCores() (cores, error) {
	all, err := availableCores()
	if err != nil {
		return cores{}, err
	}
	if len(all) < 2 {
		return cores{}, errors.New("two cores are needed: one for the proxy, one for its upstream and its clients")
	}
	return cores{proxy: all[0], others: all[1:]}, nil
}

// checkTools says all that is missing at once.
func checkTools(o *options) error {
	debian := map[string]string{"nginx": "nginx-light"} // the upstream
	for _, p := range o.peers {
		if p.debian != "" {
			debian[p.program] = p.debian
		}
	}
	for _, s := range o.scenarios {
		if s.load != nil {
			debian[s.load.with.program] = s.load.with.debian
		}
	}
	var missing []string
	for program, pkg := range debian {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, pkg)
		}
	}
	if missing == nil {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("programs are missing; install them as root: apt-get install %s", strings.Join(missing, " "))
}

// lock waits until no other measurement runs on this machine.
func lock(ctx context.Context) (unlock func(), err error) {
	name := filepath.Join(os.TempDir(), "pingap-bench.lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDONLY, 0o666)
	if err != nil {
		return nil, fmt.Errorf("lock against other measurements: %w", err)
	}
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for told := false; ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		if !told {
			fmt.Fprintln(os.Stderr, "bench: another measurement is running; waiting for its end")
			told = true
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-again.C:
		}
	}
}

// machine is where results were found.
type machine struct {
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	Kernel   string            `json:"kernel"`
	Commit   string            `json:"commit"` // of the tree that was measured
	Versions map[string]string `json:"versions"`
}

func describeMachine(ctx context.Context, o *options, c cores) machine {
	m := machine{Cores: 1 + len(c.others), CPU: "an unnamed CPU", Versions: make(map[string]string)}
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, model, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(name, "model name") {
			m.CPU = strings.TrimSpace(model)
		}
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(release))
	commit, _ := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	m.Commit = strings.TrimSpace(string(commit))
	for _, p := range o.peers {
		program := p.program
		if program == "" {
			program = o.binary
		}
		m.Versions[p.name] = versionOf(ctx, program, p.version)
	}
	for _, s := range o.scenarios {
		if s.load != nil {
			m.Versions[s.load.with.program] = versionOf(ctx, s.load.with.program, s.load.with.version)
		}
	}
	return m
}

var versionPattern = regexp.MustCompile(`\d+\.\d+[^\s/]*`)

// versionOf returns the first thing like a version that a program prints; some
// exit with 1 then, and nginx prints it to standard error.
func versionOf(ctx context.Context, program, argument string) string {
	out, _ := exec.CommandContext(ctx, program, argument).CombinedOutput()
	return versionPattern.FindString(string(out))
}
