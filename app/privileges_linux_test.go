package app

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pingap/config"
)

// asRoot skips what only root can try.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		// skip: only root can become another user, and CI is root.
		t.Skip("not root")
	}
}

// ids reads whom a process is, of the real and all other kinds.
func ids(t *testing.T, pid int) (all string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); name == "Uid" || name == "Gid" || name == "Groups" {
			all += strings.Join(strings.Fields(value), " ") + "\n"
		}
	}
	return all
}

func TestListenersAreOpenedAsRootAndServedAsTheUser(t *testing.T) {
	asRoot(t)
	basic := []string{`user = "nobody"`, `group = "nogroup"`, `pid_file = "%DIR%/root/pid"`, `upgrade_sock = "%DIR%/up"`, `error_log = "%DIR%/root/err"`}
	p := newPlace(t)
	// Neither the files nor the port are the user's.
	if err := os.Mkdir(filepath.Join(p.dir, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.configure(t, basic...)
	text, err := os.ReadFile(filepath.Join(p.dir, "conf.toml"))
	if err != nil {
		t.Fatal(err)
	}
	low := fmt.Sprintf("127.%d.%d.1:81", os.Getpid()>>8&0x7f, os.Getpid()&0xff)
	text = []byte(strings.Replace(string(text), `addr = "`, `addr = "`+low+`, `, 1))
	if err := os.WriteFile(filepath.Join(p.dir, "conf.toml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-d"}, {"-d", "-u"}, {"-d", "-u"}} {
		if code, stderr := p.run(args...); code != 0 {
			t.Fatalf("%v: exit code %d, %s", args, code, stderr)
		}
		pid := p.pidIn(t, "root/pid")
		if got, want := ids(t, pid), "65534 65534 65534 65534\n65534 65534 65534 65534\n65534\n"; got != want {
			t.Errorf("%v: the process is\n%s, want\n%s", args, got, want)
		}
		if err := p.answers(); err != nil {
			t.Error(err)
		}
		c, err := net.Dial("tcp", low)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		// A new process, started by root, takes over from one of the user.
		kill(t, pid, syscall.SIGQUIT)
	}
	pid := p.pidIn(t, "root/pid")
	kill(t, pid, syscall.SIGTERM)
	gone(t, pid)
	if text, err := os.ReadFile(filepath.Join(p.dir, "root/pid")); err == nil && len(text) > 0 {
		t.Errorf("the pid file still holds %q", text)
	}
	if log, _ := os.ReadFile(filepath.Join(p.dir, "root/err")); !strings.Contains(string(log), "stopped\n") {
		t.Errorf("the error log holds:\n%s", log)
	}
}

// pidIn reads a pid file by its name.
func (p *place) pidIn(t *testing.T, name string) (pid int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if _, e := fmt.Sscan(string(text), &pid); err != nil || e != nil {
		t.Fatal(err, e)
	}
	return pid
}

func TestRestartOfItsOwnWorksAsTheUserToo(t *testing.T) {
	asRoot(t)
	p := newPlace(t, `user = "65534"`)
	pid := p.daemon(t)
	kill(t, pid, syscall.SIGUSR2)
	gone(t, pid)
	if err := p.answers(); err != nil || p.pid(t) == pid {
		t.Errorf("process %d after %d: %v", p.pid(t), pid, err)
	}
}

func TestUserThatIsNotThereIsExplained(t *testing.T) {
	for _, c := range []struct{ user, group, want string }{
		{"no-such-user", "", "useradd --system no-such-user"},
		{"999999999", "", "the system has no user"},
		{"", "no-such-group", "groupadd --system no-such-group"},
	} {
		_, wrong := identify(&config.Config{Basic: config.Basic{User: c.user, Group: c.group}})
		if len(wrong) != 1 || !strings.Contains(wrong.Error(), c.want) {
			t.Errorf("%s:%s: %v", c.user, c.group, wrong)
		}
	}
	if who, wrong := identify(&config.Config{}); who != nil || wrong != nil || who.users() != nil {
		t.Errorf("nobody is %+v, %v", who, wrong)
	}
}

func TestOnlyRootBecomesAnotherUser(t *testing.T) {
	asRoot(t)
	p := newPlace(t, `user = "daemon"`)
	cmd := p.command()
	said := newRecord()
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	if said.after("serve as daemon: only root can become") == "" {
		t.Errorf("log:\n%s", said)
	}
	if err := p.answers(); err != nil {
		t.Error(err)
	}
}

func TestPidFileOfAnotherProcessIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "pid")
	p, err := openPidFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.write(1234567890), p.write(os.Getpid())); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != fmt.Sprintln(os.Getpid()) {
		t.Errorf("it holds %q", text)
	}
	if err := os.WriteFile(path, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.remove()
	p.remove()
	if text, _ := os.ReadFile(path); string(text) != "1\n" {
		t.Errorf("it holds %q", text)
	}
	link := filepath.Join(filepath.Dir(path), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := openPidFile(link, nil); err == nil {
		t.Error("a link was followed")
	}
}
