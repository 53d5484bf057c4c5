package http2

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	wire "golang.org/x/net/http2"

	"pingap/loop/looptest"
	"pingap/message"
)

// forever is a handler that never answers.
func forever(x *message.Exchange) error { return x.Loop.Sleep(time.Hour) }

// CVE-2025-8671: a client need not reset its streams to have work thrown away, it
// can make the server do so. Each way to that costs it as much.
func TestResetsThatAClientProvokesEndTheConnection(t *testing.T) {
	post := append([]string{":method", "POST"}, usual[2:]...)
	for name, provoke := range map[string]func(a *attacker, id uint32){
		"window of 0": func(a *attacker, id uint32) {
			a.open(id, false, usual...)
			a.WriteRawFrame(wire.FrameWindowUpdate, 0, id, make([]byte, 4))
		},
		"window that overflows": func(a *attacker, id uint32) {
			a.open(id, false, usual...)
			a.WriteWindowUpdate(id, mostWindow)
		},
		"content over the window": func(a *attacker, id uint32) {
			a.open(id, false, post...)
			for range streamWindow/leastMaxFrame + 1 {
				a.WriteData(id, false, make([]byte, leastMaxFrame))
			}
		},
		"content over its length": func(a *attacker, id uint32) {
			a.open(id, false, append(post, "content-length", "1")...)
			a.WriteData(id, false, make([]byte, 2))
		},
		"content behind the end": func(a *attacker, id uint32) {
			a.open(id, true, post...)
			a.WriteData(id, false, make([]byte, 2))
		},
		"fields behind the end": func(a *attacker, id uint32) {
			a.open(id, true, post...)
			a.open(id, true, usual...)
		},
		"PRIORITY of a wrong length": func(a *attacker, id uint32) {
			a.open(id, true, usual...)
			a.WriteRawFrame(wire.FramePriority, 0, id, make([]byte, 4))
		},
		"stream that depends on itself": func(a *attacker, id uint32) {
			a.open(id, true, usual...)
			a.WritePriority(id, wire.PriorityParam{StreamDep: id})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var entered atomic.Int64
			a := attack(t, &Server{KeepAliveRequests: 1 << 30, Handler: message.HandlerFunc(func(x *message.Exchange) error {
				entered.Add(1)
				return forever(x)
			})})
			stopped, reset := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				// One at a time: what is refused since too many streams are
				// open would count by itself.
				for n := uint32(0); a.conn.SetWriteDeadline(time.Now().Add(patience)) == nil; n++ {
					provoke(a, 2*n+1)
					if _, ok := <-reset; !ok {
						return
					}
				}
			}()
			if code := a.endingAfter(reset); code != wire.ErrCodeEnhanceYourCalm && code != 0xffff {
				t.Errorf("ended with %v", code)
			}
			close(reset)
			<-stopped
			if n := entered.Load(); n > mostDebt {
				t.Errorf("%d exchanges have begun", n)
			}
		})
	}
}

// Acknowledgements that nobody has asked for are of no use either.
func TestFloodsOfAcknowledgementsEndTheConnection(t *testing.T) {
	for name, once := range map[string]func(a *attacker) error{
		"PING":     func(a *attacker) error { return a.WritePing(true, [8]byte{}) },
		"SETTINGS": func(a *attacker) error { return a.WriteSettingsAck() },
	} {
		t.Run(name, func(t *testing.T) {
			a := attack(t, &Server{Handler: message.HandlerFunc(echo)})
			go func() {
				for range 200_000 {
					if once(a) != nil {
						return
					}
				}
			}()
			if code := a.ending(); code != wire.ErrCodeEnhanceYourCalm && code != 0xffff {
				t.Errorf("ended with %v", code)
			}
		})
	}
}

// A client that asks and does not take the answers is not given more of them than
// a connection may hold.
func TestAnswersThatNobodyTakesDoNotPileUp(t *testing.T) {
	const asked = 120
	field := strings.Repeat("x", 60<<10)
	var begun atomic.Int64
	l := looptest.New(t)
	s := &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		begun.Add(1)
		x.Response.Status = 204
		x.Response.Header.Add("Large", field)
		return nil
	})}
	a := attackAt(t, serveOn(t, s, l))
	for i := range uint32(asked) {
		a.open(2*i+1, true, usual...)
	}
	eventually(t, "all are with the handler", func() bool { return begun.Load() == asked })
	looptest.Do(t, l, func() {
		for c := range s.fronts.On(l, nil).conns {
			if n := c.raw.Pending(); n > 2*outputHigh {
				t.Errorf("%d bytes of answers are pending", n)
			}
		}
	})
	// Those that wait go on when the client reads.
	for answered := 0; answered < asked; {
		f, err := a.ReadFrame()
		if err != nil {
			t.Fatal(answered, err)
		}
		if h, ok := f.(*wire.HeadersFrame); ok && h.StreamEnded() {
			answered++
		}
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to this:", what)
		}
		// sleep: between two looks at what another goroutine does
		time.Sleep(time.Millisecond)
	}
}

// Padding is content to the windows (RFC 9113 section 6.9.1): a stream that gets
// nothing else must not run out of them.
func TestPaddingAloneIsGivenBack(t *testing.T) {
	a := attack(t, &Server{Handler: message.HandlerFunc(forever)})
	a.open(1, false, append([]string{":method", "POST"}, usual[2:]...)...)
	for range streamWindow/256 - 1 {
		if err := a.WriteDataPadded(1, false, nil, make([]byte, 255)); err != nil {
			t.Fatal(err)
		}
	}
	for {
		f, err := a.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if w, ok := f.(*wire.WindowUpdateFrame); ok && w.StreamID == 1 {
			return
		}
	}
}

// A target that is too long is told so, and does not pass for malformed.
func TestLongTargetsAreTooLargeAndNotMalformed(t *testing.T) {
	a := attack(t, &Server{Handler: message.HandlerFunc(echo), Limits: Limits{Head: 4 << 10}})
	for i, size := range []int{5 << 10, 15 << 10} {
		id := uint32(2*i + 1)
		a.open(id, true, ":method", "GET", ":scheme", "http", ":path", "/"+strings.Repeat("x", size), ":authority", "a.test")
		if status, code := a.outcome(id); status != "431" {
			t.Errorf("%d bytes: status %q, code %v", size, status, code)
		}
	}
}

// h2c is a way past the proxy, by HTTP/1 as by extended CONNECT.
func TestExtendedConnectDoesNotLeadToHTTP2(t *testing.T) {
	a := attack(t, &Server{Handler: message.HandlerFunc(echo)})
	for i, protocol := range []string{"h2c", "H2C"} {
		id := uint32(2*i + 1)
		a.open(id, false, ":method", "CONNECT", ":protocol", protocol, ":scheme", "http", ":authority", "a.test", ":path", "/")
		if status, code := a.outcome(id); status != "501" {
			t.Errorf("%s: status %q, code %v", protocol, status, code)
		}
	}
}

// What frames or routes a message is no trailer (RFC 9110 section 6.5.1).
func TestTrailersThatFrameOrRouteAreDropped(t *testing.T) {
	a := attack(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		for {
			if _, err := x.Request.Body.Next(); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
		}
		x.Response.Status = 200
		x.Response.Header.Add("X-Trailers", fmt.Sprint(x.Request.Trailer.Fields()))
		return nil
	})})
	a.open(1, false, append([]string{":method", "POST"}, usual[2:]...)...)
	a.open(1, true, "host", "b.test", "content-length", "7", "sum", "1", "te", "trailers", "expect", "100-continue")
	for {
		f, err := a.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if h, ok := f.(*wire.HeadersFrame); ok {
			if block := string(h.HeaderBlockFragment()); !strings.Contains(block, "[{sum 1}]") {
				t.Errorf("the trailers are not [{sum 1}]: %q", block)
			}
			return
		}
	}
}
