package http2

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
		var exchanges []*exchange
		for range rush {
			exchanges = append(exchanges, f.take())
		}
		for _, e := range exchanges {
			f.give(e)
		}
		if n := drain(&f.spares); n != 1024 {
			t.Errorf("%d exchanges of a server are kept", n)
		}
		c := new(Client)
		for range rush {
			e := newClientExchange(c)
			e.conn = &c.conn
			e.recycle(nil)
		}
		if n := drain(&c.spares); n != 1024 {
			t.Errorf("%d exchanges of a client are kept", n)
		}
	})
}

// drain counts what is kept.
func drain[T any](s *message.Spares[T]) (n int) {
	for s.Take() != nil {
		n++
	}
	return n
}
