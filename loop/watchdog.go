package loop

import (
	"bytes"
	"runtime"
	"time"
)

// Stall is a loop that has not turned for too long: something on it blocks the
// goroutine or computes without end, and all its connections wait.
type Stall struct {
	Loop *Loop
	// For is how long it had stood still when the stack was taken, to the
	// precision of the watchdog's checks. It goes on.
	For time.Duration
	// Stack is that of the goroutine that holds the loop, in the runtime's
	// form. If the loop went on just then, it shows where it has come to. nil
	// if the process has so many goroutines that it was not found.
	Stack []byte
}

// Watchdog is a goroutine that looks at loops from time to time and reports
// those that stand still. It counts its own checks rather than read a clock: a
// process that was stopped as a whole has no stall. While all loops wait it
// rests, so that a proxy that nobody uses takes no processor time.
type Watchdog struct {
	report  func(Stall)
	period  time.Duration // between two checks
	watched []watched
	quiet   int // checks since which no loop has had anything to do
	wake    chan struct{}
	stop    chan struct{}
	stopped chan struct{}
}

// watched is what the watchdog knows of a loop.
type watched struct {
	loop     *Loop
	progress uint64 // as of the last check
	still    int    // checks since that found no progress
}

// stallChecks is how many checks in a row must find no progress.
const stallChecks = 4

// stallLimit is how long a loop may stand still unless told otherwise.
const stallLimit = 100 * time.Millisecond

// Watch starts a watchdog over loops. When one has not turned for limit (0:
// 100 ms) while it had something to do, report is called, once per stall, on
// the watchdog's goroutine. Taking the stack stops the process for a moment,
// the longer the more goroutines it has.
func Watch(limit time.Duration, report func(Stall), loops ...*Loop) *Watchdog {
	if limit <= 0 {
		limit = stallLimit
	}
	w := &Watchdog{
		report:  report,
		period:  limit / stallChecks,
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
	}
	for _, l := range loops {
		w.watched = append(w.watched, watched{loop: l})
	}
	go w.run()
	return w
}

// Stop ends the watchdog and returns when it has ended. It must not be called
// by report.
func (w *Watchdog) Stop() {
	close(w.stop)
	<-w.stopped
}

func (w *Watchdog) run() {
	defer close(w.stopped)
	ticker := time.NewTicker(w.period)
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
			if w.check(); w.quiet >= quietChecks {
				ticker.Stop()
				w.rest()
				ticker.Reset(w.period)
			}
		}
	}
}

// check looks at each loop once.
func (w *Watchdog) check() {
	w.quiet++
	for i := range w.watched {
		c := &w.watched[i]
		if n, waiting := c.loop.progress.read(); (!waiting || n != c.progress) && !c.loop.ended() {
			w.quiet = 0
		}
		if c.stalled() {
			w.report(Stall{c.loop, stallChecks * w.period, c.loop.holder()})
		}
	}
}

// quietChecks is how many checks in a row must find that no loop has had
// anything to do before the watchdog rests.
const quietChecks = 20

// rest waits until a loop has something to do, or Stop is called.
func (w *Watchdog) rest() {
	w.quiet = 0
	defer func() {
		for i := range w.watched {
			w.watched[i].loop.progress.resting.CompareAndSwap(w, nil)
		}
	}()
	for i := range w.watched {
		c := &w.watched[i]
		if !c.loop.progress.resting.CompareAndSwap(nil, w) {
			return // another watchdog has the place
		}
		// It may have woken before it could know.
		if _, waiting := c.loop.progress.read(); !waiting && !c.loop.ended() {
			return
		}
	}
	select {
	case <-w.stop:
	case <-w.wake:
	}
}

// rouse ends rest. It may be called from any goroutine.
func (w *Watchdog) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// stalled reports, once per stall, that the loop has not turned for the number
// of checks. One that has not begun to run has nothing to do.
func (c *watched) stalled() bool {
	n, idle := c.loop.progress.read()
	if idle || n == 0 || n != c.progress || c.loop.ended() {
		c.progress, c.still = n, 0
		return false
	}
	c.still++
	return c.still == stallChecks
}

// ended reports whether Run has returned; a loop that ended is still for ever.
// It may be called from any goroutine.
func (l *Loop) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// maxDump bounds the memory that a dump of all goroutines takes: enough for
// some twenty thousand coroutines that serve exchanges.
const maxDump = 64 << 20

// holder returns the stack of the goroutine that holds the loop: of those that
// its work runs on, the one that has not been switched away from.
func (l *Loop) holder() []byte {
	for _, stack := range bytes.Split(dumpAll(), []byte("\n\n")) {
		id, state := parseGoroutine(stack)
		if string(state) != "coroutine" && l.crew.has(id) {
			return stack
		}
	}
	return nil
}

// dumpAll returns the stacks of all goroutines.
func dumpAll() []byte {
	for size := 1 << 20; ; size *= 4 {
		dump := make([]byte, size)
		if n := runtime.Stack(dump, true); n < size || size >= maxDump {
			return dump[:n]
		}
	}
}
