package loop_test

import (
	"testing"
	"time"
	"unsafe"

	"pingap/loop"
	"pingap/loop/looptest"
)

// Ten thousand idle connections are a common sight. Each costs this, a slot of
// its loop, and what the protocol above keeps.
func TestConnStaysSmall(t *testing.T) {
	if size := unsafe.Sizeof(loop.Conn{}); size > 160 {
		t.Errorf("a Conn takes %d bytes, beyond the 160 of its size class", size)
	}
}

// withoutAllocation checks that f, called in a coroutine of l, allocates
// nothing once things are warm.
func withoutAllocation(t *testing.T, l *loop.Loop, what string, f func()) {
	t.Helper()
	for range 100 {
		f()
	}
	if n := testing.AllocsPerRun(1000, f); n != 0 {
		t.Errorf("%s allocates %v times", what, n)
	}
}

func TestReadParkAndWriteDoNotAllocate(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		l.Go(&echo{far})
		head, body, answer := make([]byte, 100), make([]byte, 200), make([]byte, 1000)
		withoutAllocation(t, l, "a round trip", func() {
			near.SetReadDeadlineAt(l.Now() + int64(time.Minute))
			near.SetIdleTimeout(time.Minute)
			near.Append(head)
			near.Writev(body, head)
			for read := 0; read < len(body)+2*len(head); {
				n, err := near.Read(answer)
				if err != nil {
					t.Error(err)
					return
				}
				read += n
			}
		})
		near.Close()
	})
}

func TestTimersDoNotAllocate(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		timer := loop.Timer{Fire: func() {}}
		withoutAllocation(t, l, "arming and disarming", func() {
			l.Arm(&timer, time.Minute)
			l.Arm(&timer, time.Second)
			l.Disarm(&timer)
		})
		for range 3 {
			l.Sleep(time.Millisecond)
		}
		if n := testing.AllocsPerRun(50, func() { l.Sleep(time.Millisecond) }); n != 0 {
			t.Errorf("a timer that fires allocates %v times", n)
		}
	})
}

// counter is a task that is started often.
type counter struct{ ran int }

func (c *counter) Run() { c.ran++ }

func TestStartingATaskDoesNotAllocate(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		task := &counter{}
		started := 0
		withoutAllocation(t, l, "a coroutine", func() {
			l.Go(task)
			started++
			l.Yield()
		})
		if task.ran != started {
			t.Errorf("started %d times, ran %d times", started, task.ran)
		}
	})
}

func TestBuffersAreUsedAgain(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		withoutAllocation(t, l, "a buffer", func() {
			for _, n := range []int{1, 5000, 20000, 100_000} {
				l.Release(l.Buffer(n))
			}
		})
	})
}
