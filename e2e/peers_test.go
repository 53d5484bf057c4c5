package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// nginx is a real peer that serves files.
type nginx struct {
	*process
	addr   string
	listen string // options beside the address
	root   string // the directory of its files
}

// startNginx runs nginx over an empty directory, as one process that is all
// there is to stop or to kill. It takes the given directives of a location.
func startNginx(t testing.TB, directives string) *nginx {
	t.Helper()
	n := &nginx{addr: freeAddr(t), root: t.TempDir()}
	n.run(t, directives)
	return n
}

func (n *nginx) run(t testing.TB, directives string) {
	t.Helper()
	dir := t.TempDir()
	conf := writeFile(t, dir, "nginx.conf", fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr error;
events { worker_connections 4096; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	keepalive_requests 100000;
	server {
		listen %[2]s %[5]s;
		root %[3]s;
		location / { %[4]s }
	}
}
`, dir, n.addr, n.root, directives, n.listen))
	n.process = start(t, "nginx", "-c", conf, "-p", dir, "-e", "stderr")
	n.answers(t, n.addr)
}

// file puts a file where nginx finds it and returns its path in URLs.
func (n *nginx) file(t testing.TB, name string, content []byte) string {
	t.Helper()
	return n.fileOf(t, name, bytes.NewReader(content))
}

// fileOf is file with content that need not be in memory.
func (n *nginx) fileOf(t testing.TB, name string, content io.Reader) string {
	t.Helper()
	writeContent(t, filepath.Join(n.root, name), content)
	return "/" + name
}

func writeContent(t testing.TB, path string, content io.Reader) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(f, content)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// serve runs a net/http server until the test ends, and returns its address.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	addr := freeAddr(t)
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, ln, handler)
	return addr
}

// serveOn runs a net/http server on ln until the test ends.
func serveOn(t testing.TB, ln net.Listener, handler http.HandlerFunc) {
	t.Helper()
	server := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(ln)
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
}

// listen runs a peer of raw bytes until the test ends: talk is called for each
// connection on a goroutine of its own and closes it by returning.
func listen(t testing.TB, talk func(net.Conn)) string {
	t.Helper()
	addr := freeAddr(t)
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conns := &connections{open: map[net.Conn]bool{}}
	conns.wait.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conns.serve(conn, talk)
		}
	})
	t.Cleanup(func() {
		ln.Close()
		conns.closeAll()
		conns.wait.Wait()
	})
	return addr
}

// connections are those of a listener, so that it can end them all.
type connections struct {
	wait   sync.WaitGroup
	mu     sync.Mutex
	open   map[net.Conn]bool
	closed bool
}

func (c *connections) serve(conn net.Conn, talk func(net.Conn)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		conn.Close()
		return
	}
	c.open[conn] = true
	c.wait.Go(func() {
		defer func() {
			conn.Close()
			c.mu.Lock()
			delete(c.open, conn)
			c.mu.Unlock()
		}()
		talk(conn)
	})
}

func (c *connections) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.open {
		conn.Close()
	}
}

// newClient returns a client of its own connections, which end with the test.
func newClient(t testing.TB) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 2 * patience}
}

// newH2CClient returns one that talks HTTP/2 without TLS.
func newH2CClient(t testing.TB) *http.Client {
	c := newClient(t)
	transport := c.Transport.(*http.Transport)
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetUnencryptedHTTP2(true)
	return c
}

// soak is how long a test that meets rare events looks for them.
func soak(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv("PINGAP_SOAK")
	if text == "" {
		return 2 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal("PINGAP_SOAK:", err)
	}
	return d
}
