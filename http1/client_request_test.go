package http1

import (
	"math/rand/v2"
	"strings"
	"testing"

	"pingap/loop/looptest"
	"pingap/message"
)

func TestClientWritesTheRequestAfresh(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(*message.Exchange)
		o    ClientOptions
		want string
	}{
		{"host first", func(x *message.Exchange) { x.Request.Header.Add("A", "1") }, ClientOptions{},
			"GET / HTTP/1.1\nHost: h\nA: 1\n\n"},
		{"query", func(x *message.Exchange) { x.Request.Query, x.Request.HasQuery = "b=c", true }, ClientOptions{},
			"GET /?b=c HTTP/1.1\nHost: h\n\n"},
		{"empty query", func(x *message.Exchange) { x.Request.HasQuery = true }, ClientOptions{},
			"GET /? HTTP/1.1\nHost: h\n\n"},
		{"host of the peer", func(x *message.Exchange) { x.Request.Host = "" }, ClientOptions{},
			"GET / HTTP/1.1\nHost: peer.test:80\n\n"},
		{"old client", func(x *message.Exchange) { x.Request.Version = message.HTTP10 }, ClientOptions{}, wantGet},
		{"fields of the connection", func(x *message.Exchange) {
			for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "HTTP2-Settings", "Transfer-Encoding", "Host"} {
				x.Request.Header.Add(name, "x")
			}
			x.Request.Header.Add("B", "2")
		}, ClientOptions{}, "GET / HTTP/1.1\nHost: h\nB: 2\n\n"},
		{"trailers", func(x *message.Exchange) { x.Request.Header.Add("te", "gzip;q=0.5, trailers") }, ClientOptions{},
			"GET / HTTP/1.1\nHost: h\nTE: trailers\nConnection: TE\n\n"},
		{"no reuse", func(x *message.Exchange) {}, ClientOptions{Close: true},
			"GET / HTTP/1.1\nHost: h\nConnection: close\n\n"},
		{"empty post", func(x *message.Exchange) { x.Request.Method = "POST" }, ClientOptions{},
			"POST / HTTP/1.1\nHost: h\nContent-Length: 0\n\n"},
		{"length is kept", func(x *message.Exchange) { x.Request.Header.Add("Content-Length", "0") }, ClientOptions{},
			"GET / HTTP/1.1\nHost: h\nContent-Length: 0\n\n"},
		{"asterisk", func(x *message.Exchange) { x.Request.Method, x.Request.Path = "OPTIONS", "*" }, ClientOptions{},
			"OPTIONS * HTTP/1.1\nHost: h\n\n"},
		{"expectation without content", func(x *message.Exchange) { x.Request.Header.Add("Expect", "100-continue") }, ClientOptions{}, wantGet},
		{"upgrade", func(x *message.Exchange) { x.Request.Upgrade = "websocket" }, ClientOptions{},
			"GET / HTTP/1.1\nHost: h\nUpgrade: websocket\nConnection: upgrade\n\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := connect(t, test.o)
			c.begin(get, test.make)
			c.peer.want(test.want).send("HTTP/1.1 204 No Content\n\n")
			c.wantAnswer(204, "").wantReusable(!test.o.Close)
		})
	}
}

// No value that a rewrite or a plugin has made may become a second line.
func TestClientLetsNoValueEndItsLine(t *testing.T) {
	c := connect(t, ClientOptions{})
	c.begin(get, func(x *message.Exchange) {
		x.Request.Path = "/long enough path\r\nX: y/\x00\x7fé"
		x.Request.Query, x.Request.HasQuery = "q q", true
		x.Request.Host = "h\r\nX: y"
		x.Request.Header.Add("A", "1\r\nX: y")
		x.Request.Header.Add("B\r\nX: y", "2")
	})
	c.peer.want("GET /long%20enough%20path%0D%0AX:%20y/%00%7F%C3%A9?q%20q HTTP/1.1\nHost: h  X: y\nA: 1  X: y\n\n")
	c.peer.send("HTTP/1.1 204 No Content\n\n")
	c.wantAnswer(204, "")
}

func TestAppendTargetIsThatOfTheSlowTwin(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		s := make([]byte, random.IntN(30))
		for i := range s {
			s[i] = byte('a' + random.IntN(26))
			if random.IntN(20) == 0 {
				s[i] = byte(random.Uint32())
			}
		}
		got, want := string(appendTarget(nil, string(s))), string(message.AppendEscaped(nil, string(s)))
		if got != want {
			t.Fatalf("%q becomes %q, want %q", s, got, want)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			t.Fatalf("%q becomes %q", s, got)
		}
	}
}

func BenchmarkWriteHead(b *testing.B) {
	c := connect(b, ClientOptions{})
	looptest.Do(b, c.loop, func() {
		c.x.Reset()
		get(&c.x)
		c.x.Request.Path = "/some/path/to/a/page"
		for _, name := range []string{"Accept", "User-Agent", "Accept-Encoding", "X-Forwarded-For", "Cookie"} {
			c.x.Request.Header.Add(name, "a value of the usual length")
		}
		c.x.Request.Header.Add("Connection", "keep-alive")
		r := &roundTrip{x: &c.x, conn: c.conn, options: &c.options}
		for b.Loop() {
			r.writeHead(false)
			c.conn.SetOutput(c.conn.Output(0)[:0])
		}
	})
}
