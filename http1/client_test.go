package http1

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// A call is a round trip on a loop, whose peer the test plays by hand.
type call struct {
	t       testing.TB
	loop    *loop.Loop
	peer    *client // the far end of the connection
	conn    *loop.Conn
	options ClientOptions
	clients Clients

	x        message.Exchange
	co       *loop.Coroutine
	done     chan struct{}
	interim  []string
	status   int
	content  string
	err      error // of RoundTrip or of the content
	ended    int
	reusable bool
}

// connect makes a connection for a call.
func connect(t testing.TB, o ClientOptions) *call {
	t.Helper()
	c := &call{t: t, loop: looptest.New(t), options: o}
	if c.options.Peer == "" {
		c.options.Peer = "peer.test:80"
	}
	t.Cleanup(func() {
		looptest.Do(t, c.loop, func() {
			c.conn.Close()
			for range 500 {
				if s := c.loop.Stats(); s.Conns == 0 && s.Coroutines == 1 && s.Buffers == 0 {
					return
				}
				c.loop.Sleep(10 * time.Millisecond)
			}
			t.Errorf("left behind on the loop: %+v", c.loop.Stats())
		})
	})
	looptest.Do(t, c.loop, func() {
		near, far := looptest.Pair(t, c.loop)
		far.SetDeadline(time.Now().Add(patience))
		c.conn, c.peer = near, &client{t: t, conn: far.(*net.TCPConn)}
		c.x.Loop = c.loop
	})
	return c
}

// get asks for / of the host "h".
func get(x *message.Exchange) {
	x.Request.Method, x.Request.Path, x.Request.Host = "GET", "/", "h"
	x.Request.Version = message.HTTP11
}

// post sends content to / of the host "h".
func post(content string) func(*message.Exchange) {
	return func(x *message.Exchange) {
		get(x)
		x.Request.Method = "POST"
		x.Request.Length = int64(len(content))
		x.Request.Body = &message.BytesBody{Data: []byte(content)}
	}
}

const (
	wantGet  = "GET / HTTP/1.1\nHost: h\n\n"
	wantPost = "POST / HTTP/1.1\nHost: h\nContent-Length: 5\n\n"
)

// begin starts the round trip of the request that the functions make.
func (c *call) begin(make ...func(*message.Exchange)) *call {
	c.done = startTask(c.t, c.loop, func() {
		c.prepare(make)
		c.run()
		c.x.Settle()
		c.x.End()
		c.x.Reset()
	})
	return c
}

// startTask runs f in a coroutine and closes the channel when it has returned.
func startTask(t testing.TB, l *loop.Loop, f func()) chan struct{} {
	done := make(chan struct{})
	l.Post(func() {
		l.Go(loop.TaskFunc(func() {
			defer close(done)
			f()
		}))
	})
	return done
}

func (c *call) prepare(make []func(*message.Exchange)) {
	c.co = c.loop.Current()
	c.x.Reset()
	for _, f := range make {
		f(&c.x)
	}
	c.x.SetInterim(func(status int, h *message.Header) error {
		c.interim = append(c.interim, fmt.Sprint(status, " ", strings.Join(fields(h), ", ")))
		return nil
	})
}

func (c *call) run() {
	c.ended, c.content, c.status = 0, "", 0
	c.err = c.clients.RoundTrip(&c.x, c.conn, &c.options, func(reusable bool) {
		c.ended++
		c.reusable = reusable
	})
	if c.err == nil {
		c.status = c.x.Response.Status
		if c.x.Response.Tunnel == nil {
			c.content, c.err = pullAll(c.x.Response.Body)
		}
	}
}

func pullAll(b message.Body) (string, error) {
	var all strings.Builder
	for {
		view, err := b.Next()
		if err == io.EOF {
			return all.String(), nil
		}
		if err != nil {
			return all.String(), err
		}
		all.Write(view)
	}
}

func fields(h *message.Header) []string {
	var all []string
	for _, f := range h.Fields() {
		all = append(all, f.Name+": "+f.Value)
	}
	return all
}

// wait waits until the exchange is over.
func (c *call) wait() *call {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		c.t.Fatal("the exchange does not end")
	}
	if c.ended != 1 {
		c.t.Fatalf("the connection was returned %d times", c.ended)
	}
	return c
}

// wantAnswer expects a whole response.
func (c *call) wantAnswer(status int, content string) *call {
	c.t.Helper()
	c.wait()
	if c.err != nil || c.status != status || c.content != content {
		c.t.Fatalf("got %d %q and %v, want %d %q", c.status, c.content, c.err, status, content)
	}
	return c
}

func (c *call) wantReusable(want bool) *call {
	c.t.Helper()
	if c.reusable != want {
		c.t.Fatalf("connection is reusable: %v, want %v", c.reusable, want)
	}
	return c
}

// wantFailure expects the peer to be blamed.
func (c *call) wantFailure(want message.UpstreamFailure) *message.UpstreamError {
	c.t.Helper()
	c.wait()
	e, ok := errors.AsType[*message.UpstreamError](c.err)
	if !ok || e.Failure != want {
		c.t.Fatalf("got error %v, want %q", c.err, want)
	}
	if e.Peer != c.options.Peer {
		c.t.Errorf("the error names the peer %q, want %q", e.Peer, c.options.Peer)
	}
	c.wantReusable(false)
	return e
}

func TestClientUsesAConnectionForOneExchangeAfterTheOther(t *testing.T) {
	c := connect(t, ClientOptions{})
	for i := range 3 {
		text := fmt.Sprint("answer ", i)
		c.begin(get)
		c.peer.want(wantGet).send("HTTP/1.1 200 OK\nContent-Length: 8\n\n" + text)
		c.wantAnswer(200, text).wantReusable(true)
	}
}

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

func TestClientReadsEveryFraming(t *testing.T) {
	for _, test := range []struct {
		name, response, content string
		reusable                bool
	}{
		{"sized", "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "abc", true},
		{"empty", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "", true},
		{"chunked", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n2;x=y\nde\n0\n\n", "abcde", true},
		{"no reason phrase", "HTTP/1.1 200\nContent-Length: 1\n\na", "a", true},
		{"told to close", "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 1\n\na", "a", false},
		{"old server", "HTTP/1.0 200 OK\nContent-Length: 1\n\na", "a", false},
		{"old server that keeps", "HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 1\n\na", "a", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := connect(t, ClientOptions{})
			c.begin(get)
			c.peer.want(wantGet).send(test.response)
			c.wantAnswer(200, test.content).wantReusable(test.reusable)
		})
	}
}

func TestClientReadsUntilCloseWhereNothingElseTellsTheEnd(t *testing.T) {
	c := connect(t, ClientOptions{})
	c.begin(get)
	c.peer.want(wantGet).send("HTTP/1.1 200 OK\n\nup to ").send("the end")
	c.peer.conn.CloseWrite()
	c.wantAnswer(200, "up to the end").wantReusable(false)
}

func TestClientExpectsNoContentWhereThereIsNone(t *testing.T) {
	head := func(x *message.Exchange) { x.Request.Method = "HEAD" }
	for _, test := range []struct {
		make     func(*message.Exchange)
		response string
		status   int
	}{
		{head, "HTTP/1.1 200 OK\nContent-Length: 5\n\n", 200},
		{head, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", 200},
		{get, "HTTP/1.1 204 No Content\n\n", 204},
		{get, "HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n", 304},
	} {
		c := connect(t, ClientOptions{})
		c.begin(get, test.make)
		c.peer.readHead()
		c.peer.send(test.response)
		c.wantAnswer(test.status, "").wantReusable(true)
	}
}

// readHead reads up to an empty line.
func (c *client) readHead() string {
	c.t.Helper()
	var head []byte
	for one := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); {
		if _, err := io.ReadFull(c.conn, one); err != nil {
			c.t.Fatalf("read a head: %v after %q", err, head)
		}
		head = append(head, one[0])
	}
	return string(head)
}

// The head of the response is read by logs when the connection has long been
// given to another exchange.
func TestClientLeavesHeadAndTrailersToTheExchange(t *testing.T) {
	c := connect(t, ClientOptions{})
	var got string
	c.begin(get, func(x *message.Exchange) {
		x.OnEnd(func(x *message.Exchange) {
			got = strings.Join(append(fields(&x.Response.Header), fields(&x.Response.Trailer)...), ", ")
		})
	})
	c.peer.want(wantGet).send("HTTP/1.1 200 OK\nA: 1\nTransfer-Encoding: chunked\nB: 2\n\n")
	for range 50 {
		c.peer.sendRaw("2000\r\n" + strings.Repeat("x", 0x2000) + "\r\n")
	}
	c.peer.send("0\nT: 3\nContent-Length: 7\n\n")
	c.wantAnswer(200, strings.Repeat("x", 50*0x2000)).wantReusable(true)
	if want := "A: 1, Transfer-Encoding: chunked, B: 2, T: 3"; got != want {
		t.Errorf("at the end the fields are %q, want %q", got, want)
	}
}

func TestClientRefusesWhatIsNoResponse(t *testing.T) {
	for name, response := range map[string]string{
		"garbage":                  "garbage\n\n",
		"another protocol":         "SSH-2.0-OpenSSH_9.2\n",
		"length twice":             "HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 1\n\na",
		"length list":              "HTTP/1.1 200 OK\nContent-Length: 1, 1\n\na",
		"length and coding":        "HTTP/1.1 200 OK\nContent-Length: 1\nTransfer-Encoding: chunked\n\n0\n\n",
		"unknown coding":           "HTTP/1.1 200 OK\nTransfer-Encoding: gzip\n\n",
		"coding twice":             "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n",
		"coding in HTTP/1.0":       "HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n0\n\n",
		"folded field":             "HTTP/1.1 200 OK\nA: 1\n b\n\n",
		"space before colon":       "HTTP/1.1 200 OK\nA : 1\n\n",
		"large head":               "HTTP/1.1 200 OK\nA: " + strings.Repeat("a", 40<<10) + "\n\n",
		"many fields":              "HTTP/1.1 200 OK\n" + strings.Repeat("A: 1\n", 200) + "\n",
		"switch nobody asked for":  "HTTP/1.1 101 Switching Protocols\nUpgrade: x\n\n",
		"interim without end":      strings.Repeat("HTTP/1.1 102 Processing\n\n", maxInterim+1),
		"status that is no status": "HTTP/1.1 999 OK\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, ClientOptions{})
			c.begin(get)
			c.peer.want(wantGet).send(response)
			e := c.wantFailure(message.BadResponse)
			if !e.Sent || !e.Received {
				t.Errorf("sent %v, received %v", e.Sent, e.Received)
			}
		})
	}
}

func TestClientCutsContentThatIsMalformedOrEnds(t *testing.T) {
	for name, test := range map[string]struct {
		response string
		want     message.UpstreamFailure
	}{
		"bad chunk":      {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\nx\n", message.BadResponse},
		"cut chunk":      {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nabc", message.BodyCut},
		"no last chunk":  {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n", message.BodyCut},
		"cut by length":  {"HTTP/1.1 200 OK\nContent-Length: 5\n\nabc", message.BodyCut},
		"cut in trailer": {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n0\nT: 1\n", message.BodyCut},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, ClientOptions{})
			c.begin(get)
			c.peer.want(wantGet).send(test.response)
			c.peer.conn.CloseWrite()
			c.wantFailure(test.want)
			if c.status != 200 || c.content != "abc" {
				t.Errorf("got %d %q before the cut", c.status, c.content)
			}
		})
	}
}

func TestClientReportsALostConnection(t *testing.T) {
	for name, test := range map[string]struct {
		before   string
		end      func(*client)
		received bool
	}{
		"closed":           {"", func(p *client) { p.conn.CloseWrite() }, false},
		"reset":            {"", (*client).reset, false},
		"closed in a head": {"HTTP/1.1 200 O", func(p *client) { p.conn.CloseWrite() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, ClientOptions{})
			c.begin(get)
			c.peer.want(wantGet).send(test.before)
			test.end(c.peer)
			e := c.wantFailure(message.ConnectionLost)
			if !e.Sent || e.Received != test.received || e.Consumed {
				t.Errorf("sent %v, received %v, consumed %v", e.Sent, e.Received, e.Consumed)
			}
		})
	}
}

// reset ends the connection with RST.
func (c *client) reset() {
	c.conn.SetLinger(0)
	c.conn.Close()
}

func TestClientReportsResetInsideContent(t *testing.T) {
	c := connect(t, ClientOptions{})
	c.begin(get)
	c.peer.want(wantGet).send("HTTP/1.1 200 OK\nContent-Length: 5\n\nabc")
	c.peer.reset()
	c.wantFailure(message.BodyCut)
}

// What follows a response unasked could pass for the answer to the next
// request (response splitting).
func TestClientDoesNotReuseAConnectionWithUnaskedBytes(t *testing.T) {
	for _, response := range []string{
		"HTTP/1.1 200 OK\nContent-Length: 1\n\nab",
		"HTTP/1.1 204 No Content\n\nHTTP/1.1 200 OK\n",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\na\n0\n\nHTTP/1.1 200 OK\n\n",
	} {
		c := connect(t, ClientOptions{})
		c.begin(get)
		c.peer.want(wantGet).send(response)
		c.wait().wantReusable(false)
		if c.err != nil {
			t.Errorf("%q: %v", response, c.err)
		}
	}
}

func TestClientEndsWhenTheResponseIsLate(t *testing.T) {
	for _, test := range []struct {
		before string
	}{
		{""},
		{"HTTP/1.1 200 OK\nA: "},
		{"HTTP/1.1 200 OK\nContent-Length: 5\n\nabc"},
	} {
		c := connect(t, ClientOptions{ReadTimeout: 30 * time.Millisecond})
		c.begin(get)
		c.peer.want(wantGet).send(test.before)
		c.wantFailure(message.ReadTimeout)
	}
}

// Each part of a response has the time anew.
func TestClientReadTimeoutBoundsEachWaitAlone(t *testing.T) {
	c := connect(t, ClientOptions{ReadTimeout: 400 * time.Millisecond})
	c.begin(get)
	c.peer.want(wantGet).send("HTTP/1.1 200 OK\nContent-Length: 6\n\n")
	for range 6 {
		c.peer.wantSilence().wantSilence().send("x")
	}
	c.wantAnswer(200, "xxxxxx")
}

func TestClientPassesInterimResponsesOn(t *testing.T) {
	c := connect(t, ClientOptions{})
	c.begin(get)
	c.peer.want(wantGet)
	c.peer.send("HTTP/1.1 103 Early Hints\nLink: <a>\n\nHTTP/1.1 102 Processing\n\n").send("HTTP/1.1 200 OK\nB: 1\nContent-Length: 2\n\nok")
	c.wantAnswer(200, "ok").wantReusable(true)
	if got := strings.Join(c.interim, "; "); got != "103 Link: <a>; 102 " {
		t.Errorf("interim responses are %q", got)
	}
}

func TestClientEndsWithItsCoroutine(t *testing.T) {
	gone := errors.New("gone")
	for _, before := range []string{"", "HTTP/1.1 200 OK\nContent-Length: 5\n\nabc"} {
		c := connect(t, ClientOptions{})
		c.begin(get)
		c.peer.want(wantGet).send(before)
		looptest.Do(t, c.loop, func() {
			for before != "" && c.status == 0 {
				c.loop.Sleep(time.Millisecond)
			}
			c.co.Cancel(gone)
		})
		c.wait().wantReusable(false)
		if c.err != gone {
			t.Errorf("error is %v, want %v", c.err, gone)
		}
		c.peer.wantReset()
	}
}

// wantReset expects the connection to be gone in both directions.
func (c *client) wantReset() {
	c.t.Helper()
	if _, err := io.Copy(io.Discard, c.conn); err == nil {
		c.t.Error("the connection was closed in order, want a reset")
	}
}

func TestClientBodyThatIsClosedEndsTheConnection(t *testing.T) {
	c := connect(t, ClientOptions{})
	c.done = startTask(t, c.loop, func() {
		c.prepare([]func(*message.Exchange){get})
		c.err = c.clients.RoundTrip(&c.x, c.conn, &c.options, func(reusable bool) { c.ended++; c.reusable = reusable })
		body := c.x.Response.Body
		body.Close()
		body.Close()
		if _, err := body.Next(); err == nil || err == io.EOF {
			t.Errorf("content goes on with %v after Close", err)
		}
		c.x.End()
		c.x.Reset()
	})
	c.peer.want(wantGet).send("HTTP/1.1 200 OK\nContent-Length: 5\n\nabc")
	c.wait().wantReusable(false)
	c.peer.wantReset()
}

func TestClientThatPanicsLeavesNothing(t *testing.T) {
	c := connect(t, ClientOptions{})
	f := newFeed(c)
	c.done = startTask(t, c.loop, func() {
		c.prepare([]func(*message.Exchange){f.request(1000)})
		c.x.SetInterim(func(int, *message.Header) error { panic("on purpose") })
		func() {
			defer func() { recover() }()
			c.run()
		}()
		c.x.Response.Body.Close()
		c.x.Settle()
		c.x.End()
		c.x.Reset()
	})
	f.send("hello")
	c.peer.readHead()
	c.peer.want("hello").send("HTTP/1.1 103 Early Hints\n\n")
	c.wait().wantReusable(false)
}

func TestClientOpensATunnel(t *testing.T) {
	c := connect(t, ClientOptions{ReadTimeout: 30 * time.Millisecond})
	c.done = startTask(t, c.loop, func() {
		c.prepare([]func(*message.Exchange){get, func(x *message.Exchange) { x.Request.Upgrade = "echo" }})
		c.run()
		tunnel := c.x.Response.Tunnel
		if tunnel == nil {
			t.Errorf("no tunnel: %v", c.err)
			return
		}
		for {
			view, err := tunnel.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Errorf("tunnel: %v", err)
			}
			tunnel.Write([]byte(strings.ToUpper(string(view))))
		}
		tunnel.CloseWrite()
		tunnel.Close()
		tunnel.Close()
		if _, err := tunnel.Write([]byte("x")); err == nil {
			t.Error("a closed tunnel takes bytes")
		}
		c.x.End()
		c.x.Reset()
	})
	c.peer.readHead()
	c.peer.send("HTTP/1.1 101 Switching Protocols\nUpgrade: echo\n\nfirst").want("FIRST")
	c.peer.wantSilence().send("second").want("SECOND")
	c.peer.conn.CloseWrite()
	c.peer.wantEnd()
	c.wait().wantReusable(false)
	if c.status != 101 {
		t.Errorf("status is %d", c.status)
	}
}

func TestRoundTripDoesNotAllocate(t *testing.T) {
	c := connect(t, ClientOptions{ReadTimeout: time.Minute, WriteTimeout: time.Minute})
	const rounds = 200
	var allocs float64
	c.done = startTask(t, c.loop, func() {
		end := func(reusable bool) { c.ended = 1; c.reusable = reusable }
		view := []byte("hello")
		allocs = testing.AllocsPerRun(rounds, func() {
			c.x.Reset()
			get(&c.x)
			c.x.Request.Method = "PUT"
			c.x.Request.Header.Add("Accept", "*/*")
			content.Data = view
			c.x.Request.Length, c.x.Request.Body = int64(len(view)), &content
			if c.err = c.clients.RoundTrip(&c.x, c.conn, &c.options, end); c.err == nil {
				_, c.err = c.x.Response.Body.Next()
			}
			c.x.Settle()
			c.x.End()
		})
		c.x.Reset()
	})
	// The peer must not allocate either: the count is that of the process.
	request := make([]byte, len("PUT / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nContent-Length: 5\r\n\r\nhello"))
	response := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nworld")
	for range rounds + 1 {
		if _, err := io.ReadFull(c.peer.conn, request); err != nil {
			t.Fatal(err)
		}
		c.peer.conn.Write(response)
	}
	c.wait().wantReusable(true)
	if c.err != nil || allocs > 0 {
		t.Errorf("%v allocations a round trip (%v)", allocs, c.err)
	}
}

var content message.BytesBody
