package app

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestDaemonServesWhenItsStarterReturns(t *testing.T) {
	p := newPlace(t)
	pid := p.daemon(t)
	if err := p.answers(); err != nil {
		t.Error(err)
	}
	if session, _, _ := syscall.RawSyscall(syscall.SYS_GETSID, uintptr(pid), 0, 0); int(session) != pid {
		t.Errorf("process %d is in session %d", pid, session)
	}
	for fd, want := range map[string]string{"0": os.DevNull, "1": p.dir + "/err", "2": p.dir + "/err"} {
		if target, err := os.Readlink(filepath.Join("/proc", itoa(pid), "fd", fd)); target != want {
			t.Errorf("descriptor %s is %s, %v, want %s", fd, target, err, want)
		}
	}
	kill(t, pid, syscall.SIGTERM)
	gone(t, pid)
	// Logs set up before the process went to the background were once lost.
	if log := p.log(); !strings.Contains(log, "listening on") || !strings.HasSuffix(log, "stopped\n") {
		t.Errorf("the error log holds:\n%s", log)
	}
	for _, name := range []string{"pid", "s"} {
		if _, err := os.Lstat(filepath.Join(p.dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

func TestDaemonThatDoesNotServeSaysWhyToItsStarter(t *testing.T) {
	p := newPlace(t)
	taken, err := net.Listen("unix", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if code, stderr := p.run("-d"); code != 1 || !strings.Contains(stderr, p.addr) || !strings.Contains(stderr, "in use") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	p.configure(t, "nonsense = 1")
	if code, stderr := p.run("-d"); code != 1 || !strings.Contains(stderr, "conf.toml:2") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	p.configure(t, `error_log = "/nowhere/err"`)
	if code, stderr := p.run("-d"); code != 1 || !strings.Contains(stderr, "basic.error_log") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if pids := p.processes(); len(pids) > 0 {
		t.Errorf("processes %v are left", pids)
	}
	if _, err := os.Lstat(filepath.Join(p.dir, "pid")); !os.IsNotExist(err) {
		t.Error("a process that did not serve left a pid file")
	}
}

func TestErrorLogThatWasMovedAwayIsOpenedAgain(t *testing.T) {
	p := newPlace(t)
	pid := p.daemon(t)
	// It says that it serves to its starter first, and then to its log.
	until(t, "a line in the error log", func() bool { return strings.Contains(p.log(), "listening on") })
	moved := filepath.Join(p.dir, "err.1")
	if err := os.Rename(filepath.Join(p.dir, "err"), moved); err != nil {
		t.Fatal(err)
	}
	kill(t, pid, syscall.SIGUSR1)
	until(t, "a new error log", func() bool { _, err := os.Stat(filepath.Join(p.dir, "err")); return err == nil })
	kill(t, pid, syscall.SIGTERM)
	gone(t, pid)
	if old, err := os.ReadFile(moved); !strings.Contains(string(old), "listening on") || !strings.HasSuffix(p.log(), "stopped\n") {
		t.Errorf("the old log holds:\n%s (%v)\nand the new one:\n%s", old, err, p.log())
	}
}

func TestDaemonWithoutALogSaysSo(t *testing.T) {
	p := newPlace(t)
	p.configure(t, `pid_file = "%DIR%/pid"`)
	code, stderr := p.run("-d")
	if code != 0 || !strings.Contains(stderr, "nothing will be logged") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if err := p.answers(); err != nil {
		t.Error(err)
	}
}

func TestDaemonDoesNotGoWithSocketsOfSystemd(t *testing.T) {
	p := newPlace(t)
	program := p.command("-d")
	cmd := exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`}, program.Args...)...)
	cmd.Env = program.Env
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "leave it out of the unit") {
		t.Errorf("%v, %s", err, out)
	}
}

func TestCheckDoesNotGoToTheBackground(t *testing.T) {
	p := newPlace(t)
	if code, stdout := p.run("-d", "-t"); code != 0 || !strings.Contains(stdout, "is right") {
		t.Errorf("exit code %d, %s", code, stdout)
	}
}

func TestSignalToTheStarterEndsADaemonThatWaits(t *testing.T) {
	p := newPlace(t)
	cmd, said := p.start(t, "-d", "-u")
	said.after("waiting up to")
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(said.String(), "no process offers them") {
		t.Errorf("exit code %d, %s", code, said)
	}
}
