package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// load is clients that ask without a pause, and count what fails. None tries
// anything a second time, but for what HTTP/2 calls safe to try again.
type load struct {
	addr    string
	secure  string      // where TLS is spoken
	tls     *tls.Config // for that
	running sync.WaitGroup
	over    atomic.Bool
	done    atomic.Int64
	plain   atomic.Int64 // of them, requests in clear text that were answered

	mu     sync.Mutex
	failed []error
}

// run runs n clients, each of which does ask again and again, with a pause
// between.
func (l *load) run(n int, pause time.Duration, client func() (ask func() error, end func())) {
	for range n {
		l.running.Go(func() {
			ask, end := client()
			defer end()
			for !l.over.Load() {
				l.count(ask())
				if pause > 0 {
					// sleep: the pace of the load
					<-time.After(pause)
				}
			}
		})
	}
}

// keepAlive is a client that stays on a connection for as long as the proxy
// lets it.
func (l *load) keepAlive() (ask func() error, end func()) {
	c := &keepAliveClient{addr: l.addr}
	return func() error {
		err := c.ask()
		if err == nil {
			l.plain.Add(1)
		}
		return err
	}, c.close
}

// keepAliveTLS is the same over TLS.
func (l *load) keepAliveTLS() (ask func() error, end func()) {
	c := &keepAliveClient{addr: l.secure, tls: l.tls}
	return c.ask, c.close
}

// fresh makes a connection for each request, and freshTLS over TLS.
func (l *load) fresh() (ask func() error, end func())    { return once(l.keepAlive()) }
func (l *load) freshTLS() (ask func() error, end func()) { return once(l.keepAliveTLS()) }

func once(ask func() error, end func()) (func() error, func()) {
	return func() error {
		defer end()
		return ask()
	}, func() {}
}

// http2 is a client of HTTP/2 with a connection of its own.
func (l *load) http2() (ask func() error, end func()) {
	transport := &http.Transport{TLSClientConfig: l.tls.Clone(), ForceAttemptHTTP2: true}
	c := &http.Client{Transport: transport, Timeout: patience}
	return func() error {
		resp, err := c.Get("https://" + l.secure + "/some/path")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err == nil && (resp.StatusCode != http.StatusOK || string(body) != "hello" || resp.ProtoMajor != 2) {
			err = fmt.Errorf("answer %s %s with %q", resp.Proto, resp.Status, body)
		}
		return err
	}, transport.CloseIdleConnections
}

// tunnel is a client that switches to another protocol and talks for a while;
// an upgrade in between must not end that.
func (l *load) tunnel() (ask func() error, end func()) {
	return func() error {
		conn, err := net.DialTimeout("tcp", l.addr, patience)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		io.WriteString(conn, "GET /talk HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusSwitchingProtocols {
			return fmt.Errorf("no tunnel: %s", resp.Status)
		}
		for i := range 20 {
			word := fmt.Sprintf("word %d", i)
			io.WriteString(conn, word)
			if err := wantText(in, word); err != nil {
				return fmt.Errorf("in a tunnel: %w", err)
			}
			// sleep: a conversation, so that the upgrade meets its tunnel
			<-time.After(20 * time.Millisecond)
		}
		return nil
	}, func() {}
}

func (l *load) count(err error) {
	l.done.Add(1)
	if err != nil {
		l.mu.Lock()
		l.failed = append(l.failed, err)
		l.mu.Unlock()
	}
}

// goOn waits until so many more requests have been answered.
func (l *load) goOn(t *testing.T, n int64) {
	t.Helper()
	enough := l.done.Load() + n
	eventually(t, "answer requests", func() error {
		if done := l.done.Load(); done < enough {
			return fmt.Errorf("%d more are to come", enough-done)
		}
		return nil
	})
}

// stop ends the clients and reports how many requests failed.
func (l *load) stop(t *testing.T) {
	t.Helper()
	l.over.Store(true)
	l.running.Wait()
	t.Logf("%d requests", l.done.Load())
	if len(l.failed) > 0 {
		t.Errorf("%d of %d requests failed, the first with: %v", len(l.failed), l.done.Load(), l.failed[0])
	}
}

// keepAliveClient asks on one connection until an answer says that it is the
// last.
type keepAliveClient struct {
	addr string
	tls  *tls.Config // nil for clear text
	conn net.Conn
	in   *bufio.Reader
	used int
}

func (c *keepAliveClient) ask() error {
	if err := c.try(); err != nil {
		c.close()
		return fmt.Errorf("request %d of a connection: %w", c.used, err)
	}
	return nil
}

func (c *keepAliveClient) try() (err error) {
	if c.conn == nil {
		c.used = 0
		if c.conn, err = c.dial(); err != nil {
			return err
		}
		c.in = bufio.NewReader(c.conn)
	}
	c.used++
	c.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c.conn, "GET /some/path HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK || string(body) != "hello":
		return fmt.Errorf("answer %s with %q", resp.Status, body)
	case resp.Close:
		c.close()
	}
	return nil
}

func (c *keepAliveClient) dial() (net.Conn, error) {
	dialer := &net.Dialer{Timeout: patience}
	if c.tls == nil {
		return dialer.Dial("tcp", c.addr)
	}
	conn, err := tls.DialWithDialer(dialer, "tcp", c.addr, c.tls)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

func (c *keepAliveClient) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

func TestTwentyUpgradesInARowFailNoRequest(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			talkBack(t, w)
			return
		}
		io.WriteString(w, "hello")
	})
	for _, q := range []struct {
		name, keys string
		upgrades   int
	}{
		{"one listener", "", 20},
		{"a listener for each loop", "reuse_port = true", 5},
	} {
		t.Run(q.name, func(t *testing.T) {
			trusted, secure := x509.NewCertPool(), freeAddr(t)
			config := strings.Replace(proxyTo(upstream), "[servers.main]", "[servers.main]\naccess_log = \"<DIR>/access?rolling=never&channel_buffer=100000 {path} {status} end\"\n"+q.keys, 1) + fmt.Sprintf(`
[servers.secure]
addr = %q
locations = ["all"]
global_certificates = true
enabled_h2 = true
%s
[certificates.pair]
tls_cert = %q
is_default = true
`, secure, q.keys, selfSigned(t, trusted))
			d := startDaemon(t, config, "--threads", "2")
			l := &load{addr: d.addr, secure: secure, tls: &tls.Config{RootCAs: trusted, ServerName: "proxy.test"}}
			l.run(40, 0, l.keepAlive)
			l.run(40, 20*time.Millisecond, l.keepAlive)
			l.run(10, 300*time.Millisecond, l.keepAlive)
			l.run(10, 0, l.fresh)
			l.run(40, 5*time.Millisecond, l.keepAliveTLS)
			l.run(5, 0, l.freshTLS)
			l.run(30, 5*time.Millisecond, l.http2)
			l.run(25, 0, l.tunnel)
			seen := map[int]bool{}
			for i := range q.upgrades {
				l.goOn(t, 300)
				old := d.pid(t)
				if code, out, err := command(t, nil, "-c", d.conf, "-t"); code != 0 {
					t.Fatalf("exit code %d, %s%s", code, out, err)
				}
				if err := syscall.Kill(old, syscall.SIGQUIT); err != nil {
					t.Fatal(err)
				}
				// Another number of loops each time: their listeners all go on.
				d.launch(t, "-u", "--threads", strconv.Itoa(1+(i+1)%3))
				if now := d.pid(t); seen[now] || now == old {
					t.Fatalf("upgrade %d: process %d serves after %d", i, now, old)
				}
				seen[old] = true
			}
			l.stop(t)
			last := d.pid(t)
			eventually(t, "end the old processes", func() error {
				if pids := d.processes(); len(pids) != 1 || pids[0] != last {
					return fmt.Errorf("processes %v are there, %d serves", pids, last)
				}
				return nil
			})
			// Two processes write at a time, and each of them ends.
			d.end(t)
			if lines := strings.Count("\n"+readFile(t, filepath.Join(d.dir, "access")), "\n/some/path 200 end"); lines != int(l.plain.Load()) {
				t.Errorf("the access log has %d lines for %d requests", lines, l.plain.Load())
			}
		})
	}
}

func TestATunnelOutlivesAnUpgradeUntilItsGraceEnds(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { talkBack(t, w) })
	d := startDaemon(t, "grace_period = \"2s\"\n"+proxyTo(upstream))
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(conn)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp, err)
	}
	old := d.pid(t)
	if err := syscall.Kill(old, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	d.launch(t, "-u")
	if pids := d.processes(); len(pids) != 2 {
		t.Errorf("processes %v are there", pids)
	}
	io.WriteString(conn, "still there")
	if err := wantText(in, "still there"); err != nil {
		t.Error("after the upgrade:", err)
	}
	if _, err := in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the tunnel does not end: %v", err)
	}
	eventually(t, "end the old process", func() error {
		if pids := d.processes(); len(pids) != 1 || pids[0] == old {
			return fmt.Errorf("processes %v are there", pids)
		}
		return nil
	})
}

// When the new program is broken the old one stays.
func TestAnUpgradeThatFailsChangesNothing(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	d := startDaemon(t, proxyTo(upstream))
	l := &load{addr: d.addr}
	l.run(10, 0, l.keepAlive)
	l.run(5, 0, l.fresh)
	pid := d.pid(t)
	good := readFile(t, d.conf)
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		writeFile(t, d.dir, "pingap.toml", good+"\n[servers.second]\naddr = \"203.0.113.1:80\"\nlocations = [\"all\"]\n")
		if code, _, err := command(t, nil, "-c", d.conf, "-d", "-u"); code != 1 || !strings.Contains(err, "203.0.113.1:80") {
			t.Errorf("exit code %d, %s", code, err)
		}
		if now := d.pid(t); now != pid {
			t.Errorf("process %d is named after %d", now, pid)
		}
	}
	writeFile(t, d.dir, "pingap.toml", good)
	d.launch(t, "-u")
	l.stop(t)
	if d.pid(t) == pid {
		t.Error("the old process is still named")
	}
}

func TestAnUpgradeClosesAddressesThatAreNotConfiguredAnyMore(t *testing.T) {
	// Once, inherited sockets stayed open for ever.
	second := freeAddr(t)
	socket := filepath.Join(t.TempDir(), "s")
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	d := startDaemon(t, strings.Replace(proxyTo(upstream), `"<ADDR>"`, `"<ADDR>, `+second+`, unix:`+socket+`"`, 1))
	old := d.pid(t)
	writeFile(t, d.dir, "pingap.toml", strings.Replace(readFile(t, d.conf), ", "+second, "", 1))
	if err := syscall.Kill(old, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	d.launch(t, "-u")
	eventually(t, "end the old process", func() error {
		if pids := d.processes(); len(pids) != 1 {
			return fmt.Errorf("processes %v are there", pids)
		}
		return nil
	})
	if conn, err := net.Dial("tcp", second); err == nil {
		conn.Close()
		t.Errorf("%s is still open", second)
	}
	for network, addr := range map[string]string{"tcp": d.addr, "unix": socket} {
		conn, err := net.Dial(network, addr)
		if err != nil {
			t.Error(err)
			continue
		}
		conn.Close()
	}
	d.end(t)
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("the last process left its socket: %v", err)
	}
}

func TestTheAdminMovesToTheNewProcess(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	t.Run("with a listener of its own", func(t *testing.T) {
		admin := freeAddr(t)
		restartByAdmin(t, startDaemon(t, proxyTo(upstream), "--admin", admin), admin)
	})
	t.Run("with the listener of a server", func(t *testing.T) {
		admin := freeAddr(t)
		other := fmt.Sprintf("[servers.other]\naddr = %q\nlocations = [\"all\"]\n", admin)
		restartByAdmin(t, startDaemon(t, proxyTo(upstream)+other, "--admin", admin+"/desk"), admin+"/desk")
	})
}

// restartByAdmin has the admin at an address and path replace its process.
func restartByAdmin(t *testing.T, d *daemon, admin string) {
	t.Helper()
	client := newClient(t)
	served := func(pid int) error {
		resp, err := client.Get("http://" + admin + "/api/basic")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), fmt.Sprintf(`"pid": %d,`, pid)) {
			return fmt.Errorf("the admin of process %d is expected: %s, %v", pid, text, err)
		}
		return nil
	}
	old := d.pid(t)
	if err := served(old); err != nil {
		t.Fatal(err)
	}
	resp, err := client.Post("http://"+admin+"/api/restart", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	eventually(t, "let another process serve", func() error {
		if now := d.pid(t); now != old {
			return served(now)
		}
		return errors.New("the old process serves")
	})
}
