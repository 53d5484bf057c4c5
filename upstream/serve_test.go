package upstream

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"pingap/addresstest"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"

	"golang.org/x/sys/unix"
)

// staleOnce answers the first request of its first connection and closes that
// when the second one has come; other connections answer as they should.
func staleOnce(c *peerConn, number int) {
	for i := 0; ; i++ {
		_, content, ok := c.request()
		if !ok || number == 1 && i == 1 {
			return
		}
		c.answer("got " + content)
	}
}

func TestRequestLostWithAStaleConnectionIsSentAgain(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "DELETE"} {
		t.Run(method, func(t *testing.T) {
			b := listen(t, staleOnce)
			u, l := newUpstream(t, nil, b.spec())
			ask(t, l, u).want(t, "got ")
			o := ask(t, l, u, func(x *message.Exchange) { x.Request.Method = method })
			if o.err != nil || o.status != 200 || o.facts.Reused {
				t.Errorf("got %d and %v, reused %v", o.status, o.err, o.facts.Reused)
			}
			if n := b.accepted.Load(); n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
	}
	t.Run("with content in one piece", func(t *testing.T) {
		b := listen(t, staleOnce)
		u, l := newUpstream(t, nil, b.spec())
		ask(t, l, u).want(t, "got ")
		ask(t, l, u, send("PUT", "this")).want(t, "got this")
	})
}

func TestRequestThatMayHaveBeenActedUponIsNotSentAgain(t *testing.T) {
	for name, make := range map[string]func(*message.Exchange){
		"not idempotent": send("POST", "this"),
		"not idempotent, without content": func(x *message.Exchange) {
			x.Request.Method = "POST"
		},
		"content is gone": func(x *message.Exchange) {
			x.Request.Method = "PUT"
			x.Request.Length, x.Request.Body = 4, &pieces{"th", "is"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := listen(t, staleOnce)
			u, l := newUpstream(t, nil, b.spec())
			ask(t, l, u).want(t, "got ")
			ask(t, l, u, make).wantFailure(t, message.ConnectionLost)
			if n := b.accepted.Load(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

func TestConnectReachesNoPeer(t *testing.T) {
	b := listen(t, staleOnce)
	u, l := newUpstream(t, nil, b.spec())
	o := ask(t, l, u, func(x *message.Exchange) {
		x.Request.Method, x.Request.Host, x.Request.Path = "CONNECT", "a:443", ""
	})
	if o.err != error(message.ErrConnect) {
		t.Errorf("got %d and %v", o.status, o.err)
	}
	if n := b.accepted.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// pieces is content that comes in pieces.
type pieces []string

func (p *pieces) Next() ([]byte, error) {
	next := (*p)[0]
	*p = (*p)[1:]
	return []byte(next), nil
}

func (p *pieces) Close() {}

func TestRequestIsNotSentAgainOnceTheAnswerHasBegun(t *testing.T) {
	b := listen(t, func(c *peerConn, number int) {
		c.request()
		c.answer("hello")
		c.request()
		c.Write([]byte("HTTP/1.1 20"))
	})
	u, l := newUpstream(t, nil, b.spec())
	ask(t, l, u).want(t, "hello")
	ask(t, l, u).wantFailure(t, message.ConnectionLost)
	if n := b.accepted.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestFreshConnectionThatIsLostIsNotTriedAgain(t *testing.T) {
	b := listen(t, func(c *peerConn, _ int) { c.request() })
	u, l := newUpstream(t, nil, b.spec())
	h := u.Handler(Asking{Retry: Retry{Max: 3}})
	ask(t, l, h).wantFailure(t, message.ConnectionLost)
	if n := b.accepted.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// dead is a peer that refuses connections. Nobody else will be given its port.
func dead(t *testing.T) PeerSpec {
	t.Helper()
	addr := netip.MustParseAddrPort(addresstest.Free(t))
	return PeerSpec{Host: addr.Addr().String(), Port: addr.Port()}
}

func TestRefusedConnectionIsAFailureToConnect(t *testing.T) {
	u, l := newUpstream(t, nil, dead(t))
	o := ask(t, l, u)
	o.wantFailure(t, message.ConnectFailed)
	if !errors.Is(o.err, unix.ECONNREFUSED) {
		t.Errorf("error %q does not wrap the kernel's", o.err)
	}
}

func TestConnectFailureIsRetriedAsOftenAsAllowed(t *testing.T) {
	b := listen(t, answering("hello"))
	u, l := newUpstream(t, nil, dead(t), dead(t), b.spec())
	ask(t, l, u).wantFailure(t, message.ConnectFailed)

	u, l = newUpstream(t, nil, dead(t), dead(t), b.spec())
	ask(t, l, u.Handler(Asking{Retry: Retry{Max: 1}})).wantFailure(t, message.ConnectFailed)

	u, l = newUpstream(t, nil, dead(t), dead(t), b.spec())
	o := ask(t, l, u.Handler(Asking{Retry: Retry{Max: 2}}), send("POST", "x")).want(t, "hello")
	if o.facts.Addr != b.ln.Addr().String() {
		t.Errorf("address is %s", o.facts.Addr)
	}
}

func TestConnectFailureIsNotRetriedOutsideTheWindow(t *testing.T) {
	b := listen(t, answering("hello"))
	u, l := newUpstream(t, nil, dead(t), b.spec())
	h := u.Handler(Asking{Retry: Retry{Max: 5, Window: time.Second}})
	late := func(x *message.Exchange) { x.Started = x.Loop.Now() - int64(2*time.Second) }
	ask(t, l, h, late).wantFailure(t, message.ConnectFailed)
}

// A dead peer costs one exchange a second, not every second exchange.
func TestPeerThatRefusedIsAvoidedForAWhile(t *testing.T) {
	b := listen(t, answering("hello"))
	u, l := newUpstream(t, nil, dead(t), b.spec())
	ask(t, l, u).wantFailure(t, message.ConnectFailed)
	looptest.Do(t, l, func() {
		failed := &u.pool(l).places[0]
		if until := failed.avoidUntil; until == 0 || until > l.Now()+int64(avoidFor) {
			t.Errorf("it is avoided for %v from now on", time.Duration(until-l.Now()))
		}
		failed.avoidUntil += int64(time.Hour) // ten exchanges may take longer
	})
	for range 10 {
		ask(t, l, u).want(t, "hello")
	}
}

func TestPeersThatAllRefusedAreStillTried(t *testing.T) {
	u, l := newUpstream(t, nil, dead(t), dead(t))
	for range 4 {
		ask(t, l, u.Handler(Asking{Retry: Retry{Max: 3}})).wantFailure(t, message.ConnectFailed)
	}
}

func TestPeerWithoutRoomForConnectionsIsAConnectTimeout(t *testing.T) {
	ln, err := loop.Listen(loop.Addr{TCP: localhost}, loop.ListenOptions{Backlog: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr := ln.Addr().TCP
	// Nobody accepts: the queue is full when connecting takes long.
	for {
		conn, err := net.DialTimeout("tcp", addr.String(), 100*time.Millisecond)
		if err != nil {
			break
		}
		defer conn.Close()
	}
	peer := PeerSpec{Host: addr.Addr().String(), Port: addr.Port()}
	for name, change := range map[string]func(*Spec){
		"connect": func(s *Spec) { s.ConnectTimeout = 50 * time.Millisecond },
		"total":   func(s *Spec) { s.ConnectTimeout = time.Hour; s.TotalConnectTimeout = 50 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			u, l := newUpstream(t, change, peer)
			ask(t, l, u).wantFailure(t, message.ConnectTimeout)
		})
	}
}

func TestSlowPeerIsAReadTimeout(t *testing.T) {
	b := listen(t, func(c *peerConn, _ int) {
		c.request()
		c.r.ReadByte()
	})
	u, l := newUpstream(t, func(s *Spec) { s.ReadTimeout = 30 * time.Millisecond }, b.spec())
	ask(t, l, u.Handler(Asking{Retry: Retry{Max: 3}})).wantFailure(t, message.ReadTimeout)
	if n := b.accepted.Load(); n != 1 {
		t.Errorf("%d connections, want 1: a late answer is no reason to ask again", n)
	}
}

func TestCanceledExchangeLeavesThePeer(t *testing.T) {
	var left atomic.Bool
	b := listen(t, func(c *peerConn, _ int) {
		c.request()
		c.r.ReadByte()
		left.Store(true)
	})
	u, l := newUpstream(t, nil, b.spec())
	gone := errors.New("gone")
	looptest.Do(t, l, func() {
		var o outcome
		done := false
		co := l.Go(loop.TaskFunc(func() { o = exchange(l, u); done = true }))
		eventually(t, l, func() bool { return b.accepted.Load() == 1 })
		co.Cancel(gone)
		eventually(t, l, func() bool { return done })
		if o.err != gone {
			t.Errorf("error is %v", o.err)
		}
		eventually(t, l, left.Load)
	})
}

func TestWhoAsksHearsOfTheConnectionBeforeEachAttempt(t *testing.T) {
	b := listen(t, staleOnce)
	u, l := newUpstream(t, nil, b.spec())
	var heard []message.UpstreamFacts
	h := u.Handler(Asking{Connected: func(x *message.Exchange) { heard = append(heard, x.Upstream) }})
	ask(t, l, h).want(t, "got ")
	ask(t, l, h).want(t, "got ") // over the stale connection, then over a fresh one
	if len(heard) != 3 {
		t.Fatalf("heard %d times, want 3", len(heard))
	}
	for i, reused := range []bool{false, true, false} {
		if f := heard[i]; f.Addr != b.ln.Addr().String() || f.Reused != reused {
			t.Errorf("attempt %d: %+v", i, f)
		}
	}
}

func TestPeerThatTakesNothingIsAWriteTimeout(t *testing.T) {
	stop := make(chan struct{})
	b := listen(t, func(c *peerConn, _ int) { <-stop })
	defer close(stop)
	u, l := newUpstream(t, func(s *Spec) { s.WriteTimeout = 50 * time.Millisecond }, b.spec())
	endless := func(x *message.Exchange) {
		x.Request.Method, x.Request.Length, x.Request.Body = "POST", message.UnknownLength, endlessBody{}
	}
	ask(t, l, u, endless).wantFailure(t, message.WriteTimeout)
}

// endlessBody is content without an end.
type endlessBody struct{}

func (endlessBody) Next() ([]byte, error) { return make([]byte, 64<<10), nil }
func (endlessBody) Close()                {}
