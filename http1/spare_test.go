package http1

import (
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
)

// What served a rush of exchanges is kept for others to come, but not all of it.
func TestARushLeavesOnlySoMuchBehind(t *testing.T) {
	const rush = maxSpare + 100
	looptest.Run(t, func(l *loop.Loop) {
		f := new(Server).newFront(l)
		var sessions []*session
		for range rush {
			sessions = append(sessions, f.take())
		}
		for _, s := range sessions {
			f.give(s)
		}
		kept := 0
		for s := f.free; s != nil; s = s.nextFree {
			kept++
		}
		if kept != maxSpare || f.spare != kept {
			t.Errorf("%d sessions are kept, and %d counted", kept, f.spare)
		}
		if f.take(); f.spare != kept-1 {
			t.Errorf("%d are counted when one has been taken", f.spare)
		}
	})
	var k Clients
	for range rush {
		newRoundTrip(&k).recycle(nil)
	}
	kept := 0
	for r := k.free; r != nil; r = r.nextFree {
		kept++
	}
	if kept != maxSpare || k.spare != kept {
		t.Errorf("%d round trips are kept, and %d counted", kept, k.spare)
	}
}
