package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestNewProcessTakesOverInEitherOrder(t *testing.T) {
	p := newPlace(t)
	first := p.daemon(t)
	kill(t, first, syscall.SIGQUIT)
	second := p.daemon(t, "-u")
	gone(t, first)
	if err := p.answers(); err != nil || second == first {
		t.Errorf("process %d after %d: %v", second, first, err)
	}
	// Now the new one is there before the old one hears of it.
	cmd, said := p.start(t, "-u")
	said.after("waiting up to")
	kill(t, second, syscall.SIGQUIT)
	if said.after("took over from the old process process="+itoa(second)) == "" {
		t.Fatalf("it did not take over:\n%s", said)
	}
	gone(t, second)
	if err := p.answers(); err != nil {
		t.Error(err)
	}
	until(t, "the pid file names the last process", func() bool { return p.pid(t) == cmd.Process.Pid })
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	for _, name := range []string{"s", "pid", "up"} {
		if _, err := os.Lstat(filepath.Join(p.dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

// Once the old process was told to go before the new one had started: when that
// failed both were gone.
func TestOldProcessStaysWhenTheNewProgramIsBroken(t *testing.T) {
	p := newPlace(t)
	pid := p.daemon(t)
	broken := filepath.Join(p.dir, "broken")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho cannot run >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.install(t, broken)
	kill(t, pid, syscall.SIGUSR2)
	until(t, "it says why", func() bool {
		return strings.Contains(p.log(), "no other process serves: this one stays") && strings.Contains(p.log(), "cannot run")
	})
	if err := p.answers(); err != nil || p.pid(t) != pid {
		t.Errorf("process %d of %d: %v", p.pid(t), pid, err)
	}
	p.install(t, os.Args[0])
	kill(t, pid, syscall.SIGUSR2)
	gone(t, pid)
	if err := p.answers(); err != nil || p.pid(t) == pid {
		t.Errorf("process %d after %d: %v", p.pid(t), pid, err)
	}
}

func TestOldProcessStaysWhenTheNewConfigurationIsWrong(t *testing.T) {
	p := newPlace(t)
	pid := p.daemon(t)
	p.configure(t, "nonsense = 1")
	kill(t, pid, syscall.SIGQUIT)
	if code, stderr := p.run("-d", "-u"); code != 1 || !strings.Contains(stderr, "nonsense") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	// This one takes the listeners, and then cannot serve.
	p.configure(t, `upgrade_sock = "%DIR%/up"`, `error_log = "/nowhere/err"`)
	if code, stderr := p.run("-d", "-u"); code != 1 || !strings.Contains(stderr, "error_log") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	until(t, "the old process says so", func() bool { return strings.Contains(p.log(), "did not become ready: this one stays") })
	if err := p.answers(); err != nil || p.pid(t) != pid {
		t.Errorf("process %d of %d: %v", p.pid(t), pid, err)
	}
	// The offer still stands.
	p.configure(t, `upgrade_sock = "%DIR%/up"`, `error_log = "%DIR%/err"`, `pid_file = "%DIR%/pid"`)
	p.daemon(t, "-u")
	gone(t, pid)
}

// Once options that were not in a list written by hand were lost.
func TestNewProcessHasTheCommandLineOfTheOld(t *testing.T) {
	p := newPlace(t)
	log := filepath.Join(p.dir, "app.log")
	pid := p.daemon(t, "--log", log, "--log-level", "debug")
	for range 3 {
		old := pid
		kill(t, old, syscall.SIGUSR2)
		gone(t, old)
		pid = p.pid(t)
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			t.Fatal(err)
		}
		args := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		want := []string{p.program, "-c", p.dir + "/conf.toml", "--threads", "1", "--log", log, "--log-level", "debug", "-d", "--daemon", "--upgrade"}
		if strings.Join(args, " ") != strings.Join(want, " ") {
			t.Errorf("the command line is %q, want %q", args, want)
		}
	}
}

func TestOfferIsWithdrawnWhenTheProcessEnds(t *testing.T) {
	p := newPlace(t)
	pid := p.daemon(t)
	kill(t, pid, syscall.SIGQUIT)
	until(t, "the offer", func() bool { _, err := os.Lstat(filepath.Join(p.dir, "up")); return err == nil })
	kill(t, pid, syscall.SIGTERM)
	gone(t, pid)
	if _, err := os.Lstat(filepath.Join(p.dir, "up")); !os.IsNotExist(err) {
		t.Errorf("the socket of the offer is still there: %v", err)
	}
}

func TestNewProgramIsStartedByItself(t *testing.T) {
	p := newPlace(t, `auto_restart_check_interval = "1s"`)
	pid := p.daemon(t, "-a")
	p.install(t, os.Args[0]) // another file
	gone(t, pid)
	if err := p.answers(); err != nil || p.pid(t) == pid {
		t.Errorf("process %d after %d: %v", p.pid(t), pid, err)
	}
}

func TestKeysThatNeedANewProcessGetOne(t *testing.T) {
	p := newPlace(t)
	keys := []string{`pid_file = "%DIR%/pid"`, `error_log = "%DIR%/err"`, `upgrade_sock = "%DIR%/up"`}
	pid := p.daemon(t, "-a")
	// The new process asks at the new path: the old one has to offer there.
	keys[2] = `upgrade_sock = "%DIR%/other"`
	p.configure(t, keys...)
	kill(t, pid, syscall.SIGHUP)
	until(t, "the reload", func() bool { return strings.Contains(p.log(), "configuration reloaded") })
	if now := p.pid(t); now != pid {
		t.Errorf("process %d follows %d for nothing", now, pid)
	}
	p.configure(t, append(keys, "log_format_json = true")...)
	syscall.Kill(pid, syscall.SIGHUP) // where it has not noticed by itself
	gone(t, pid)
	if err := p.answers(); err != nil || p.pid(t) == pid {
		t.Errorf("process %d after %d: %v", p.pid(t), pid, err)
	}
	until(t, "why, in the log, and the log of the new process", func() bool {
		return strings.Contains(p.log(), "basic.log_format_json has changed") && strings.Contains(p.log(), `{"time":`)
	})
}

func TestProgramIsTriedOnceWhenItHasSettled(t *testing.T) {
	first, second := version{inode: 1}, version{inode: 2}
	w := programWatch{tried: first}
	for i, look := range []struct {
		now  version
		want bool
	}{
		{first, false}, {first, false}, {version{}, false}, {version{}, false},
		{second, false}, {version{inode: 2, size: 1}, false}, {second, false}, {second, true}, {second, false},
		{first, false}, {first, true},
	} {
		if got := w.changed(look.now); got != look.want {
			t.Errorf("look %d: %v", i, got)
		}
	}
}
