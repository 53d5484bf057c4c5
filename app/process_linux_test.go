package app

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// place is where a test's processes live: a directory with all their files.
type place struct {
	dir     string
	program string // a copy that may be replaced
	addr    string // of the Unix socket that is served
}

// newPlace makes a place with a configuration: a server that answers pings, and
// in [basic] what the test adds.
func newPlace(t *testing.T, basic ...string) *place {
	t.Helper()
	dir, err := os.MkdirTemp("", "app")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { // for tests that become another user
		t.Fatal(err)
	}
	p := &place{dir: dir, program: filepath.Join(dir, "program"), addr: filepath.Join(dir, "s")}
	p.install(t, os.Args[0])
	p.configure(t, append(basic, `pid_file = "%DIR%/pid"`, `error_log = "%DIR%/err"`, `upgrade_sock = "%DIR%/up"`)...)
	t.Cleanup(p.killAll)
	return p
}

// configure writes the configuration.
func (p *place) configure(t *testing.T, basic ...string) {
	t.Helper()
	text := "[basic]\n" + strings.Join(basic, "\n") + pinging("")
	text = strings.NewReplacer("%ADDR%", "unix:"+p.addr, "%DIR%", p.dir).Replace(text)
	replaceFile(t, filepath.Join(p.dir, "conf.toml"), text)
}

// install puts a program in place, as a package manager does: by a rename.
func (p *place) install(t *testing.T, from string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, p.program, string(text))
}

// command is the program with the configuration and other arguments.
func (p *place) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.program, append([]string{"-c", filepath.Join(p.dir, "conf.toml"), "--threads", "1"}, args...)...)
	// The race detector lets processes sleep before they end, a second each.
	cmd.Env = append(os.Environ(), asProgram+"=1", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// run runs the program to its end.
func (p *place) run(args ...string) (code int, stderr string) {
	cmd := p.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Run()
	return cmd.ProcessState.ExitCode(), out.String()
}

// start runs the program in the foreground until the test ends.
func (p *place) start(t *testing.T, args ...string) (*exec.Cmd, *record) {
	t.Helper()
	cmd, said := p.command(args...), newRecord()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, said
}

// daemon starts a daemon and returns its number.
func (p *place) daemon(t *testing.T, args ...string) int {
	t.Helper()
	if code, stderr := p.run(append(args, "-d")...); code != 0 {
		t.Fatalf("the daemon does not start: exit code %d, %s", code, stderr)
	}
	return p.pid(t)
}

// pid reads the pid file.
func (p *place) pid(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// log is what the daemons have written.
func (p *place) log() string {
	text, _ := os.ReadFile(filepath.Join(p.dir, "err"))
	return string(text)
}

// killAll ends what a test has left running.
func (p *place) killAll() {
	for _, pid := range p.processes() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// processes are those that run the program of this place.
func (p *place) processes() (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, p.program) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// answers asks for a ping on a connection of its own.
func (p *place) answers() error {
	c, err := net.DialTimeout("unix", p.addr, patience)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, "GET /ping HTTP/1.0\r\n\r\n")
	text, err := io.ReadAll(c)
	if err != nil || !bytes.HasPrefix(text, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("answer %q, %v", text, err)
	}
	return nil
}

// kill sends a signal to a daemon.
func kill(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatal(err)
	}
}

// gone waits until a process that is no child has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	until(t, fmt.Sprintf("the end of process %d", pid), func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || bytes.Contains(stat, []byte(") Z "))
	})
}
