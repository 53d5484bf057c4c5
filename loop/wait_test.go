package loop

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// A try before the wait is a system call too many for a loop that has to wait
// for each event, as one does that serves few connections.
func TestOnlyALoopThatFindsEventsTriesBeforeItWaits(t *testing.T) {
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.busy = true
	go func() {
		for !l.Waits() {
			time.Sleep(time.Millisecond) // sleep: until the loop has got there
		}
		time.Sleep(time.Millisecond) // sleep: the wait is to have taken its time
		l.Post(func() {})
	}()
	l.turn()
	if l.busy {
		t.Error("it waited for its event and would try before the next wait")
	}
	l.poller.wake()
	l.turn()
	for range 1000 { // as often as others hold the processor in between
		if l.busy {
			return
		}
		l.poller.wake()
		l.turn()
	}
	t.Error("its events were there and it would wait for the next without a try")
}

// With one processor another goroutine runs only when the loop lets it: this one
// does not wait, since its event is there.
func TestALoopGivesWayToGoroutinesBeforeItWaits(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var ran atomic.Bool
	go ran.Store(true)
	// Now and then the scheduler goes on with the one that has given way.
	for range 3 {
		l.now, l.gaveWay, l.busy = int64(ownTime), 0, false
		l.poller.wake()
		l.turn()
	}
	if !ran.Load() {
		t.Error("no other goroutine has run")
	}
}
