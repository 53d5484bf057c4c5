package http2

import (
	"errors"
	"io"
	"testing"
	"time"

	wire "golang.org/x/net/http2"

	"pingap/loop/looptest"
	"pingap/message"
)

// want reads frames up to the first one of these that is so, and returns it.
func want[F wire.Frame](a *attacker, what string, so func(f F) bool) F {
	a.t.Helper()
	for {
		f, err := a.ReadFrame()
		if err != nil {
			a.t.Fatalf("%s: %v", what, err)
		}
		if f, ok := f.(F); ok && so(f) {
			return f
		}
	}
}

func (a *attacker) wantGoAway(last uint32) {
	a.t.Helper()
	want(a, "GOAWAY", func(f *wire.GoAwayFrame) bool {
		if f.LastStreamID != last || f.ErrCode != wire.ErrCodeNo {
			a.t.Errorf("GOAWAY of %d with %v, want that of %d", f.LastStreamID, f.ErrCode, last)
		}
		return true
	})
}

// wantOK sends a request and expects that it is answered.
func (a *attacker) wantOK(id uint32) {
	a.t.Helper()
	a.open(id, true, usual...)
	if status, code := a.outcome(id); status != "200" {
		a.t.Fatalf("stream %d: status %q, code %v", id, status, code)
	}
}

// wantEnd expects the end of the connection, without an error.
func (a *attacker) wantEnd() {
	a.t.Helper()
	for {
		f, err := a.ReadFrame()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			a.t.Fatal(err)
		}
		if g, ok := f.(*wire.GoAwayFrame); ok && g.ErrCode != wire.ErrCodeNo {
			a.t.Fatalf("the connection ends with %v: %s", g.ErrCode, g.DebugData())
		}
	}
}

// attackNoticing is attack where a client may take so long to answer the
// announcement of the end.
func attackNoticing(t *testing.T, s *Server, notice time.Duration) *attacker {
	l := looptest.New(t)
	a := attackAt(t, serveOn(t, s, l))
	looptest.Do(t, l, func() { s.fronts.On(l, nil).notice = notice })
	return a
}

// patient answers when the request is whole.
func patient(x *message.Exchange) error {
	if x.Request.Method == "POST" {
		return discard(x)
	}
	return echo(x)
}

// RFC 9113 section 6.8: the end is announced first, and what has been sent by the
// time that the client hears of it is served.
func TestDrainServesWhatIsOnItsWay(t *testing.T) {
	s := &Server{Handler: message.HandlerFunc(patient)}
	a := attackNoticing(t, s, time.Hour)
	a.wantOK(1)
	s.Drain(0)
	a.wantGoAway(mostStreamID)
	ping := want(a, "PING", func(*wire.PingFrame) bool { return true })
	a.wantOK(3)
	post := append([]string{":method", "POST"}, usual[2:]...)
	a.open(5, false, post...)
	a.WritePing(true, ping.Data)
	a.wantGoAway(5)
	// This client does not keep to it: nobody looks at that, and it does no harm
	// to the exchange that is left.
	a.open(7, false, post...)
	a.WriteData(7, false, []byte("x"))
	a.WriteWindowUpdate(7, 1)
	a.WriteData(7, true, []byte("x"))
	a.WriteRSTStream(7, wire.ErrCodeCancel)
	a.WriteData(5, true, []byte("content"))
	if status, code := a.outcome(5); status != "200" {
		t.Errorf("status %q, code %v", status, code)
	}
	a.wantEnd()
}

// A client that does not say that it has heard of it may go on, but not for ever.
func TestDrainDoesNotWaitForAClientThatDoesNotAnswer(t *testing.T) {
	s := &Server{Handler: message.HandlerFunc(patient)}
	a := attackNoticing(t, s, 10*time.Millisecond)
	a.open(1, false, append([]string{":method", "POST"}, usual[2:]...)...)
	a.wantOK(3)
	s.Drain(0)
	a.wantGoAway(mostStreamID)
	a.wantGoAway(3)
	a.WriteData(1, true, nil)
	if status, code := a.outcome(1); status != "200" {
		t.Errorf("status %q, code %v", status, code)
	}
	a.wantEnd()
}

func TestConnectionCarriesNoMoreRequestsThanItMay(t *testing.T) {
	a := attackNoticing(t, &Server{Handler: message.HandlerFunc(echo), KeepAliveRequests: 2}, time.Hour)
	a.open(1, true, usual...)
	a.open(3, true, usual...)
	a.open(5, true, usual...)
	// It is announced once, and streams that were on their way are served.
	announced := 0
	want(a, "the last head", func(f wire.Frame) bool {
		if g, ok := f.(*wire.GoAwayFrame); ok && g.LastStreamID == mostStreamID {
			announced++
		}
		h, ok := f.(*wire.HeadersFrame)
		return ok && h.StreamID == 5
	})
	if announced != 1 {
		t.Errorf("the end is announced %d times", announced)
	}
	a.WritePing(true, [8]byte{})
	a.wantEnd()
}

// Whatever is no request does not keep a connection open.
func TestIdleConnectionEndsAlthoughItsClientTalks(t *testing.T) {
	const idle = 200 * time.Millisecond
	a := attack(t, &Server{Handler: message.HandlerFunc(echo), Timeouts: Timeouts{Idle: idle}})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for a.WriteSettings() == nil && a.WritePing(false, [8]byte{}) == nil && a.WritePriority(1, wire.PriorityParam{}) == nil {
			// sleep: often enough to keep a connection open, if that did
			<-time.After(idle / 4)
		}
	}()
	a.wantEnd()
	a.conn.Close()
	<-done
}

// A part of a request does not keep a connection open either.
func TestConnectionWithPartOfARequestEnds(t *testing.T) {
	a := attackAt(t, serve(t, &Server{Handler: message.HandlerFunc(echo), Timeouts: Timeouts{Idle: 50 * time.Millisecond}}))
	a.WriteHeaders(wire.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields(usual...)})
	a.wantEnd()
}

// A part of a frame may wait for the rest for long, and holds no buffer that is
// made for whole ones.
func TestPartOfAFrameHoldsLittle(t *testing.T) {
	l := looptest.New(t)
	s := &Server{Handler: message.HandlerFunc(echo)}
	a := attackAt(t, serveOn(t, s, l))
	a.wantOK(1)
	frame := append([]byte{0, 0, 8, byte(framePing), 0, 0, 0, 0, 0}, "12345678"...)
	held := func() (n int) {
		looptest.Do(t, l, func() {
			for c := range s.fronts.On(l, nil).conns {
				n += len(c.buf)
			}
		})
		return n
	}
	for _, b := range frame {
		a.conn.Write([]byte{b})
		eventually(t, "the byte is there", func() bool { return held() > 0 || b == '8' })
		if n := held(); n > 4<<10 {
			t.Fatalf("%d bytes of buffer for a part of a frame", n)
		}
	}
	want(a, "the answer to the whole", func(f *wire.PingFrame) bool { return f.IsAck() && string(f.Data[:]) == "12345678" })
	eventually(t, "no buffer is held", func() bool { return held() == 0 })
}
