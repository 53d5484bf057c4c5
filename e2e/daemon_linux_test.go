package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// daemon is a proxy in the background, known by its pid file.
type daemon struct{ dir, conf, addr string }

// startDaemon runs a proxy in the background until the test ends. Its
// configuration has pid_file, upgrade_sock and error_log in [basic], and what
// the text says.
func startDaemon(t *testing.T, config string, args ...string) *daemon {
	t.Helper()
	d := &daemon{dir: t.TempDir(), addr: freeAddr(t)}
	config = "[basic]\npid_file = \"<DIR>/pid\"\nupgrade_sock = \"<DIR>/up\"\nerror_log = \"<DIR>/log\"\n" + config
	d.conf = writeFile(t, d.dir, "pingap.toml", strings.NewReplacer("<ADDR>", d.addr, "<DIR>", d.dir).Replace(config))
	d.launch(t, args...)
	t.Cleanup(func() {
		defer func() {
			for _, pid := range d.processes() {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}()
		d.end(t)
		text := readFile(t, filepath.Join(d.dir, "log"))
		for _, bad := range []string{"DATA RACE", "panic"} {
			if _, after, found := strings.Cut(text, bad); found {
				t.Errorf("a proxy reports: %s%.4000s", bad, after)
			}
		}
		if t.Failed() {
			t.Logf("the log of the proxies, at most its last lines:\n%s", text[max(0, len(text)-16<<10):])
		}
	})
	return d
}

// launch starts the proxy and waits until it serves.
func (d *daemon) launch(t *testing.T, args ...string) {
	t.Helper()
	if code, out, err := command(t, nil, append([]string{"-c", d.conf, "-d"}, args...)...); code != 0 {
		t.Fatalf("the proxy does not start: exit code %d, %s%s", code, out, err)
	}
}

// end stops the proxy that serves and waits until no process is left.
func (d *daemon) end(t *testing.T) {
	t.Helper()
	if pid, err := d.read(); err == nil {
		syscall.Kill(pid, syscall.SIGTERM)
	}
	eventually(t, "end all processes", func() error {
		if pids := d.processes(); len(pids) > 0 {
			return fmt.Errorf("processes %v are there", pids)
		}
		return nil
	})
}

// pid returns the number of the process that serves.
func (d *daemon) pid(t *testing.T) int {
	t.Helper()
	pid, err := d.read()
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func (d *daemon) read() (int, error) {
	text, err := os.ReadFile(filepath.Join(d.dir, "pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// processes are those that run with the configuration.
func (d *daemon) processes() (pids []int) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		if text, err := os.ReadFile(line); err == nil && strings.Contains(string(text), d.conf) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(line)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestTimeGoesOnInADaemon(t *testing.T) {
	// Once, a clock kept by a thread stood still in the background, where
	// threads do not follow a fork: tokens were checked against the time of the
	// start.
	d := startDaemon(t, proxyTo("127.0.0.1:1"))
	c := newClient(t)
	now := func() string {
		resp, err := c.Get("http://" + d.addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		date := resp.Header.Get("Date")
		if _, err := http.ParseTime(date); err != nil {
			t.Fatalf("the date is %q: %v", date, err)
		}
		return date
	}
	first := now()
	eventually(t, "let time go on", func() error {
		if now() == first {
			return errors.New("it is still " + first)
		}
		return nil
	})
}
