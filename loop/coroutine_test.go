package loop_test

import (
	"errors"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

func TestTenThousandParkedCoroutinesAreWokenOrCanceled(t *testing.T) {
	const many = 10_000
	gone := errors.New("gone")
	looptest.Run(t, func(l *loop.Loop) {
		all := make([]*loop.Coroutine, many)
		results := map[error]int{}
		for i := range all {
			deadline := int64(0)
			switch i % 3 {
			case 1:
				deadline = l.Now() + int64(time.Hour)
			case 2:
				deadline = l.Now() + int64(20*time.Millisecond)
			}
			all[i] = l.Go(loop.TaskFunc(func() { results[l.ParkUntil(deadline)]++ }))
		}
		l.Yield()
		for i, co := range all {
			switch i % 3 {
			case 0:
				co.Wake()
			case 1:
				co.Cancel(gone)
				co.Wake() // too late to matter
			}
		}
		for l.Stats().Coroutines > 1 {
			l.Sleep(10 * time.Millisecond)
		}
		if results[nil] != 3334 || results[gone] != 3333 || results[os.ErrDeadlineExceeded] != 3333 {
			t.Errorf("woken, canceled, expired: %v", results)
		}
		if pooled := l.Stats().Pooled; pooled > 1024 {
			t.Errorf("%d coroutines are kept after the rush", pooled)
		}
	})
}

func TestCanceledCoroutineParksNoMore(t *testing.T) {
	gone, late := errors.New("gone"), errors.New("late")
	looptest.Run(t, func(l *loop.Loop) {
		var errs []error
		co := l.Go(loop.TaskFunc(func() {
			errs = append(errs, l.Park(), l.Park(), l.Sleep(time.Hour), l.Current().Canceled())
		}))
		l.Yield()
		co.Cancel(gone)
		co.Cancel(late)
		l.Yield()
		for _, err := range errs {
			if err != gone {
				t.Errorf("want the first error each time, got %v", errs)
				break
			}
		}
		if len(errs) != 4 {
			t.Error("it is still parked")
		}
		// The next task on the same coroutine knows nothing of that.
		l.Go(loop.TaskFunc(func() { errs = []error{l.Sleep(time.Millisecond)} }))
		for len(errs) != 1 {
			l.Yield()
		}
		if errs[0] != nil {
			t.Errorf("the next task was canceled: %v", errs[0])
		}
	})
}

func TestCancelBeforeTheFirstRunReachesTheFirstPark(t *testing.T) {
	gone := errors.New("gone")
	looptest.Run(t, func(l *loop.Loop) {
		var err error
		l.Go(loop.TaskFunc(func() { err = l.Park() })).Cancel(gone)
		l.Yield()
		if err != gone {
			t.Errorf("got %v", err)
		}
	})
}

func TestSleepIsNotCutShortByWake(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		begin, awake := l.Now(), int64(0)
		co := l.Go(loop.TaskFunc(func() { l.Sleep(30 * time.Millisecond); awake = l.Now() }))
		for awake == 0 {
			co.Wake()
			l.Yield()
		}
		if d := time.Duration(awake - begin); d < 30*time.Millisecond {
			t.Errorf("slept %v", d)
		}
	})
}

func TestReadinessGoesBeforeATimerThatIsDueInTheSameTurn(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		defer near.Close()
		defer far.Close()
		var n int
		var err error
		ended := false
		l.Go(loop.TaskFunc(func() {
			near.SetReadDeadlineAt(l.Now() + int64(20*time.Millisecond))
			n, err = near.Read(make([]byte, 10))
			ended = true
		}))
		l.Yield()
		far.Write([]byte("in time"))
		for begin := l.Clock(); l.Clock() < begin+int64(40*time.Millisecond); {
			// The loop is held up until both are due.
		}
		for !ended {
			l.Yield()
		}
		if n != len("in time") || err != nil {
			t.Errorf("read %d bytes, %v", n, err)
		}
	})
}

func TestPanicInATaskEndsThatTaskAlone(t *testing.T) {
	panics := make(chan string, 10)
	l := looptest.Start(t, loop.Options{OnPanic: func(value any, stack []byte) {
		panics <- value.(string) + string(stack)
	}})
	looptest.Do(t, l, func() {
		l.Go(loop.TaskFunc(func() {
			defer l.Yield() // a deferred function may park
			panicHere("in a task")
		}))
		l.Sleep(time.Millisecond)
		if s := l.Stats(); s.Panics != 1 || s.Coroutines != 1 {
			t.Errorf("%d panics, %d coroutines", s.Panics, s.Coroutines)
		}
	})
	if p := <-panics; !strings.HasPrefix(p, "in a task") || !strings.Contains(p, "panicHere") {
		t.Errorf("reported: %s", p)
	}
}

//go:noinline
func panicHere(value string) { panic(value) }

func TestPanicInAwaitIsOneInTheCoroutineWithItsOwnStack(t *testing.T) {
	panics := make(chan string, 10)
	l := looptest.Start(t, loop.Options{OnPanic: func(value any, stack []byte) {
		panics <- value.(string) + string(stack)
	}})
	reached := false
	looptest.Do(t, l, func() {
		l.Go(loop.TaskFunc(func() {
			l.Await(func() { panicHere("in await") })
			reached = true
		}))
		for l.Stats().Panics == 0 {
			l.Sleep(time.Millisecond)
		}
	})
	if p := <-panics; !strings.HasPrefix(p, "in await") || !strings.Contains(p, "panicHere") || reached {
		t.Errorf("reported: %s", p)
	}
}

func TestPanicsInCallbacksLeaveTheLoopRunning(t *testing.T) {
	var panics atomic.Int64
	l := looptest.Start(t, loop.Options{OnPanic: func(any, []byte) { panics.Add(1) }})
	l.Post(func() { panic("post") })
	timer := loop.Timer{Fire: func() { panic("timer") }}
	looptest.Do(t, l, func() {
		l.Arm(&timer, 0)
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		a, err := l.Accept(ln, func(*loop.Conn) { panic("accept") }, nil)
		if err != nil {
			t.Error(err)
			return
		}
		orphan, err := l.Dial(ln.Addr(), nil)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := orphan.Read(make([]byte, 1)); err == nil {
			t.Error("the connection that nobody looks after is still open")
		}
		orphan.Close()
		a.Close()

		for _, at := range []loop.Event{loop.Readable, loop.Hangup, loop.Expired} {
			near, far := looptest.Both(t, l)
			near.SetWatcher(panicAt(at))
			switch at {
			case loop.Readable:
				far.Write([]byte("x"))
			case loop.Hangup:
				far.CloseWrite()
			case loop.Expired:
				near.SetIdleTimeout(time.Millisecond)
			}
			far.SetReadDeadlineAt(l.Now() + int64(10*time.Second))
			if _, err := far.Read(make([]byte, 1)); err == nil || err == os.ErrDeadlineExceeded {
				t.Errorf("after a panic at event %d: %v, want the connection aborted", at, err)
			}
			far.Close()
		}
		if s := l.Stats(); s.Conns != 0 {
			t.Errorf("%d connections left", s.Conns)
		}
	})
	if n := panics.Load(); n != 6 {
		t.Errorf("%d panics reported, want 6", n)
	}
}

// panicAt is a watcher that panics at an event.
type panicAt loop.Event

func (p panicAt) ConnEvent(_ *loop.Conn, e loop.Event) {
	if e == loop.Event(p) {
		panic("watcher")
	}
}

func TestParkingInACallbackIsAMistakeThatPanics(t *testing.T) {
	panics := make(chan any, 1)
	l := looptest.Start(t, loop.Options{OnPanic: func(value any, _ []byte) { panics <- value }})
	l.Post(func() { l.Sleep(time.Second) })
	if p := <-panics; !strings.Contains(p.(string), "callback") {
		t.Errorf("got %v", p)
	}
}

func TestStartedTasksRunInOrderAndTheirOwnAfterThem(t *testing.T) {
	l := looptest.New(t)
	order := make(chan string, 10)
	l.Post(func() {
		l.Start(loop.TaskFunc(func() {
			order <- "task"
			l.Start(loop.TaskFunc(func() { order <- "nested" }))
			order <- "task goes on"
			l.Yield()
			order <- "task ends"
		}))
		l.Start(loop.TaskFunc(func() { order <- "second" }))
		order <- "callback goes on"
	})
	for _, want := range []string{"callback goes on", "task", "task goes on", "second", "task ends", "nested"} {
		if got := <-order; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Tasks share a stack until one of them parks, whether those before it have come to a
// good end or not.
func TestStartedTasksShareAStackUntilTheyPark(t *testing.T) {
	panics := 0
	l := looptest.Start(t, loop.Options{OnPanic: func(any, []byte) { panics++ }})
	stacks := map[string]string{}
	looptest.Do(t, l, func() {
		for name, then := range map[string]func(){"first": func() {}, "second": func() { panic("of a test") }, "third": func() {}} {
			l.Start(loop.TaskFunc(func() {
				stacks[name] = goroutine()
				then()
			}))
		}
		for _, name := range []string{"parks", "fourth"} {
			l.Start(loop.TaskFunc(func() {
				stacks[name] = goroutine()
				l.Sleep(time.Millisecond)
			}))
		}
		for l.Stats().Coroutines > 1 || len(stacks) < 5 {
			l.Sleep(time.Millisecond)
		}
	})
	for _, name := range []string{"second", "third", "parks"} {
		if stacks[name] != stacks["first"] {
			t.Errorf("the task %q ran on %s, the first on %s", name, stacks[name], stacks["first"])
		}
	}
	if stacks["fourth"] == stacks["first"] {
		t.Error("a task ran on the stack of one that was parked")
	}
	if panics != 1 {
		t.Errorf("%d panics were reported", panics)
	}
}

// goroutine returns the name of the calling goroutine in dumps of the stack.
func goroutine() string {
	name, _, _ := strings.Cut(string(debug.Stack()), " [")
	return name
}

func TestTaskThatWasStartedRunsOnALoopThatStops(t *testing.T) {
	l := looptest.New(t)
	told := make(chan error, 1)
	l.Post(func() {
		l.Stop()
		l.Start(loop.TaskFunc(func() {
			l.Start(loop.TaskFunc(func() { told <- l.Park() }))
		}))
	})
	if err := <-told; err != loop.ErrStopped {
		t.Errorf("its park has returned %v", err)
	}
}

func TestInterruptedCoroutineParksAgainWhenTheInterruptIsTakenBack(t *testing.T) {
	late, gone := errors.New("late"), errors.New("gone")
	looptest.Run(t, func(l *loop.Loop) {
		var errs []error
		co := l.Go(loop.TaskFunc(func() {
			errs = append(errs, l.Park(), l.Sleep(time.Hour))
			l.Current().Interrupt(nil)
			errs = append(errs, l.Sleep(1), l.Current().Canceled(), l.Park(), l.Park())
		}))
		l.Yield()
		co.Interrupt(late)
		l.Sleep(50 * time.Millisecond)
		co.Interrupt(late)
		co.Cancel(gone)
		l.Yield()
		want := []error{late, late, nil, nil, gone, gone}
		if !slices.Equal(errs, want) {
			t.Errorf("parks returned %v, want %v", errs, want)
		}
	})
}

// A coroutine that waits for others in spite of being canceled must not keep the
// loop busy: they may take their time.
func TestParkThroughWaitsForWakeThoughCanceled(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		turns, done := 0, false
		co := l.Go(loop.TaskFunc(func() {
			for !done {
				l.ParkThrough()
				turns++
			}
		}))
		l.Yield()
		co.Cancel(errors.New("gone"))
		for range 10 {
			l.Yield()
		}
		if turns != 1 {
			t.Errorf("Cancel has given it %d turns", turns)
		}
		done = true
		co.Wake()
		l.Yield()
		if turns != 2 {
			t.Errorf("Wake has given it %d turns", turns-1)
		}
	})
}
