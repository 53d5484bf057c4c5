package upstream

import (
	"io"
	"sync"
	"sync/atomic"
	"testing"

	wire "golang.org/x/net/http2"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// framing is a peer that speaks HTTP/2 in frames: answer is called for each
// request once that is whole, with the number of its connection.
func framing(t *testing.T, answer func(f *wire.Framer, stream uint32, number int)) *backend {
	return listen(t, func(c *peerConn, number int) {
		io.ReadFull(c.r, make([]byte, len(wire.ClientPreface)))
		f := wire.NewFramer(c, c.r)
		f.WriteSettings()
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			h, ok := frame.(*wire.HeadersFrame)
			d, more := frame.(*wire.DataFrame)
			if ok && h.StreamEnded() || more && d.StreamEnded() {
				answer(f, frame.Header().StreamID, number)
			}
		}
	})
}

// succeed answers with 200.
func succeed(f *wire.Framer, stream uint32) {
	f.WriteHeaders(wire.HeadersFrameParam{StreamID: stream, BlockFragment: []byte{0x88}, EndHeaders: true, EndStream: true})
}

func form(x *message.Exchange) {
	x.Request.Method, x.Request.Length = "POST", 5
	x.Request.Body = x.BytesBody([]byte("hello"))
}

// RFC 9113 section 8.7: what a peer says it has done nothing with is sent again,
// whatever its method, and over a fresh connection where the peer ends this one.
func TestRequestsThatThePeerHasNotLookedAtAreSentAgain(t *testing.T) {
	for name, c := range map[string]struct {
		refuse func(f *wire.Framer, stream uint32)
		conns  int32
	}{
		"REFUSED_STREAM": {func(f *wire.Framer, stream uint32) { f.WriteRSTStream(stream, wire.ErrCodeRefusedStream) }, 1},
		"GOAWAY":         {func(f *wire.Framer, stream uint32) { f.WriteGoAway(stream-1, wire.ErrCodeNo, nil) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			b := framing(t, func(f *wire.Framer, stream uint32, number int) {
				if asked.Add(1) == 1 {
					c.refuse(f, stream)
				} else {
					succeed(f, stream)
				}
			})
			u, l := newUpstream(t, func(s *Spec) { s.Protocol, s.MaxStreams = HTTP2, 10 }, b.spec())
			if o := ask(t, l, u, form); o.err != nil || o.status != 200 {
				t.Errorf("status %d, %v", o.status, o.err)
			}
			if asked.Load() != 2 || b.accepted.Load() != c.conns {
				t.Errorf("asked %d times over %d connections", asked.Load(), b.accepted.Load())
			}
		})
	}
}

func TestPeerThatAlwaysRefusesIsNotAskedForEver(t *testing.T) {
	var asked atomic.Int32
	b := framing(t, func(f *wire.Framer, stream uint32, number int) {
		asked.Add(1)
		f.WriteRSTStream(stream, wire.ErrCodeRefusedStream)
	})
	u, l := newUpstream(t, func(s *Spec) { s.Protocol, s.MaxStreams = HTTP2, 10 }, b.spec())
	ask(t, l, u, form).wantFailure(t, message.ConnectionLost)
	if n := asked.Load(); n != mostSends {
		t.Errorf("asked %d times", n)
	}
}

// What a peer may have acted upon is sent again only if that does no harm.
func TestPostOfALostConnectionIsNotSentAgain(t *testing.T) {
	var asked atomic.Int32
	b := framing(t, func(f *wire.Framer, stream uint32, number int) {
		if asked.Add(1) == 1 {
			succeed(f, stream) // the connection is an old one then
			return
		}
		f.WriteRSTStream(stream, wire.ErrCodeInternal)
	})
	u, l := newUpstream(t, func(s *Spec) { s.Protocol, s.MaxStreams = HTTP2, 10 }, b.spec())
	ask(t, l, u, form)
	ask(t, l, u, form).wantFailure(t, message.ConnectionLost)
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// A peer that lowers how many exchanges it takes at a time gets no more, and those
// beyond it a further connection.
func TestPeersLimitIsKeptWhenItChanges(t *testing.T) {
	var at, most atomic.Int32
	var writing sync.Mutex
	release := make(chan struct{})
	b := framing(t, func(f *wire.Framer, stream uint32, number int) {
		if stream == 1 && number == 1 {
			f.WriteSettings(wire.Setting{ID: wire.SettingMaxConcurrentStreams, Val: 2})
			succeed(f, stream)
			return
		}
		if number == 1 {
			most.Store(max(most.Load(), at.Add(1)))
		}
		go func() {
			<-release
			if number == 1 {
				at.Add(-1)
			}
			writing.Lock()
			defer writing.Unlock()
			succeed(f, stream)
		}()
	})
	u, l := newUpstream(t, func(s *Spec) { s.Protocol, s.MaxStreams = HTTP2, 10 }, b.spec())
	ask(t, l, u)
	done := 0
	looptest.Do(t, l, func() {
		for range 5 {
			l.Go(loop.TaskFunc(func() {
				if o := exchange(l, u); o.err != nil {
					t.Error(o.err)
				}
				done++
			}))
		}
		eventually(t, l, func() bool { return u.Open() >= 2 })
	})
	close(release)
	looptest.Do(t, l, func() { eventually(t, l, func() bool { return done == 5 }) })
	if most.Load() > 2 {
		t.Errorf("%d exchanges at a time on a connection that takes two", most.Load())
	}
}
