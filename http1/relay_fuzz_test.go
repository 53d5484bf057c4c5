package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// What smugglers do: whatever a client sends, in whatever pieces, the peer behind
// the relay reads just the requests that net/http reads in the same bytes, up to
// where the relay refuses to go on, and each as the same message.
func FuzzRelay(f *testing.F) {
	seeds(f, func(raw []byte) { f.Add(raw, uint(len(raw)/2), uint8(0)) })
	next := wire("GET /next HTTP/1.1\nHost: a\n\n")
	seeds(f, func(raw []byte) { f.Add(append(raw, next...), uint(1), uint8(1)) })
	for i, trick := range smuggling {
		f.Add([]byte(trick+next), uint(len(trick)), uint8(i))
	}
	peer := listenForRequests(f)
	handler := &forwarder{peer: peer.addr}
	r := serve(f, &Server{Handler: handler})
	f.Cleanup(func() { looptest.Do(f, r.loop, handler.close) })
	f.Fuzz(func(t *testing.T, raw []byte, cut uint, kind uint8) {
		peer.begin(kind)
		cut %= uint(len(raw) + 1)
		c := r.dialIn(t)
		c.sendRaw(string(raw[:cut])).sendRaw(string(raw[cut:]))
		want, answered := c.readAnswers(raw)
		seen, err := peer.all()
		if err != nil {
			t.Fatalf("the peer cannot read what it was sent: %v", err)
		}
		if len(seen) < answered || len(seen) > len(want) || !slices.Equal(seen, want[:len(seen)]) {
			t.Errorf("%d are answered, the peer saw\n%q\nnet/http reads\n%q", answered, seen, want)
		}
	})
}

// readAnswers reads the answers to the requests in raw by net/http. It describes
// those that net/http sees there, and tells how many of them the peer has
// answered. What it sees no request in is followed by the end.
func (c *client) readAnswers(raw []byte) (requests []string, answered int) {
	c.t.Helper()
	in := bufio.NewReader(c.conn)
	for over := false; len(raw) > 0 && !over; {
		r, rest, err := readWithNetHTTP(raw)
		if err != nil {
			break
		}
		requests = append(requests, forwarded(r.Request, r.content))
		raw = rest
		if over = !c.readAnswer(in, r.Request, true); !over {
			answered++
		}
	}
	c.conn.CloseWrite()
	refused := &http.Request{Method: "GET"}
	if bytes.HasPrefix(bytes.TrimPrefix(raw, crlf), []byte("HEAD ")) {
		refused.Method = "HEAD"
	}
	for c.readAnswer(in, refused, false) {
		c.t.Fatal("an answer to what is no request")
	}
	return requests, answered
}

// readAnswer reads the answer to a request, or to what begins as one, is not whole
// and has been followed by the client's end. It reports false if that is a refusal
// or the end, behind which nothing may come.
func (c *client) readAnswer(in *bufio.Reader, r *http.Request, whole bool) bool {
	c.t.Helper()
	for {
		// To the relay a client that ends before its answer has left: the
		// connection is reset where something it has sent is not read.
		if _, err := in.Peek(1); err == io.EOF || !whole && errors.Is(err, syscall.ECONNRESET) {
			return false
		}
		answer, err := http.ReadResponse(in, r)
		if err == nil && answer.StatusCode < 200 {
			continue
		}
		if err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
		}
		if err != nil {
			c.t.Fatalf("within an answer: %v", err)
		}
		if answer.StatusCode < 400 {
			return true
		}
		if rest, err := io.ReadAll(in); !answer.Close || len(rest) > 0 || err != nil {
			c.t.Fatalf("behind %s stands %q (%v)", answer.Status, rest, err)
		}
		return false
	}
}

// forwarder passes exchanges on to a peer, over one connection as long as that
// can be used.
type forwarder struct {
	peer    netip.AddrPort
	clients Clients
	conn    *loop.Conn // idle; nil when there is none
}

var forwarderOptions = ClientOptions{Peer: "peer.test:80", ContinueTimeout: 1}

func (f *forwarder) Serve(x *message.Exchange) error {
	if x.Request.Method == "CONNECT" {
		return message.ErrConnect
	}
	conn := f.conn
	f.conn = nil
	if conn == nil {
		var err error
		if conn, err = x.Loop.Dial(loop.Addr{TCP: f.peer}, nil); err != nil {
			return err
		}
	}
	return f.clients.RoundTrip(x, conn, &forwarderOptions, func(reusable bool) {
		switch {
		case !reusable:
		case f.conn != nil:
			conn.Close()
		default:
			f.conn = conn
			conn.SetWatcher(f)
		}
	})
}

func (f *forwarder) close() {
	if f.conn != nil {
		f.conn.Close()
		f.conn = nil
	}
}

// ConnEvent drops the idle connection when the peer has something to say.
func (f *forwarder) ConnEvent(conn *loop.Conn, _ loop.Event) {
	if f.conn == conn {
		f.close()
	}
}

// requestPeer reads requests by net/http and answers them.
type requestPeer struct {
	addr netip.AddrPort

	mu     sync.Mutex
	kind   uint8
	seen   []string
	failed error
}

func listenForRequests(f *testing.F) *requestPeer {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	p := &requestPeer{addr: ln.Addr().(*net.TCPAddr).AddrPort()}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer conn.Close()
				p.serve(conn)
			})
		}
	})
	f.Cleanup(func() { ln.Close(); wait.Wait() })
	return p
}

func (p *requestPeer) begin(kind uint8) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kind, p.seen, p.failed = kind, nil, nil
}

func (p *requestPeer) all() ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen, p.failed
}

func (p *requestPeer) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			p.fail(err)
			return
		}
		content, err := io.ReadAll(r.Body)
		if err != nil {
			p.fail(err)
			return
		}
		if _, err := io.WriteString(conn, p.answer(r, string(content))); err != nil {
			return
		}
	}
}

// fail notes what is no request. One may be cut, when what its sender has sent
// was wrong.
func (p *requestPeer) fail(err error) {
	var broken *net.OpError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = err
}

// answer keeps the request and answers it in one of several ways.
func (p *requestPeer) answer(r *http.Request, content string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range []string{"Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Http2-Settings"} {
		if r.Header.Get(name) != "" {
			p.failed = fmt.Errorf("%s was passed on", name)
		}
	}
	p.seen = append(p.seen, forwarded(r, content))
	content = "2\nok\n0\nX: y\n\n"
	if r.Method == "HEAD" {
		content = ""
	}
	switch p.kind % 4 {
	case 0:
		content = strings.TrimSuffix(strings.TrimPrefix(content, "2\n"), "\n0\nX: y\n\n")
		return wire("HTTP/1.1 200 OK\nContent-Length: 2\n\n" + content)
	case 1:
		return wire("HTTP/1.1 103 Early Hints\n\nHTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n" + content)
	case 2:
		return wire("HTTP/1.1 304 Not Modified\nContent-Length: 2\n\n")
	}
	return wire("HTTP/1.1 200 OK\nConnection: close\nTransfer-Encoding: chunked\n\n" + content)
}

// forwarded describes what of a request is passed on.
func forwarded(r *http.Request, content string) string {
	host, path := r.Host, r.URL.Path
	if host == "" {
		host = forwarderOptions.Peer
	}
	if path == "" { // http://a
		path = "/"
		if r.Method == "OPTIONS" && r.URL.RawQuery == "" && !r.URL.ForceQuery {
			path = "*"
		}
	}
	return fmt.Sprintf("%s %s %q ?%q %q %q", r.Method, host, path, r.URL.RawQuery, content, endToEndFields(r))
}

// endToEndFields lists the fields that everyone on the way gets. Those that
// Connection names are left out on both sides.
func endToEndFields(r *http.Request) (list []string) {
	for name, values := range r.Header {
		switch name {
		case "Connection", "Te", "Upgrade", "Trailer", "Expect", "Content-Length", "Cache-Control",
			"Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Http2-Settings":
			continue
		}
		if !nominated(r, name) || endToEnd(name) {
			list = append(list, fmt.Sprintf("%s=%q", name, values))
		}
	}
	slices.Sort(list)
	return list
}

func nominated(r *http.Request, name string) bool {
	for _, list := range r.Header["Connection"] {
		if message.ListHasToken(list, name) {
			return true
		}
	}
	return false
}
