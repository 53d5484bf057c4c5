package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const manyLocations = `
[servers.main]
addr = "<ADDR>"
locations = ["refused", "unplugged", "small", "single", "slow"]

[locations.refused]
path = "/refused"
upstream = "refused"

[locations.unplugged]
path = "/unplugged"
plugins = ["pingap:ping"]

[locations.small]
path = "/small"
client_max_body_size = "1kb"
upstream = "peer"

[locations.single]
path = "/single"
max_processing = 1
upstream = "peer"

[locations.slow]
path = "/slow"
upstream = "impatient"

[upstreams.refused]
addrs = ["REFUSED"]

[upstreams.peer]
addrs = ["PEER"]

[upstreams.impatient]
addrs = ["PEER"]
read_timeout = "100ms"
`

func TestEachFailureHasItsStatus(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	peer := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/single/hold":
			close(reached)
			<-release
		case r.URL.Path == "/slow":
			<-r.Context().Done()
		default:
			io.Copy(io.Discard, r.Body)
		}
	})
	p := startProxy(t, strings.NewReplacer("REFUSED", freeAddr(t), "PEER", peer).Replace(manyLocations))
	c := newClient(t)

	held := make(chan error, 1)
	go func() {
		_, err := status(c, http.MethodGet, p.url("/single/hold"), nil, 0)
		held <- err
	}()
	<-reached
	for _, q := range []struct {
		name, method, path string
		body               io.Reader
		length             int64
		want               int
	}{
		{"no location", "GET", "/", nil, 0, 404},
		{"nobody listens", "GET", "/refused", nil, 0, 502},
		{"no upstream", "GET", "/unplugged", nil, 0, 503},
		{"content within the limit", "POST", "/small", newContent(1000), 1000, 200},
		{"a length beyond the limit", "POST", "/small", newContent(1001), 1001, 413},
		{"chunks beyond the limit", "POST", "/small", newContent(100_000), -1, 413},
		{"one too many at a time", "GET", "/single", nil, 0, 429},
		{"a silent upstream", "GET", "/slow", nil, 0, 504},
	} {
		t.Run(q.name, func(t *testing.T) {
			got, err := status(c, q.method, p.url(q.path), q.body, q.length)
			if err != nil || got != q.want {
				t.Errorf("status %d (%v), want %d", got, err, q.want)
			}
		})
	}
	close(release)
	if err := <-held; err != nil {
		t.Error(err)
	}
	// A limit that counted a refused exchange down would now let two in, one
	// that did not count the held one down would let none. That is in process
	// until its loop has ended it, which is after its client has the answer.
	eventually(t, "let another in after the held exchange has ended", func() error {
		got, err := status(c, http.MethodGet, p.url("/single"), nil, 0)
		if err == nil && got != 200 {
			err = fmt.Errorf("status %d", got)
		}
		return err
	})
}

// status asks and returns the status once the whole answer is there.
func status(c *http.Client, method, url string, body io.Reader, length int64) (int, error) {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return 0, err
	}
	req.ContentLength = length
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func TestAPostIsSentOnceAndAGetAgain(t *testing.T) {
	// The peer answers the first request of each connection, and ends the
	// connection when it has read the second.
	var posts atomic.Int64
	p := startProxyTo(t, listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for range 2 {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			io.Copy(io.Discard, r.Body)
			if r.Method == http.MethodPost {
				posts.Add(1)
			}
			if r.URL.Path == "/second" {
				return
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			if r.URL.Path == "/only" {
				return
			}
		}
	}))
	c := newClient(t)
	first := func() {
		t.Helper()
		if got, err := status(c, http.MethodGet, p.url("/first"), nil, 0); err != nil || got != 200 {
			t.Fatalf("status %d (%v)", got, err)
		}
	}
	first()
	if got, err := status(c, http.MethodPost, p.url("/second"), newContent(10), 10); err != nil || got != 502 {
		t.Errorf("POST: status %d (%v), want 502", got, err)
	}
	if n := posts.Load(); n != 1 {
		t.Errorf("the POST was sent %d times", n)
	}
	first()
	// The pooled connection ends; a new one answers.
	if got, err := status(c, http.MethodGet, p.url("/only"), nil, 0); err != nil || got != 200 {
		t.Errorf("GET: status %d (%v), want 200", got, err)
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	p := startProxyTo(t, serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) }))
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	var requests strings.Builder
	const n = 50
	for i := range n {
		fmt.Fprintf(&requests, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
	}
	if _, err := io.WriteString(conn, requests.String()); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for i := range n {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		body, err := io.ReadAll(resp.Body)
		if want := fmt.Sprintf("/%d", i); err != nil || string(body) != want {
			t.Fatalf("answer %d: %q (%v), want %q", i, body, err, want)
		}
	}
}

func TestAClientThatDoesNotReadStopsItsUpstream(t *testing.T) {
	// Content of a known length may pass by the memory of the proxy.
	for _, framing := range []string{"chunked", "length"} {
		t.Run(framing, func(t *testing.T) { wantStop(t, framing == "length") })
	}
}

func wantStop(t *testing.T, withLength bool) {
	const most = 64 << 20 // what the kernel's buffers on the way may take, and more
	var sent atomic.Int64
	stopped := make(chan struct{})
	p := startProxyTo(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(stopped)
		if withLength {
			w.Header().Set("Content-Length", strconv.Itoa(most))
		}
		for sent.Load() < most {
			n, err := w.Write(block)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	}))
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	last := int64(-1)
	eventually(t, "come to a stop", func() error {
		// sleep: what is looked for is that nothing happens any more.
		time.Sleep(200 * time.Millisecond)
		now := sent.Load()
		if now == 0 || now != last {
			last = now
			return fmt.Errorf("the upstream still sends, %d bytes by now", now)
		}
		return nil
	})
	if sent.Load() >= most {
		t.Errorf("the upstream sent %d bytes to a client that reads none", sent.Load())
	}
	if kb := p.peakMemory(t); kb > 256<<10 {
		t.Errorf("the proxy took %d MiB", kb>>10)
	}
	conn.Close()
	receive(t, stopped, 1, "upstreams heard that the client has gone")
}

func TestSlowReadersGetAllOfIt(t *testing.T) {
	const size = 3_000_000
	n := startNginx(t, "")
	path := n.file(t, "large", content(size))
	p := startProxyTo(t, n.addr)
	together(t, 20, func(int) error {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		conn.(*net.TCPConn).SetReadBuffer(128 << 10) // two segments of the loopback
		io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 1<<10), nil)
		if err != nil {
			return err
		}
		return wantContent(resp.Body, size)
	})
}

func TestRunningOutOfDescriptorsPasses(t *testing.T) {
	const limit = 100
	upstream := serve(t, func(http.ResponseWriter, *http.Request) {})
	addr := freeAddr(t)
	conf := writeFile(t, t.TempDir(), "pingap.toml", strings.ReplaceAll(proxyTo(upstream), "<ADDR>", addr))
	p := start(t, "sh", "-c", fmt.Sprintf("ulimit -n %d; exec %s -c %s", limit, binary, conf))
	p.answers(t, addr)
	var conns []net.Conn
	for range 3 * limit {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	for _, conn := range conns {
		conn.Close()
	}
	c := newClient(t)
	eventually(t, "answer again", func() error {
		got, err := status(c, http.MethodGet, "http://"+addr+"/", nil, 0)
		if err == nil && got != 200 {
			err = fmt.Errorf("status %d", got)
		}
		return err
	})
}
