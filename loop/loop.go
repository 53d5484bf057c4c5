// Package loop runs the proxy's sockets. A Loop is one goroutine that owns a
// poller (epoll or kqueue), its connections, timers, buffers and coroutines;
// what a loop owns needs no lock. A coroutine reads and writes as if it
// blocked: when a socket would block it parks, the loop serves others, and the
// coroutine is resumed when the socket is ready.
//
// A turn of the loop is: wait for events, deliver them (which resumes the
// coroutines parked on them), fire what is due, run what other goroutines posted and
// what became ready meanwhile, and send what has been written.
//
// Code that runs on a loop never blocks the goroutine it runs on: no channel,
// no lock held across a park, no blocking I/O. Whatever must block goes through
// Await. A Watchdog reports a loop that was held up, with the stack that did it.
//
// The package knows nothing of HTTP.
package loop

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Errors of this package that callers may compare with.
var (
	// ErrWouldBlock is returned by the Try methods where the others would park.
	ErrWouldBlock = errors.New("operation would block")
	// ErrStopped is what coroutines see when their loop ends under them.
	ErrStopped = errors.New("loop has stopped")
)

// Options are a loop's settings. The zero value is ready to use.
type Options struct {
	// ID numbers the loops of a process from 0; per-loop tables are indexed
	// by it.
	ID int
	// OnPanic is told of panics in coroutines and callbacks, on the loop.
	// nil: they are written to stderr.
	OnPanic func(value any, stack []byte)
}

// Loop owns an event poller and all that hangs on it. Methods are to be called
// on the loop (from its coroutines and callbacks) unless they say otherwise.
type Loop struct {
	// Constant after New.
	id      int
	onPanic func(value any, stack []byte)
	poller  poller
	started time.Time // origin of loop time

	// Owned by the loop.
	now         int64 // loop time as of the last look at the clock, ns
	wheel       wheel
	slots       slots
	ready       queue[*Coroutine] // to resume in this turn
	tasks       queue[Task]       // that have been started, to run in this turn
	taking      int               // how many of those runTasks has still to run
	free        *Coroutine        // pooled coroutines, linked
	leastPooled int               // how many have been pooled all the time since dropSurplus
	all         []*Coroutine
	current     *Coroutine // running now, nil in callbacks
	awaiting    int        // coroutines parked in Await
	dirty       []*Conn    // connections with corked output
	gathered    []*Conn    // those whose output waits for the end of the turn
	flushed     int64      // loop time at which it last left
	stalled     []*Conn    // those of which not all could leave, since then
	buffers     buffers
	outputs     []*output     // spare ones
	pipes       []*kernelPipe // spare ones of Splice, empty
	pipeRest    Timer         // until they are closed
	surplus     Timer         // until what is not needed is given back
	busy        bool          // events were there before the loop waited for them
	gaveWay     int64         // loop time of the last giveWay
	stopping    bool
	stats       Stats

	// Shared with other goroutines.
	mailbox  mailbox
	crew     crew
	progress progress
	done     chan struct{} // closed when Run returns
}

// Stats are counters of a loop, taken on the loop.
type Stats struct {
	Conns      int   // open connections
	Coroutines int   // coroutines that run a task
	Pooled     int   // coroutines waiting for one
	Buffers    int   // buffers handed out
	Panics     int64 // panics recovered since the start
}

// Stats returns the counters as of now.
func (l *Loop) Stats() Stats {
	s := l.stats
	s.Buffers = l.buffers.out
	return s
}

// New makes a loop. It uses descriptors until Run has returned; a loop that
// is never run is released by Close.
func New(o Options) (*Loop, error) {
	l := &Loop{
		id:      o.ID,
		onPanic: o.OnPanic,
		started: time.Now(),
		done:    make(chan struct{}),
	}
	if l.onPanic == nil {
		l.onPanic = printPanic
	}
	if err := l.poller.open(); err != nil {
		return nil, fmt.Errorf("open poller of loop %d: %w", o.ID, err)
	}
	l.now = 1
	l.pipeRest.Fire = l.closePipes
	l.surplus.Fire = l.dropSurplus
	l.wheel.init(l.now, l.fire)
	return l, nil
}

// ID returns the number given in Options.
func (l *Loop) ID() int { return l.id }

// Now returns the loop's time in nanoseconds since the loop was made, as of the
// last look at the clock, which is a few events or coroutines ago. It never goes back
// and costs nothing.
func (l *Loop) Now() int64 { return l.now }

// Clock reads the time anew, in the same scale as Now, for measuring within a
// turn.
func (l *Loop) Clock() int64 { return int64(time.Since(l.started)) }

// WallTime converts a loop time to the wall clock.
func (l *Loop) WallTime(ns int64) time.Time { return l.started.Add(time.Duration(ns)) }

// Current returns the coroutine that is running, or nil in a callback.
func (l *Loop) Current() *Coroutine { return l.current }

// Done returns a channel that is closed when Run has returned. It may be used
// from any goroutine.
func (l *Loop) Done() <-chan struct{} { return l.done }

// Stop ends the loop after the present turn: coroutines that are parked get
// ErrStopped, then and from every later park, so that they clean up without
// parking; connections are closed. It may be called from any goroutine, before
// Run too, and more than once.
func (l *Loop) Stop() { l.Post(func() { l.stopping = true }) }

// Run turns the loop on the calling goroutine until Stop.
func (l *Loop) Run() {
	defer close(l.done)
	goroutine := l.crew.join()
	defer l.crew.leave(goroutine)
	// Deferred, so that runtime.Goexit in a coroutine, which ends this
	// goroutine, leaves nothing open either.
	defer l.shutdown()
	for !l.stopping {
		l.turn()
	}
}

// turn waits for events and serves them, then sends the answers. Events come before
// timers: what has come in time is served even when the loop is late.
func (l *Loop) turn() {
	events := l.wait()
	l.now = l.Clock()
	l.flushed = l.now
	l.progress.turn()
	for i := range events {
		e := &events[i]
		if tenant := l.slots.lookup(e.key()); tenant != nil {
			tenant.deliver(e.bits())
		}
		if i%batch == batch-1 {
			l.runTasks()
		}
		l.between(i + 1)
	}
	l.runTasks()
	l.wheel.advance(l.now)
	if l.mailbox.pending() {
		l.mailbox.run(l)
	}
	l.runReady()
	l.flushGathered()
}

// wait collects events. It waits for the first only when there is nothing to
// do. Where events are likely to be there it tries without waiting first: that
// costs less than a system call that the Go scheduler is told of, but would be
// one too many where the loop has to wait anyway.
func (l *Loop) wait() []event {
	if l.ready.len() > 0 || l.tasks.len() > 0 || l.mailbox.pending() {
		return l.poller.poll()
	}
	if l.busy {
		if events := l.poller.poll(); len(events) > 0 {
			return events
		}
	}
	l.giveWay()
	began := l.Clock()
	events := l.sleep(l.wheel.timeout(began))
	l.busy = len(events) > 1 || len(events) == 1 && l.Clock()-began < int64(atOnce)
	return events
}

// giveWay shows the Go scheduler, now and then, that this goroutine does not
// keep its processor. Switching between coroutines does not count for that, so
// that the scheduler's monitor would find, every 10 ms, a goroutine to be driven
// from its processor: it takes that away in the next wait, and then looks every
// 20 µs for a while whether there is another. That took a tenth of a proxy's
// processor time.
func (l *Loop) giveWay() {
	if l.now-l.gaveWay >= int64(ownTime) {
		l.gaveWay = l.now
		runtime.Gosched()
	}
}

// ownTime is less than the 10 ms after which the Go scheduler looks for whom it
// could drive away.
const ownTime = 8 * time.Millisecond

// atOnce is how long a wait takes at most that finds its event there already.
const atOnce = 2 * time.Microsecond

// sleep waits for events up to timeout (negative: for ever), or until somebody
// posts.
func (l *Loop) sleep(timeout time.Duration) []event {
	if !l.mailbox.sleep() {
		return l.poller.poll()
	}
	l.progress.sleep()
	events := l.poller.wait(timeout)
	l.progress.awake()
	l.mailbox.awake()
	return events
}

// runReady runs the tasks and resumes the coroutines that were ready when the turn's
// events had been delivered. Those that become ready meanwhile wait for the next
// turn, so that two coroutines waking each other do not shut out the sockets.
func (l *Loop) runReady() {
	l.runTasks()
	if l.ready.len() > 0 {
		// Mostly those are ready that have used up their share of the last turn.
		l.flushGathered()
	}
	for left := l.ready.len(); left > 0; {
		l.resume(l.ready.pop())
		left--
		l.between(left)
	}
}

// shutdown ends everything that lives on the loop.
func (l *Loop) shutdown() {
	l.stopping = true
	l.current = nil
	l.slots.closeAcceptors()
	l.unwind()
	l.mailbox.close(l) // before what is open is closed: a post may open more
	l.slots.closeAll()
	for _, co := range l.all {
		// One that did not end when it was told to stays parked for ever:
		// stopping it would run its deferred functions, which may park again.
		if !co.busy {
			co.stop()
		}
	}
	l.closePipes()
	l.poller.close()
}

// stopGrace is how long a stopping loop lets its coroutines clean up before it
// drops them.
const stopGrace = 5 * time.Second

// unwind cancels all coroutines and runs them until each has come to its end,
// or is where it cannot be reached.
func (l *Loop) unwind() {
	deadline := l.Clock() + int64(stopGrace)
	for _, co := range l.all {
		co.Cancel(ErrStopped)
	}
	for l.stats.Coroutines+l.tasks.len() > 0 && l.Clock() < deadline {
		if l.ready.len() == 0 && l.tasks.len() == 0 && !l.mailbox.pending() {
			if l.awaiting == 0 {
				return
			}
			l.sleep(time.Duration(deadline - l.Clock()))
		}
		l.mailbox.run(l)
		l.runReady()
		l.flushGathered()
	}
}

// Close releases a loop that was never run.
func (l *Loop) Close() {
	l.shutdown()
	close(l.done)
}
