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

func TestClientEndsWhenTheResponseIsLate(t *testing.T) {
	for _, test := range []struct {
		before string
	}{
		{""},
		{"HTTP/1.1 200 OK\nA: "},
		{"HTTP/1.1 200 OK\nContent-Length: 5\n\nabc"},
	} {
		c := connect(t, ClientOptions{ReadTimeout: 300 * time.Millisecond})
		c.begin(get)
		c.peer.want(wantGet).send(test.before)
		c.wantFailure(message.ReadTimeout)
	}
}

// Each part of a response has the time anew.
func TestClientReadTimeoutBoundsEachWaitAlone(t *testing.T) {
	c := connect(t, ClientOptions{ReadTimeout: time.Second})
	c.begin(get)
	c.peer.want(wantGet).send("HTTP/1.1 200 OK\nContent-Length: 6\n\n")
	for range 6 {
		c.peer.wantSilenceFor(200 * time.Millisecond).send("x")
	}
	c.wantAnswer(200, "xxxxxx")
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
