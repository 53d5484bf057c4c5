package upstream

import (
	"strconv"
	"sync/atomic"
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

// held answers with the number of the connection, each time when it is let go on.
type held struct {
	ended   <-chan struct{} // the test
	arrived atomic.Int32
	goOn    []chan struct{} // by the number of the connection
}

func newHeld(t *testing.T, connections int) *held {
	h := &held{ended: t.Context().Done(), goOn: make([]chan struct{}, connections+1)}
	for i := range h.goOn {
		h.goOn[i] = make(chan struct{}, connections)
	}
	return h
}

func (h *held) play(c *peerConn, number int) {
	for {
		if _, _, ok := c.request(); !ok {
			return
		}
		h.arrived.Add(1)
		select {
		case <-h.goOn[number]:
		case <-h.ended:
			return
		}
		c.answer(strconv.Itoa(number))
	}
}

func TestPoolKeepsASurplusForAMomentOnly(t *testing.T) {
	const most, each = 4, 6
	a, b := newHeld(t, each), newHeld(t, each)
	u, l := newUpstream(t, func(s *Spec) { s.MaxIdle = most }, listen(t, a.play).spec(), listen(t, b.play).spec())
	looptest.Do(t, l, func() {
		done := 0
		for range 2 * each {
			l.Go(loop.TaskFunc(func() {
				exchange(l, u)
				done++
			}))
		}
		eventually(t, l, func() bool { return a.arrived.Load()+b.arrived.Load() == 2*each })
		for i := range each {
			a.goOn[i+1] <- struct{}{}
			b.goOn[i+1] <- struct{}{}
		}
		// A burst that followed now would find more than may be kept.
		eventually(t, l, func() bool { return done == 2*each })
		if n := u.Open(); n <= most {
			t.Errorf("%d connections are kept at the end of a burst", n)
		}
		eventually(t, l, func() bool { return u.Open() == most })
	})
	if peers := u.Peers(); peers[0].Idle == 0 || peers[1].Idle == 0 {
		t.Errorf("kept are %+v", peers)
	}
}

func TestPoolTakesTheConnectionUsedLast(t *testing.T) {
	const n = 3
	h := newHeld(t, n)
	u, l := newUpstream(t, nil, listen(t, h.play).spec())
	looptest.Do(t, l, func() {
		for range n {
			l.Go(loop.TaskFunc(func() { exchange(l, u) }))
		}
		eventually(t, l, func() bool { return h.arrived.Load() == n })
		for number := 1; number <= n; number++ {
			h.goOn[number] <- struct{}{}
			eventually(t, l, func() bool { return u.Peers()[0].Idle == number })
		}
	})
	for range n {
		h.goOn[n] <- struct{}{}
		ask(t, l, u).want(t, strconv.Itoa(n))
	}
}
