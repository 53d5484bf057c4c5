package http2

import (
	"errors"
	"io"
	"testing"
	"time"

	wire "golang.org/x/net/http2"

	"pingap/loop"
	"pingap/message"
)

// echoFar is the far end of a tunnel, which sends back what it gets.
type echoFar struct {
	loop          *loop.Loop
	data          []byte
	ended, closed bool
	aborted       bool
	reader        *loop.Coroutine
}

func (f *echoFar) Next() ([]byte, error) {
	for {
		switch {
		case f.closed:
			return nil, errors.New("closed")
		case len(f.data) > 0:
			data := f.data
			f.data = nil
			return data, nil
		case f.ended:
			return nil, io.EOF
		}
		f.reader = f.loop.Current()
		err := f.loop.Park()
		f.reader = nil
		if err != nil {
			return nil, err
		}
	}
}

func (f *echoFar) wake() {
	if f.reader != nil {
		f.reader.Wake()
	}
}

func (f *echoFar) Write(p []byte) (int, error) {
	f.data = append(f.data, p...)
	f.wake()
	return len(p), nil
}

func (f *echoFar) CloseWrite() error {
	f.ended = true
	f.wake()
	return nil
}

func (f *echoFar) Close() {
	f.closed = true
	f.wake()
}

func (f *echoFar) Abort() {
	f.aborted = f.aborted || !f.closed
	f.Close()
}

// switching answers as an upstream of HTTP/1.1 that switches protocols.
func switching(x *message.Exchange) error {
	if x.Request.Method != "GET" || x.Request.Upgrade != "websocket" || len(x.Request.Header.Get("sec-websocket-key")) != 24 {
		return errors.New("not the request that HTTP/1.1 would make")
	}
	x.Response.Status = 101
	x.Response.Header.Add("Upgrade", "websocket")
	x.Response.Header.Add("Sec-WebSocket-Accept", "x")
	x.Response.Header.Add("Sec-WebSocket-Protocol", "chat")
	x.Response.Tunnel = &echoFar{loop: x.Loop}
	return nil
}

var extended = []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", "a.test", ":path", "/chat", "sec-websocket-version", "13"}

func TestExtendedConnectOpensATunnel(t *testing.T) {
	a := attack(t, &Server{Handler: message.HandlerFunc(switching)})
	if err := a.open(1, false, extended...); err != nil {
		t.Fatal(err)
	}
	if status, code := a.outcome(1); status != "200" {
		t.Fatalf("status %q, code %v", status, code)
	}
	for _, text := range []string{"hello", "again"} {
		a.WriteData(1, false, []byte(text))
		if got := a.content(1, len(text)); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	}
	a.WriteData(1, true, []byte("bye"))
	if got := a.content(1, -1); got != "bye" {
		t.Errorf("the end came back as %q", got)
	}
}

// content reads so many bytes of a stream; less than 0 for all.
func (a *attacker) content(id uint32, n int) string {
	a.t.Helper()
	var got []byte
	for n < 0 || len(got) < n {
		f, err := a.ReadFrame()
		if err != nil {
			a.t.Error(err)
			break
		}
		if d, ok := f.(*wire.DataFrame); ok && d.StreamID == id {
			got = append(got, d.Data()...)
			if d.StreamEnded() {
				break
			}
		}
	}
	return string(got)
}

func TestExtendedConnectIsRefusedWhereTheUpstreamDoesNotSwitch(t *testing.T) {
	a := attack(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 200
		return nil
	})})
	a.open(1, false, extended...)
	if status, code := a.outcome(1); status != "502" {
		t.Errorf("status %q, code %v", status, code)
	}
}

// answering makes a handler that switches to a far end.
func answering(far func(*message.Exchange) message.Tunnel, ended chan<- error) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		x.OnEnd(func(x *message.Exchange) { ended <- x.Failed })
		x.Response.Status = 101
		x.Response.Tunnel = far(x)
		return nil
	})
}

// RFC 9113 section 8.5: the far end of a tunnel whose stream is reset is reset.
func TestTunnelEndsWithItsStream(t *testing.T) {
	ended := make(chan error, 1)
	var far *echoFar
	a := attack(t, &Server{Handler: answering(func(x *message.Exchange) message.Tunnel {
		far = &echoFar{loop: x.Loop}
		return far
	}, ended)})
	a.open(1, false, extended...)
	if status, _ := a.outcome(1); status != "200" {
		t.Fatal("no tunnel")
	}
	a.WriteRSTStream(1, wire.ErrCodeCancel)
	if err := <-ended; err != message.ErrClientGone || !far.aborted {
		t.Errorf("Failed is %v; the far end is reset: %v", err, far.aborted)
	}
}

// mute is a far end that never says anything, not even that it has finished.
type mute struct{ echoFar }

func (*mute) Write(p []byte) (int, error) { return len(p), nil }
func (*mute) CloseWrite() error           { return nil }

// stuck is one that takes nothing either.
type stuck struct {
	mute
	writer *loop.Coroutine
}

func (s *stuck) Write([]byte) (int, error) {
	s.writer = s.loop.Current()
	for !s.closed {
		if err := s.loop.Park(); err != nil {
			return 0, err
		}
	}
	return 0, errors.New("closed")
}

func (s *stuck) Close() {
	s.mute.Close()
	if s.writer != nil {
		s.writer.Wake()
	}
}

func TestTunnelEndsWhenItIsSilent(t *testing.T) {
	for name, c := range map[string]struct {
		far func(*message.Exchange) message.Tunnel
		say func(*attacker)
	}{
		"from the start": {func(x *message.Exchange) message.Tunnel { return &mute{echoFar{loop: x.Loop}} }, func(*attacker) {}},
		"once the client has finished": {func(x *message.Exchange) message.Tunnel { return &mute{echoFar{loop: x.Loop}} },
			func(a *attacker) { a.WriteData(1, true, []byte("bye")) }},
		"and takes nothing": {func(x *message.Exchange) message.Tunnel { return &stuck{mute: mute{echoFar{loop: x.Loop}}} },
			func(a *attacker) { a.WriteData(1, false, []byte("hello")) }},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			a := attack(t, &Server{Timeouts: Timeouts{Tunnel: 30 * time.Millisecond}, Handler: answering(c.far, ended)})
			a.open(1, false, extended...)
			if status, _ := a.outcome(1); status != "200" {
				t.Fatal("no tunnel")
			}
			c.say(a)
			if err := <-ended; err != message.ErrTunnelSilent {
				t.Errorf("Failed is %v", err)
			}
			if _, code := a.outcome(1); code != wire.ErrCodeCancel {
				t.Errorf("the stream ends with %v", code)
			}
		})
	}
}

// A client that has finished, and so waits, can still go: the far end need not
// say anything for that to be noticed.
func TestTunnelEndsWithItsStreamOnceTheClientHasFinished(t *testing.T) {
	for name, leave := range map[string]func(*attacker){
		"the stream is reset":    func(a *attacker) { a.WriteRSTStream(1, wire.ErrCodeCancel) },
		"the connection is lost": func(a *attacker) { a.conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ended, finished := make(chan error, 1), make(chan struct{})
			var far *listening
			a := attack(t, &Server{Handler: answering(func(x *message.Exchange) message.Tunnel {
				far = &listening{mute{echoFar{loop: x.Loop}}, finished}
				return far
			}, ended)})
			a.open(1, false, extended...)
			if status, _ := a.outcome(1); status != "200" {
				t.Fatal("no tunnel")
			}
			a.WriteData(1, true, nil)
			<-finished
			leave(a)
			if err := <-ended; err != message.ErrClientGone || !far.aborted {
				t.Errorf("Failed is %v; the far end is reset: %v", err, far.aborted)
			}
		})
	}
}

// listening is a mute far end that tells when the client has finished.
type listening struct {
	mute
	finished chan struct{}
}

func (l *listening) CloseWrite() error {
	close(l.finished)
	return nil
}
