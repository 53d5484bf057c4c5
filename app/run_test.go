package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// until waits for what has no event to wait for.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	// sleep: between two looks at another process
	for deadline := time.Now().Add(patience); !f(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// record is an output that tests can wait on.
type record struct {
	mu   sync.Mutex
	more *sync.Cond
	text bytes.Buffer
}

func newRecord() *record {
	r := &record{}
	r.more = sync.NewCond(&r.mu)
	return r
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.more.Broadcast()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// after waits until the text holds mark and a whole line behind it, and returns
// that; "" when it does not come.
func (r *record) after(mark string) string { return r.afterNth(mark, 1) }

// afterNth is after for the n-th mark.
func (r *record) afterNth(mark string, n int) (line string) {
	r.await(func(text string) (whole bool) {
		if parts := strings.SplitN(text, mark, n+1); len(parts) > n {
			line, _, whole = strings.Cut(parts[n], "\n")
		}
		return whole
	})
	return line
}

// holds waits until the text holds all of the parts: a log is written by a
// goroutine of its own, after what it tells of. It reports false when they do
// not come.
func (r *record) holds(parts ...string) bool {
	return r.await(func(text string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
	})
}

// await waits until the text is as it should be, and reports whether it is.
func (r *record) await(is func(text string) bool) bool {
	over := time.AfterFunc(patience, r.more.Broadcast)
	defer over.Stop()
	deadline := time.Now().Add(patience)
	r.mu.Lock()
	defer r.mu.Unlock()
	for !is(r.text.String()) {
		if time.Now().After(deadline) {
			return false
		}
		r.more.Wait()
	}
	return true
}

// process is a Main that runs.
type process struct {
	signals        chan os.Signal
	stdout, stderr *record
	exited         chan int
	addr, conf     string
}

// socket returns the path of a Unix socket that nobody else can take.
func socket(t *testing.T) string {
	dir, err := os.MkdirTemp("", "app") // t.TempDir is too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// listening puts a socket where the text says %ADDR%.
func listening(t *testing.T, text string) string {
	return strings.ReplaceAll(text, "%ADDR%", "unix:"+socket(t))
}

// launch runs Main and waits until it listens; %ADDR% in the text stands for
// where.
func launch(t *testing.T, text string, args ...string) *process {
	t.Helper()
	path := socket(t)
	text = strings.ReplaceAll(text, "%ADDR%", "unix:"+path)
	p := &process{signals: make(chan os.Signal, 1), stdout: newRecord(), stderr: newRecord(), exited: make(chan int, 1)}
	p.conf = conf(t, text)
	args = append([]string{"--threads", "2", "-c", p.conf}, args...)
	go func() {
		p.exited <- Main(args, System{Stdout: p.stdout, Stderr: p.stderr, Getenv: environ(nil), Signals: p.signals})
	}()
	p.addr = path
	if p.stderr.after("listening on ") == "" {
		t.Fatalf("it does not listen:\n%s", p.stderr)
	}
	return p
}

// exit waits for the end and checks the exit code.
func (p *process) exit(t *testing.T) {
	t.Helper()
	select {
	case code := <-p.exited:
		if code != 0 {
			t.Errorf("exit code %d:\n%s", code, p.stderr)
		}
	case <-time.After(patience):
		t.Fatalf("it does not end:\n%s", p.stderr)
	}
}

// get asks the process over a connection of its own.
func (p *process) get(t *testing.T, path string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", p.addr) },
	}, Timeout: patience}
	r, err := client.Get("http://proxy" + path)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// pinging answers by itself; the text goes before its sections.
func pinging(access string) string {
	return fmt.Sprintf(`
[servers.web]
addr = "%%ADDR%%"
locations = ["ping"]
access_log = %q
[locations.ping]
plugins = ["pingap:ping"]
`, access)
}

func TestSignalEndsTheProcessInOrder(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		pid := filepath.Join(t.TempDir(), "run", "pingap.pid")
		p := launch(t, fmt.Sprintf("[basic]\npid_file = %q\n", pid)+pinging("{method} {uri} {status}"))
		for i := range 3 {
			if got := p.get(t, fmt.Sprintf("/ping?%d", i)); got != "pong" {
				t.Errorf("answer %q", got)
			}
		}
		// It is written when the process serves, which others see a moment before.
		until(t, "its number in the pid file", func() bool {
			text, _ := os.ReadFile(pid)
			return string(text) == fmt.Sprintln(os.Getpid())
		})
		p.signals <- signal
		p.exit(t)
		if _, err := os.Stat(pid); !os.IsNotExist(err) {
			t.Errorf("the pid file is still there: %v", err)
		}
		if got := strings.Count(p.stdout.String(), " 200\n"); got != 3 {
			t.Errorf("access log: %q", p.stdout)
		}
		if text := p.stderr.String(); !strings.Contains(text, "signal="+signal.String()) && !strings.Contains(text, signal.String()) || !strings.HasSuffix(text, "stopped\n") {
			t.Errorf("log:\n%s", text)
		}
		if c, err := net.Dial("unix", p.addr); err == nil {
			c.Close()
			t.Error("it still listens")
		}
	}
}

func TestAccessLogJoinsTheLogFileUntilTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pingap.log")
	text := listening(t, pinging("{method} {uri} {status}"))
	p := &process{signals: make(chan os.Signal, 1), stdout: newRecord(), stderr: newRecord(), exited: make(chan int, 1)}
	p.signals <- syscall.SIGTERM
	if code := Main([]string{"--threads", "1", "-c", conf(t, text), "--log", path + "?rolling=never"}, System{Stdout: p.stdout, Stderr: p.stderr, Getenv: environ(nil), Signals: p.signals}); code != 0 {
		t.Errorf("exit code %d", code)
	}
	log, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(log, []byte("listening on")) || !bytes.HasSuffix(log, []byte("stopped\n")) {
		t.Errorf("log file holds %q, %v", log, err)
	}
	if out := p.stdout.String() + p.stderr.String(); out != "" {
		t.Errorf("written beside the log file: %q", out)
	}
}

// holding is an upstream that answers when it is released.
func holding(t *testing.T) (addr string, reached, release chan struct{}) {
	reached, release = make(chan struct{}, 10), make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
		io.WriteString(w, "finished")
	}))
	t.Cleanup(up.Close)
	return up.Listener.Addr().String(), reached, release
}

func proxying(addr, access string) string {
	return fmt.Sprintf(`
[servers.web]
addr = "%%ADDR%%"
locations = ["all"]
access_log = %q
[locations.all]
upstream = "u"
[upstreams.u]
addrs = [%q]
`, access, addr)
}

func TestExchangeInFlightAtTheSignalIsAnsweredAndLogged(t *testing.T) {
	addr, reached, release := holding(t)
	dir := t.TempDir()
	p := launch(t, proxying(addr, dir+"/a.log?rolling=never {uri} {status}"))
	got := make(chan string)
	go func() { got <- p.get(t, "/slow") }()
	<-reached
	p.signals <- syscall.SIGTERM
	p.stderr.after("stopping:")
	// While it drains, log files can be opened again.
	if err := os.Rename(dir+"/a.log", dir+"/a.log.1"); err != nil {
		t.Fatal(err)
	}
	p.signals <- syscall.SIGUSR1
	until(t, "a new access log", func() bool { _, err := os.Stat(dir + "/a.log"); return err == nil })
	close(release)
	if text := <-got; text != "finished" {
		t.Errorf("answer %q", text)
	}
	p.exit(t)
	if log, err := os.ReadFile(dir + "/a.log"); string(log) != "/slow 200\n" {
		t.Errorf("access log holds %q, %v", log, err)
	}
}

func TestSecondSignalCutsWhatIsInFlightAndLogsIt(t *testing.T) {
	addr, reached, _ := holding(t)
	p := launch(t, proxying(addr, "{uri} {status}"))
	c, err := net.Dial("unix", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-reached
	p.signals <- syscall.SIGTERM
	p.stderr.after("stopping:")
	p.signals <- syscall.SIGINT
	p.exit(t)
	if got := p.stdout.String(); got != "/slow 499\n" {
		t.Errorf("access log: %q", got)
	}
	for _, want := range []string{"stopping at once", "connections are cut"} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, p.stderr)
		}
	}
}

func TestExchangesAreCutWhenTheGracePeriodIsOver(t *testing.T) {
	addr, reached, _ := holding(t)
	p := launch(t, "[basic]\ngrace_period = \"10ms\"\n"+proxying(addr, "{uri} {status}"))
	c, err := net.Dial("unix", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-reached
	p.signals <- syscall.SIGTERM
	p.exit(t)
}

func TestUSR1OpensTheLogFilesAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pingap.log")
	text := listening(t, pinging(""))
	signals := make(chan os.Signal) // taken one by one
	done := make(chan int)
	go func() {
		done <- Main([]string{"--threads", "1", "-c", conf(t, text), "--log", path + "?rolling=never"}, System{Stdout: io.Discard, Stderr: io.Discard, Getenv: environ(nil), Signals: signals})
	}()
	signals <- syscall.SIGUSR1 // it runs
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	signals <- syscall.SIGUSR1
	signals <- syscall.SIGTERM
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
	log, err := os.ReadFile(path)
	if err != nil || !bytes.HasSuffix(log, []byte("stopped\n")) {
		t.Errorf("the new file holds %q, %v", log, err)
	}
}

func TestStartThatFailsExitsWithOneAndLeavesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	pid := filepath.Join(dir, "pid")
	for name, c := range map[string]struct{ text, want string }{
		"address taken":   {fmt.Sprintf("[basic]\npid_file = %q\n", pid) + strings.Replace(pinging(""), "%ADDR%", taken.Addr().String(), 1), "this process itself listens there"},
		"log not to open": {listening(t, pinging(dir+"?rolling=never tiny")), "pingap.toml:5: servers.web: access_log: open log"},
	} {
		code, _, stderr := call([]string{"--threads", "2", "-c", conf(t, c.text)})
		if code != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, error %q", name, code, stderr)
		}
	}
	if _, err := os.Stat(pid); err == nil {
		t.Error("a process that did not start wrote its pid file")
	}
	code, _, stderr := call([]string{"--log", dir + "?rolling=never", "-c", conf(t, listening(t, pinging("")))})
	if code != 1 || !strings.Contains(stderr, "open log") {
		t.Errorf("exit code %d, error %q", code, stderr)
	}
}

// A pid file is not worth an outage.
func TestPidFileThatCannotBeWrittenIsReportedOnly(t *testing.T) {
	p := launch(t, fmt.Sprintf("[basic]\npid_file = %q\n", t.TempDir())+pinging(""))
	p.signals <- syscall.SIGTERM
	p.exit(t)
	if !strings.Contains(p.stderr.String(), "cannot write the pid file") {
		t.Errorf("log:\n%s", p.stderr)
	}
}
