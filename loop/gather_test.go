package loop_test

import (
	"io"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

func TestGatheredOutputOfATurnLeavesTogether(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		near.Gather()
		pending := 0
		for range 10 {
			l.Go(loop.TaskFunc(func() {
				near.Append([]byte("0123456789"))
				pending = max(pending, near.Pending())
			}))
		}
		for near.Pending() > 0 || pending == 0 {
			l.Yield()
		}
		if pending != 100 {
			t.Errorf("%d bytes of 100 were pending at a time", pending)
		}
		got := make([]byte, 100)
		var err error
		l.Await(func() { _, err = io.ReadFull(far, got) })
		if err != nil {
			t.Error(err)
		}
		near.Close()
	})
}

// What a turn's first event has made the loop write to a connection still waits
// for the end of the turn when a later event is about that connection.
func TestGatheredOutputIsNotSentByAnEventOfItsConnection(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		first, firstFar := looptest.Both(t, l)
		second, secondFar := looptest.Both(t, l)
		second.Gather()
		l.Yield()
		pending := 0
		first.SetWatcher(onReadable(func() { second.Append([]byte("one, ")) }))
		second.SetWatcher(onReadable(func() {
			second.Append([]byte("two"))
			pending = second.Pending()
		}))
		firstFar.Write([]byte("x"))
		secondFar.Write([]byte("x"))
		for pending == 0 {
			l.Yield()
		}
		if pending != len("one, two") {
			t.Errorf("%d bytes were pending, want those of both events", pending)
		}
		for _, c := range []*loop.Conn{first, firstFar, second, secondFar} {
			c.Close()
		}
	})
}

func TestMuchGatheredOutputDoesNotWaitForTheTurn(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, _ := looptest.Pair(t, l)
		near.Gather()
		left := -1
		l.Go(loop.TaskFunc(func() {
			near.Append(make([]byte, 10))
			near.Append(make([]byte, 16<<10))
		}))
		l.Go(loop.TaskFunc(func() { left = near.Pending() }))
		for left < 0 {
			l.Yield()
		}
		if left != 0 {
			t.Errorf("%d bytes wait for the end of the turn", left)
		}
		near.Close()
	})
}

func TestGatheredOutputLeavesWithALoopThatStops(t *testing.T) {
	l := looptest.New(t)
	var far io.Reader
	looptest.Do(t, l, func() {
		near, other := looptest.Pair(t, l)
		near.Gather()
		far = other
		near.Append([]byte("the last words"))
		l.Stop()
	})
	if got, err := io.ReadAll(far); string(got) != "the last words" {
		t.Errorf("%q came, %v", got, err)
	}
}

// Of many connections the first need not wait for what all the others write.
func TestOutputOfManyConnectionsDoesNotWaitForTheTurn(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		const many = 80
		var conns []*loop.Conn
		most := 0
		for range many {
			near, far := looptest.Both(t, l)
			near.Gather()
			conns = append(conns, near, far)
		}
		written := 0
		for i := range many {
			l.Go(loop.TaskFunc(func() {
				conns[2*i].Append([]byte("x"))
				written++
				waiting := 0
				for _, c := range conns {
					if c.Pending() > 0 {
						waiting++
					}
				}
				most = max(most, waiting)
			}))
		}
		for written < many {
			l.Yield()
		}
		if most < 2 || most > many/2 {
			t.Errorf("the output of %d connections of %d has waited at a time", most, many)
		}
		closeAll(conns)
	})
}

// Tasks that move nothing may take long all the same.
func TestGatheredOutputDoesNotWaitForTasksThatTakeLong(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, _ := looptest.Pair(t, l)
		near.Gather()
		const many, few = 12, 5
		waited, ran := 0, 0
		for i := range many {
			l.Start(loop.TaskFunc(func() {
				if i == 0 {
					near.Append([]byte("x"))
				} else if near.Pending() > 0 {
					waited++
				}
				for began := l.Clock(); l.Clock()-began < int64(time.Millisecond); {
				}
				ran++
			}))
		}
		for ran < many {
			l.Yield()
		}
		if waited > few {
			t.Errorf("what the first task has written waits for %d others", waited)
		}
		near.Close()
	})
}

func closeAll(conns []*loop.Conn) {
	for _, c := range conns {
		c.Close()
	}
}
