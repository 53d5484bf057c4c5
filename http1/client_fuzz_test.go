package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"

	"pingap/message"
)

// A whole conversation: whatever the peer sends, in whatever pieces, the
// exchange ends, and an answer that is accepted is the one that net/http reads.
// A connection with bytes behind the answer is not used again.
func FuzzRoundTrip(f *testing.F) {
	for _, lines := range []string{
		"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
		"HTTP/1.1 103 Early Hints\nLink: a\n\nHTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3;e=f\nabc\n0\nX: y\n\n",
		"HTTP/1.1 100 Continue\n\nHTTP/1.1 204 No Content\n\nHTTP/1.1 200 OK\n\n",
		"HTTP/1.0 200 OK\n\nabc",
		"HTTP/1.1 304 Not Modified\nContent-Length: 3\n\n",
		"HTTP/1.1 101 Switching Protocols\nUpgrade: x\n\nabc",
		"HTTP/1.1 200 OK\nContent-Length: 3\nTransfer-Encoding: chunked\n\n0\n\n",
	} {
		f.Add([]byte(wire(lines)), uint(20), uint8(0))
		f.Add([]byte(wire(lines)), uint(0), uint8(1))
		f.Add([]byte(wire(lines)), uint(60), uint8(2))
	}
	f.Fuzz(func(t *testing.T, raw []byte, cut uint, kind uint8) {
		method, make := "GET", get
		switch kind % 3 {
		case 1:
			method, make = "POST", post("hello")
		case 2:
			method, make = "HEAD", func(x *message.Exchange) { get(x); x.Request.Method = "HEAD" }
		}
		c := connect(t, ClientOptions{})
		c.begin(make)
		c.peer.readHead()
		if method == "POST" {
			c.peer.want("hello")
		}
		cut %= uint(len(raw) + 1)
		// The exchange may be over before all is sent, and the connection
		// with it.
		c.peer.conn.Write(raw[:cut])
		c.peer.conn.Write(raw[cut:])
		c.peer.conn.CloseWrite()
		c.wait()
		if c.err != nil {
			return
		}
		status, content, rest := readAnswer(t, raw, method)
		if c.status != status || c.content != content {
			t.Errorf("%q: %d %q; net/http: %d %q", raw, c.status, c.content, status, content)
		}
		// What is sent apart, behind the answer, may come when the connection
		// is idle already.
		if together := uint(len(raw)-rest) != cut; together && c.reusable && rest > 0 {
			t.Errorf("%q: the connection is used again with %d bytes behind the answer", raw, rest)
		}
	})
}

// readAnswer reads the final response in raw with net/http, and returns how
// many bytes are left.
func readAnswer(t *testing.T, raw []byte, method string) (status int, content string, rest int) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(raw))
	for {
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", raw, err)
		}
		if resp.StatusCode < 200 {
			continue
		}
		all, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("net/http refuses the content in %q: %v", raw, err)
		}
		left, _ := io.ReadAll(r)
		return resp.StatusCode, string(all), len(left)
	}
}
