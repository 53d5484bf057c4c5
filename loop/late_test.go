package loop_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/loop/looptest"
)

// moreThanATurn is more connections than the poller tells of at a time.
const moreThanATurn = 300

// holdUp makes bytes come on all connections, and keeps the loop until long after d.
func holdUp(peers []*loop.Conn, d time.Duration) {
	for _, c := range peers {
		unix.Write(c.FD(), []byte("x"))
	}
	// sleep: it is this that holds the loop up
	time.Sleep(2 * d)
}

func manyConns(t *testing.T, l *loop.Loop) (near, far []*loop.Conn) {
	ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for range moreThanATurn {
		a, b := looptest.Connect(t, l, ln, nil)
		near, far = append(near, a), append(far, b)
	}
	return near, far
}

func TestWhatCameInTimeIsReadByALoopThatIsLate(t *testing.T) {
	const limit = 50 * time.Millisecond
	looptest.Run(t, func(l *loop.Loop) {
		near, far := manyConns(t, l)
		done, failed := 0, 0
		deadline := l.Clock() + int64(limit)
		for _, c := range near {
			l.Go(loop.TaskFunc(func() {
				c.SetReadDeadlineAt(deadline)
				if _, err := c.Read(make([]byte, 1)); err != nil {
					failed++
				}
				done++
			}))
		}
		l.Yield()
		holdUp(far, limit)
		for done < moreThanATurn {
			l.Yield()
		}
		if failed > 0 {
			t.Errorf("%d of %d reads failed whose bytes had come in time", failed, done)
		}
		closeAll(near)
		closeAll(far)
	})
}

// And whoever makes nothing of what has come hears later that the time is over.
func TestWhatCameInTimeIsToldBeforeTheEndOfTheTime(t *testing.T) {
	const limit = 50 * time.Millisecond
	looptest.Run(t, func(l *loop.Loop) {
		near, far := manyConns(t, l)
		var watchers [moreThanATurn]events
		for i, c := range near {
			c.SetWatcher(&watchers[i])
			c.SetIdleTimeout(limit)
		}
		holdUp(far, limit)
		for i := range watchers {
			w := &watchers[i]
			for !w.saw(loop.Expired) {
				l.Sleep(time.Millisecond)
			}
			if w.seen[0] != loop.Readable {
				t.Fatalf("connection %d: %v", i, w.seen)
			}
		}
		closeAll(near)
		closeAll(far)
	})
}

// On a connection that is flooded something has always come.
func TestTheTimeOfAFloodedConnectionComesToItsEnd(t *testing.T) {
	const limit = 20 * time.Millisecond
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		heard := make(map[loop.Event]int)
		near.SetWatcher(onEvent(func(c *loop.Conn, e loop.Event) {
			heard[e]++
			c.TryRead(make([]byte, 10))
			unix.Write(far.FD(), []byte("x")) // of which the loop has not been told when time is up
		}))
		near.SetIdleTimeout(limit)
		unix.Write(far.FD(), []byte("x"))
		for end := l.Clock() + int64(50*limit); heard[loop.Expired] == 0; l.Yield() {
			if l.Clock() > end {
				t.Fatalf("after %v: %v", 50*limit, heard)
			}
		}
		near.Close()
		far.Close()
	})
}

type onEvent func(*loop.Conn, loop.Event)

func (f onEvent) ConnEvent(c *loop.Conn, e loop.Event) { f(c, e) }
