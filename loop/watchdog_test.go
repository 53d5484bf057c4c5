package loop_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

// holdTheLoop is what the stack of a stall must name.
//
//go:noinline
func holdTheLoop(until <-chan loop.Stall) loop.Stall { return <-until }

func TestWatchdogReportsACoroutineThatBlocksItsLoop(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		// Others are parked meanwhile, and one that yields gets no turn.
		over := false
		for range 10 {
			l.Go(loop.TaskFunc(func() {
				for !over {
					l.Sleep(time.Millisecond)
				}
			}))
		}
		l.Sleep(2 * time.Millisecond)
		stalls := make(chan loop.Stall, 10)
		dog := loop.Watch(20*time.Millisecond, func(s loop.Stall) { stalls <- s }, l)
		stall := holdTheLoop(stalls)
		if stall.Loop != l || stall.For != 20*time.Millisecond {
			t.Errorf("reported loop %p for %v, want %p for 20ms", stall.Loop, stall.For, l)
		}
		if !bytes.Contains(stall.Stack, []byte("holdTheLoop")) {
			t.Errorf("the stack does not name what held the loop:\n%s", stall.Stack)
		}
		over = true
		l.Await(dog.Stop)
	})
}

func TestWatchdogReportsACallbackThatBlocksItsLoop(t *testing.T) {
	l := looptest.New(t)
	stalls := make(chan loop.Stall, 10)
	dog := loop.Watch(20*time.Millisecond, func(s loop.Stall) { stalls <- s }, l)
	defer dog.Stop()
	seen := make(chan loop.Stall)
	l.Post(func() {
		stall := holdTheLoop(stalls)
		go func() { seen <- stall }()
	})
	if stall := <-seen; !bytes.Contains(stall.Stack, []byte("holdTheLoop")) {
		t.Errorf("the stack does not name what held the loop:\n%s", stall.Stack)
	}
}

// Each parked coroutine is a goroutine in the dump that the stack is looked for
// in, and the one that holds the loop may be the last.
func TestWatchdogFindsWhatHoldsALoopAmongThousandsOfCoroutines(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		over := errors.New("over")
		parked := make([]*loop.Coroutine, 5000)
		for i := range parked {
			parked[i] = l.Go(loop.TaskFunc(func() { l.Park() }))
		}
		l.Yield()
		stalls := make(chan loop.Stall, 10)
		dog := loop.Watch(20*time.Millisecond, func(s loop.Stall) { stalls <- s }, l)
		var stall loop.Stall
		l.Go(loop.TaskFunc(func() { stall = holdTheLoop(stalls) }))
		l.Yield()
		if !bytes.Contains(stall.Stack, []byte("holdTheLoop")) {
			t.Errorf("the stack does not name what held the loop:\n%s", stall.Stack)
		}
		l.Await(dog.Stop)
		for _, co := range parked {
			co.Cancel(over)
		}
	})
}

func TestWatchdogLimitIsATenthOfASecondUnlessToldOtherwise(t *testing.T) {
	l := looptest.New(t)
	stalls := make(chan loop.Stall, 10)
	dog := loop.Watch(0, func(s loop.Stall) { stalls <- s }, l)
	defer dog.Stop()
	seen := make(chan loop.Stall, 1)
	l.Post(func() { seen <- holdTheLoop(stalls) })
	if stall := <-seen; stall.For != 100*time.Millisecond {
		t.Errorf("reported after %v", stall.For)
	}
}

func TestWatchdogReportsAStallOnce(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		reports := 0
		dog := loop.NewWatchdog(func(loop.Stall) { reports++ }, l)
		for range 20 {
			dog.Check()
		}
		if reports != 1 {
			t.Errorf("%d reports of one stall", reports)
		}
		l.Yield()
		for range 20 {
			dog.Check()
		}
		if reports != 2 {
			t.Errorf("%d reports of two stalls", reports)
		}
	})
}

func TestWatchdogLeavesALoopAloneThatHasNotBegun(t *testing.T) {
	l, err := loop.New(loop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dog := loop.NewWatchdog(func(s loop.Stall) { t.Error("reported a stall") }, l)
	for range 20 {
		dog.Check()
	}
}

func TestWatchdogLeavesALoopAloneThatWaitsOrHasEnded(t *testing.T) {
	l := looptest.New(t)
	dog := loop.NewWatchdog(func(s loop.Stall) { t.Errorf("reported:\n%s", s.Stack) }, l)
	looptest.Do(t, l, func() {})
	for !l.Waits() {
		time.Sleep(time.Millisecond) // sleep: until the loop has got there
	}
	for range 20 {
		dog.Check()
	}
	l.Stop()
	<-l.Done()
	for range 20 {
		dog.Check()
	}
}

func TestWatchdogRestsWhileNothingHappensAndWakesForAStall(t *testing.T) {
	l := looptest.New(t)
	stalls := make(chan loop.Stall, 10)
	dog := loop.Watch(20*time.Millisecond, func(s loop.Stall) { stalls <- s }, l)
	defer dog.Stop()
	for range 3 {
		for !l.Unwatched() {
			time.Sleep(time.Millisecond) // sleep: until the watchdog has got there
		}
		seen := make(chan loop.Stall)
		l.Post(func() {
			stall := holdTheLoop(stalls)
			go func() { seen <- stall }()
		})
		if stall := <-seen; !bytes.Contains(stall.Stack, []byte("holdTheLoop")) {
			t.Errorf("the stack does not name what held the loop:\n%s", stall.Stack)
		}
	}
}
