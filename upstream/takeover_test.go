package upstream

import (
	"errors"
	"net/netip"
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
)

var localhost = netip.MustParseAddrPort("127.0.0.1:0")

// twoLoops makes an upstream that has one idle connection, on the first loop.
func twoLoops(t *testing.T, b *backend) (u *Upstream, first, second *loop.Loop) {
	u = build(t, nil, b.spec())
	first, second = looptest.Start(t, loop.Options{ID: 0}), looptest.Start(t, loop.Options{ID: 1})
	closeWith(t, u, first, second)
	ask(t, first, u).want(t, "hello")
	return u, first, second
}

func TestLoopTakesOverAnIdleConnectionOfAnother(t *testing.T) {
	b := listen(t, answering("hello"))
	u, first, second := twoLoops(t, b)
	u.patience = limit
	for range 10 {
		for _, l := range []*loop.Loop{second, first} {
			if o := ask(t, l, u).want(t, "hello"); !o.facts.Reused || o.facts.ConnectionTime <= 0 {
				t.Fatalf("facts are %+v", o.facts)
			}
		}
	}
	if n := b.accepted.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestLoopThatGetsNoAnswerConnectsByItself(t *testing.T) {
	b := listen(t, answering("hello"))
	u, first, second := twoLoops(t, b)
	block := make(chan struct{})
	first.Post(func() { <-block })
	if o := ask(t, second, u).want(t, "hello"); o.facts.Reused {
		t.Error("a connection came from a loop that does not turn")
	}
	close(block)
	// The late answer is not lost.
	looptest.Do(t, second, func() {
		eventually(t, second, func() bool {
			return u.pool(second).places[0].idle.Load() == 2
		})
	})
	if u.Open() != 2 || u.Peers()[0].Idle != 2 {
		t.Errorf("%d connections are open, %d idle, want 2", u.Open(), u.Peers()[0].Idle)
	}
}

// Nothing but the answer itself puts what the other loop does into an order with
// what this one does: the race detector watches.
func TestLoopThatDoesNotWaitLeavesTheAnswerAlone(t *testing.T) {
	b := listen(t, answering("hello"))
	u, _, second := twoLoops(t, b)
	u.patience = -1
	ask(t, second, u).want(t, "hello")
	looptest.Do(t, second, func() {
		eventually(t, second, func() bool { return u.pool(second).places[0].idle.Load() == 2 })
	})
}

func TestTakeOverEndsWithItsCoroutine(t *testing.T) {
	b := listen(t, answering("hello"))
	u, first, second := twoLoops(t, b)
	u.patience = limit
	block := make(chan struct{})
	first.Post(func() { <-block })
	gone := errors.New("gone")
	looptest.Do(t, second, func() {
		var o outcome
		done := false
		co := second.Go(loop.TaskFunc(func() { o = exchange(second, u); done = true }))
		second.Yield()
		co.Cancel(gone)
		eventually(t, second, func() bool { return done })
		if o.err != gone {
			t.Errorf("error is %v", o.err)
		}
		close(block)
		eventually(t, second, func() bool { return u.pool(second).places[0].idle.Load() == 1 })
	})
}

// Two loops want one connection: one gets it, the other one makes its own.
func TestTakeOverOfOneConnectionByTwoLoops(t *testing.T) {
	b := listen(t, answering("hello"))
	u, _, second := twoLoops(t, b)
	u.patience = limit
	third := looptest.Start(t, loop.Options{ID: 2})
	closeWith(t, u, third)
	both := make(chan outcome, 2)
	for _, l := range []*loop.Loop{second, third} {
		l.Post(func() { l.Go(loop.TaskFunc(func() { both <- exchange(l, u) })) })
	}
	for range 2 {
		(<-both).want(t, "hello")
	}
	if n := b.accepted.Load(); n > 2 {
		t.Errorf("%d connections, want 2 at most", n)
	}
}
