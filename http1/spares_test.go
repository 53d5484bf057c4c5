package http1

import (
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// What served a rush of exchanges is kept for others to come, but not all of it.
func TestARushLeavesOnlySoMuchBehind(t *testing.T) {
	const rush = 1100
	looptest.Run(t, func(l *loop.Loop) {
		f := new(Server).newFront(l)
		var sessions []*session
		for range rush {
			sessions = append(sessions, f.take())
		}
		for _, s := range sessions {
			s.leave()
		}
		if n := drain(&f.spares); n != 1024 {
			t.Errorf("%d sessions are kept", n)
		}
	})
	var k Clients
	for range rush {
		newRoundTrip(&k).recycle(nil)
	}
	if n := drain(&k.spares); n != 1024 {
		t.Errorf("%d round trips are kept", n)
	}
}

// drain counts what is kept.
func drain[T any](s *message.Spares[T]) (n int) {
	for s.Take() != nil {
		n++
	}
	return n
}
