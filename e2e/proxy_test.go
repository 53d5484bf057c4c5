package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// patience is how long something may take that takes milliseconds when
	// the machine is idle: under the race detector, beside other tests.
	patience = 20 * time.Second
	// pollEvery is the pause between two looks at what has no event to wait
	// for.
	pollEvery = 5 * time.Millisecond
)

// process is a running program whose output is kept.
type process struct {
	*exec.Cmd
	output  *output
	exited  chan struct{} // closed when it has ended and exitErr is set
	exitErr error
}

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a program until the test ends. Its output is shown when the test
// has failed.
func start(t testing.TB, name string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(name, args...), output: &output{}, exited: make(chan struct{})}
	p.Stdout, p.Stderr = p.output, p.output
	p.Env = cleanEnvironment()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.exitErr = p.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.Process.Kill()
		<-p.exited
		text := p.output.String()
		for _, bad := range []string{"DATA RACE", "panic"} {
			if _, after, found := strings.Cut(text, bad); found {
				t.Errorf("%s reports: %s%.4000s", filepath.Base(name), bad, after)
			}
		}
		if t.Failed() && text != "" {
			t.Logf("output of %s, at most its last lines:\n%s", filepath.Base(name), text[max(0, len(text)-8<<10):])
		}
	})
	return p
}

// cleanEnvironment is this process's without what would configure the proxy.
// Under the race detector a process would sleep for a second before it ends.
func cleanEnvironment() []string {
	env := []string{"GORACE=atexit_sleep_ms=0", "STATE_DIRECTORY=" + filepath.Dir(binary)}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PINGAP_") && !strings.HasPrefix(v, "STATE_DIRECTORY=") {
			env = append(env, v)
		}
	}
	return env
}

// signal sends s to the process.
func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// exitCode waits until the process has ended by itself, and returns its code.
func (p *process) exitCode(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatalf("%s did not end within %v", filepath.Base(p.Path), patience)
	}
	return p.ProcessState.ExitCode()
}

// answers waits until something accepts connections at addr.
func (p *process) answers(t testing.TB, addr string) {
	t.Helper()
	eventually(t, "connect to "+addr, func() error {
		select {
		case <-p.exited:
			t.Fatalf("%s ended before it answered at %s: %v", filepath.Base(p.Path), addr, p.exitErr)
		default:
		}
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// proxy is a running Pingap.
type proxy struct {
	*process
	addr string // of its server "main"
	dir  string // for configuration and logs
}

// startProxy runs the proxy with a configuration in which <ADDR> stands for the
// address of the server and <DIR> for a directory of the test's own. No text in
// base64 has the angle brackets, so that no key or certificate is hit by chance.
func startProxy(t testing.TB, config string, args ...string) *proxy {
	t.Helper()
	p := &proxy{addr: freeAddr(t), dir: t.TempDir()}
	config = strings.NewReplacer("<ADDR>", p.addr, "<DIR>", p.dir).Replace(config)
	p.process = start(t, binary, append([]string{"-c", writeFile(t, p.dir, "pingap.toml", config)}, args...)...)
	p.answers(t, p.addr)
	return p
}

// startProxyTo runs the proxy before one upstream, with the given keys of the
// upstream section beside its addresses.
func startProxyTo(t testing.TB, upstream string, upstreamKeys ...string) *proxy {
	t.Helper()
	return startProxy(t, proxyTo(upstream, upstreamKeys...))
}

func proxyTo(upstream string, upstreamKeys ...string) string {
	return fmt.Sprintf(`
[servers.main]
addr = "<ADDR>"
locations = ["all"]

[locations.all]
upstream = "peer"

[upstreams.peer]
addrs = [%q]
%s
`, upstream, strings.Join(upstreamKeys, "\n"))
}

// withH2 makes the server of proxyTo talk HTTP/2 too.
func withH2(config string) string {
	return strings.Replace(config, "[locations.all]", "enabled_h2 = true\n[locations.all]", 1)
}

// stop ends the proxy in an orderly way and expects success.
func (p *proxy) stop(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	if code := p.exitCode(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

// url returns the address of a path at the proxy.
func (p *proxy) url(path string) string { return "http://" + p.addr + path }

// descriptors counts the open descriptors of the proxy.
func (p *proxy) descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// settlesAt waits until the proxy has no more descriptors than before.
func (p *proxy) settlesAt(t testing.TB, before int) {
	t.Helper()
	eventually(t, "give descriptors back", func() error {
		if now := p.descriptors(t); now > before {
			return fmt.Errorf("%d descriptors are open, %d were before", now, before)
		}
		return nil
	})
}

// eventually calls f until it succeeds, and fails the test with its last error
// when patience is over.
func eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	within(t, patience, what, f)
}

// within is eventually for what takes more than milliseconds.
func within(t testing.TB, limit time.Duration, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		// sleep: between two looks at another process
		<-time.After(pollEvery)
	}
}

func writeFile(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// peakMemory is the most that the proxy has had resident, in KiB.
func (p *proxy) peakMemory(t testing.TB) int { return p.status(t, "VmHWM:") }

// memory is what the proxy has resident, in KiB.
func (p *proxy) memory(t testing.TB) int { return p.status(t, "VmRSS:") }

// status returns a number that the system tells about the proxy.
func (p *proxy) status(t testing.TB, name string) int {
	t.Helper()
	for line := range strings.Lines(readFile(t, fmt.Sprintf("/proc/%d/status", p.Process.Pid))) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == name {
			n, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("the system does not tell %s", name)
	return 0
}
