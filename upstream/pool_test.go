package upstream

import (
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

// wantIdle waits until the upstream's first peer has so many idle connections.
func wantIdle(t *testing.T, u *Upstream, l *loop.Loop, want int) {
	t.Helper()
	looptest.Do(t, l, func() {
		eventually(t, l, func() bool { return u.Peers()[0].Idle == want && u.Open() == int64(want) })
	})
}

func TestIdleConnectionEndsWhenThePeerCloses(t *testing.T) {
	b := listen(t, func(c *peerConn, _ int) {
		c.request()
		c.answer("hello")
	})
	u, l := newUpstream(t, nil, b.spec())
	ask(t, l, u).want(t, "hello")
	wantIdle(t, u, l, 0)
}

func TestIdleConnectionEndsWhenThePeerSpeaksUnasked(t *testing.T) {
	speak := make(chan struct{})
	b := listen(t, func(c *peerConn, number int) {
		c.request()
		c.answer("hello")
		if number == 1 {
			<-speak
			c.answer("injected")
		}
		c.r.ReadByte()
	})
	u, l := newUpstream(t, nil, b.spec())
	ask(t, l, u).want(t, "hello")
	wantIdle(t, u, l, 1)
	close(speak)
	wantIdle(t, u, l, 0)
	ask(t, l, u).want(t, "hello")
}

func TestIdleConnectionEndsAfterItsTime(t *testing.T) {
	b := listen(t, answering("hello"))
	u, l := newUpstream(t, func(s *Spec) { s.IdleTimeout = 30 * time.Millisecond }, b.spec())
	ask(t, l, u).want(t, "hello")
	wantIdle(t, u, l, 0)
	ask(t, l, u).want(t, "hello")
	if n := b.accepted.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// together runs n exchanges that are all in flight at once.
func together(t *testing.T, u *Upstream, l *loop.Loop, n int) {
	t.Helper()
	looptest.Do(t, l, func() {
		done := 0
		for range n {
			l.Go(loop.TaskFunc(func() {
				if o := exchange(l, u); o.err != nil {
					t.Error(o.err)
				}
				done++
			}))
		}
		eventually(t, l, func() bool { return done == n })
	})
}

func TestPoolKeepsASurplusForAMomentOnly(t *testing.T) {
	a, b := listen(t, slowly("a")), listen(t, slowly("b"))
	u, l := newUpstream(t, func(s *Spec) { s.MaxIdle = 4 }, a.spec(), b.spec())
	// A burst that follows another finds its connections, although they are
	// more than may be kept.
	together(t, u, l, 12)
	together(t, u, l, 12)
	// All but those that one peer's connections took the place of.
	if n := a.accepted.Load() + b.accepted.Load(); n > 12+4 {
		t.Errorf("%d connections were made for 12 exchanges at a time", n)
	}
	looptest.Do(t, l, func() {
		eventually(t, l, func() bool { return u.Open() == 4 })
	})
	if peers := u.Peers(); peers[0].Idle == 0 || peers[1].Idle == 0 {
		t.Errorf("kept are %+v", peers)
	}
}

// slowly answers like answering, after a moment.
func slowly(text string) func(*peerConn, int) {
	return func(c *peerConn, _ int) {
		for {
			if _, _, ok := c.request(); !ok {
				return
			}
			// sleep: requests that come together must overlap
			time.Sleep(50 * time.Millisecond)
			c.answer(text)
		}
	}
}

func TestPoolTakesTheConnectionUsedLast(t *testing.T) {
	b := listen(t, func(c *peerConn, number int) {
		for {
			if _, _, ok := c.request(); !ok {
				return
			}
			// sleep: connections are to come back in the order of their numbers
			time.Sleep(time.Duration(number) * 30 * time.Millisecond)
			c.answer(strings.Repeat("x", number))
		}
	})
	u, l := newUpstream(t, nil, b.spec())
	together(t, u, l, 3)
	for range 3 {
		ask(t, l, u).want(t, "xxx")
	}
}
