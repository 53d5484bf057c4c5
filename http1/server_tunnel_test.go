package http1

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// connTunnel is a connection as the far end of a tunnel.
type connTunnel struct {
	conn *loop.Conn
	buf  [4096]byte
}

func (t *connTunnel) Next() ([]byte, error) {
	n, err := t.conn.Read(t.buf[:])
	return t.buf[:n], err
}
func (t *connTunnel) Write(p []byte) (int, error) { return t.conn.Write(p) }
func (t *connTunnel) CloseWrite() error           { return t.conn.CloseWrite() }
func (t *connTunnel) Close()                      { t.conn.Close() }
func (t *connTunnel) Abort()                      { t.conn.Abort() }

// switching answers with status and a tunnel to itself: an echo that answers
// the end of what it got with its own.
func switching(status int, ends chan<- *message.Exchange) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		x.OnEnd(func(x *message.Exchange) {
			ends <- &message.Exchange{Facts: message.Facts{Sent: x.Sent, Received: x.Received, Failed: x.Failed}}
		})
		r := &x.Response
		r.Status = status
		r.Header.Add("Date", "now")
		r.Tunnel = &loopback{loop: x.Loop}
		return nil
	})
}

// loopback is a Tunnel that sends back what it gets.
type loopback struct {
	loop   *loop.Loop
	ready  [][]byte
	ended  bool // nothing more comes
	closed bool
	reader *loop.Coroutine
}

func (b *loopback) Next() ([]byte, error) {
	for {
		switch {
		case b.closed:
			return nil, errors.New("closed")
		case len(b.ready) > 0:
			view := b.ready[0]
			b.ready = b.ready[1:]
			return view, nil
		case b.ended:
			return nil, io.EOF
		}
		b.reader = b.loop.Current()
		if err := b.loop.Park(); err != nil {
			return nil, err
		}
	}
}

func (b *loopback) wake() {
	if b.reader != nil {
		b.reader.Wake()
	}
}

func (b *loopback) Write(p []byte) (int, error) {
	b.ready = append(b.ready, append([]byte(nil), p...))
	b.wake()
	return len(p), nil
}

func (b *loopback) CloseWrite() error { b.ended = true; b.wake(); return nil }
func (b *loopback) Close()            { b.closed = true; b.wake() }
func (b *loopback) Abort()            { b.Close() }

const (
	upgrade  = "GET / HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: echo\n\n"
	upgraded = "HTTP/1.1 101 Switching Protocols\nDate: now\nUpgrade: echo\nConnection: upgrade\n\n"
)

// RFC 9110 section 7.8.
func TestServerSwitchesProtocols(t *testing.T) {
	ends := make(chan *message.Exchange, 1)
	c := serve(t, &Server{Handler: switching(101, ends)}).dial()
	// Bytes that come right behind the request belong to the tunnel.
	c.send(upgrade + "early ").want(upgraded + "early ")
	c.send("late").want("late")
	// Each direction ends on its own.
	c.conn.CloseWrite()
	c.wantEnd()
	if end := <-ends; end.Sent != 10 || end.Received != 10 || end.Failed != nil {
		t.Errorf("sent %d, received %d, %v", end.Sent, end.Received, end.Failed)
	}
}

// RFC 9110 section 9.3.6.
func TestServerTunnelsForConnect(t *testing.T) {
	ends := make(chan *message.Exchange, 1)
	c := serve(t, &Server{Handler: switching(200, ends)}).dial()
	c.send("CONNECT a:1 HTTP/1.1\nHost: a:1\n\nearly").want("HTTP/1.1 200 OK\nDate: now\n\nearly")
	c.conn.CloseWrite()
	c.wantEnd()
	<-ends
}

func TestServerDoesNotSwitchUnasked(t *testing.T) {
	c := serve(t, &Server{Handler: switching(101, make(chan *message.Exchange, 1))}).dial()
	c.send("GET / HTTP/1.1\nHost: a\n\n").want("HTTP/1.1 500 Internal Server Error\n")
}

func TestServerDoesNotSwitchBeforeTheRequestIsComplete(t *testing.T) {
	c := serve(t, &Server{Handler: switching(101, make(chan *message.Exchange, 1))}).dial()
	c.send("GET / HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: echo\nContent-Length: 3\n\nabc").want("HTTP/1.1 500 Internal Server Error\n")
}

func TestTunnelEndsWithAPanicAtItsFarEnd(t *testing.T) {
	ends := make(chan error, 1)
	s := serveOn(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.OnEnd(func(x *message.Exchange) { ends <- x.Failed })
		x.Response.Status = 101
		x.Response.Header.Add("Date", "now")
		x.Response.Tunnel = &panicking{loopback{loop: x.Loop}}
		return nil
	})}, loop.Options{OnPanic: func(any, []byte) {}})
	s.dial().send(upgrade).want(upgraded).wantReset()
	if err := <-ends; err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("Failed is %v", err)
	}
}

// panicking is a tunnel that cannot be read.
type panicking struct{ loopback }

func (*panicking) Next() ([]byte, error) { panic("on purpose") }

// tunnelTo starts a server whose tunnels lead to a peer, and returns both.
func tunnelTo(t *testing.T, ends chan<- error) (s *testServer, peer *client) {
	t.Helper()
	var far *connTunnel
	s = serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		if ends != nil {
			x.OnEnd(func(x *message.Exchange) { ends <- x.Failed })
		}
		x.Response.Status = 101
		x.Response.Header.Add("Date", "now")
		x.Response.Header.Add("Upgrade", "echo")
		x.Response.Tunnel = far
		return nil
	})})
	looptest.Do(t, s.loop, func() {
		near, end := looptest.Pair(t, s.loop)
		far = &connTunnel{conn: near}
		peer = &client{t: t, conn: end.(*net.TCPConn)}
	})
	return s, peer
}

func TestTunnelKeepsTheOtherDirectionAfterAHalfClose(t *testing.T) {
	s, peer := tunnelTo(t, nil)
	c := s.dial().send(upgrade).want(upgraded)
	peer.send("all of it").conn.CloseWrite()
	if got := c.all(); got != "all of it" {
		t.Errorf("got %q", got)
	}
	c.send("and this").conn.CloseWrite()
	if got := peer.all(); got != "and this" {
		t.Errorf("the far end got %q", got)
	}
}

// Many tunnels are silent most of the time.
func TestSilentTunnelHoldsTheRequestsBufferAlone(t *testing.T) {
	s, peer := tunnelTo(t, nil)
	c := s.dial().send(upgrade).want(upgraded)
	const size = 4 << 20
	sent := make(chan error, 1)
	go func() { sent <- sendPattern(c.conn, size, false) }()
	got, err := io.CopyN(io.Discard, peer.conn, size)
	if err := errors.Join(err, <-sent); err != nil {
		t.Fatalf("%d bytes: %v", got, err)
	}
	buffers := -1
	for range 1000 {
		looptest.Do(t, s.loop, func() { buffers = s.loop.Stats().Buffers })
		if buffers == 1 {
			return
		}
		time.Sleep(time.Millisecond) // sleep: between two looks, since nobody tells when a buffer is given back
	}
	t.Errorf("%d buffers are held", buffers)
}

// A reset says that what came before it may not be whole.
func TestTunnelPassesAResetOn(t *testing.T) {
	ends := make(chan error, 1)
	s, peer := tunnelTo(t, ends)
	s.dial().send(upgrade).want(upgraded).reset()
	peer.wantReset()
	<-ends
	s, peer = tunnelTo(t, ends)
	c := s.dial().send(upgrade).want(upgraded)
	peer.reset()
	c.wantReset()
	if err := <-ends; err == nil || !strings.Contains(err.Error(), "reset") {
		t.Errorf("Failed is %v", err)
	}
}

// deaf is a tunnel that has said all it has to say and takes nothing.
type deaf struct{ loopback }

func (*deaf) Write([]byte) (int, error) { return 0, errors.New("deaf") }

// What the client has sent in vain must not make a reset of the end, which could
// destroy what it has not read yet.
func TestTunnelWhoseFarEndIsDeafEndsWithWhatThatHasSaid(t *testing.T) {
	ends := make(chan error, 1)
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.OnEnd(func(x *message.Exchange) { ends <- x.Failed })
		x.Response.Status = 101
		x.Response.Header.Add("Date", "now")
		x.Response.Tunnel = &deaf{loopback{loop: x.Loop, ready: [][]byte{[]byte("bye")}, ended: true}}
		return nil
	})})
	c := s.dial().sendRaw(strings.ReplaceAll(upgrade, "\n", "\r\n") + strings.Repeat("x", 1<<20))
	c.want(upgraded + "bye").wantEnd()
	if err := <-ends; err == nil || err.Error() != "deaf" {
		t.Errorf("Failed is %v", err)
	}
	c.conn.Close()
}

func TestTunnelCarriesMoreThanBuffersHold(t *testing.T) {
	const size = 16 << 20
	c := serve(t, &Server{Handler: switching(101, make(chan *message.Exchange, 1))}).dial()
	c.send(upgrade).want(upgraded)
	sent := make(chan error, 1)
	go func() { sent <- sendPattern(c.conn, size, false) }()
	if err := checkPattern(c.conn, size); err != nil {
		t.Error(err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestTunnelEndsWhenItIsSilent(t *testing.T) {
	ends := make(chan *message.Exchange, 1)
	c := serve(t, &Server{Handler: switching(101, ends), Timeouts: Timeouts{Tunnel: soon}}).dial()
	c.send(upgrade).want(upgraded).wantEnd()
	if end := <-ends; end.Failed != message.ErrTunnelSilent {
		t.Errorf("Failed is %v", end.Failed)
	}
}

// How long a tunnel may be silent is for who has made its far end to say.
func TestTunnelMayBeSilentForAsLongAsItsResponseSays(t *testing.T) {
	for _, c := range []struct {
		server, response time.Duration
		silent           bool // whether that ends the tunnel
	}{{time.Hour, soon, true}, {soon, time.Hour, false}, {soon, -1, false}} {
		ends := make(chan *message.Exchange, 1)
		inner := switching(101, ends)
		client := serve(t, &Server{Timeouts: Timeouts{Tunnel: c.server}, Handler: message.HandlerFunc(func(x *message.Exchange) error {
			x.Response.TunnelIdle = c.response
			return inner.Serve(x)
		})}).dial().send(upgrade).want(upgraded)
		if !c.silent {
			client.wantSilenceFor(3 * soon)
			client.conn.CloseWrite()
		}
		client.wantEnd()
		if end := <-ends; (end.Failed == message.ErrTunnelSilent) != c.silent {
			t.Errorf("%+v: Failed is %v", c, end.Failed)
		}
	}
}

func TestTunnelEndsWithAReset(t *testing.T) {
	ends := make(chan *message.Exchange, 1)
	c := serve(t, &Server{Handler: switching(101, ends)}).dial()
	c.send(upgrade).want(upgraded)
	c.conn.SetLinger(0)
	c.conn.Close()
	if end := <-ends; end.Failed == nil || !strings.Contains(end.Failed.Error(), "reset") {
		t.Errorf("Failed is %v", end.Failed)
	}
}

func TestTunnelEndsWithItsServer(t *testing.T) {
	ends := make(chan *message.Exchange, 1)
	s := serve(t, &Server{Handler: switching(101, ends)})
	c := s.dial().send(upgrade).want(upgraded)
	s.Close()
	c.wantEnd()
	<-ends
}
