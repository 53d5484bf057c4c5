package loop

import (
	"fmt"
	"iter"
	"os"
	"runtime/debug"
	"time"
)

// Task is what a coroutine runs. Types that are started often implement it
// themselves, so that starting one does not allocate.
type Task interface {
	// Run is called in the coroutine.
	Run()
}

// TaskFunc is a function as a Task.
type TaskFunc func()

// Run calls f.
func (f TaskFunc) Run() { f() }

// Coroutine is a stack that runs one Task at a time, in turns with the others
// of its loop. It is kept, stack included, for the next task.
type Coroutine struct {
	loop  *Loop
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool

	task     Task
	nextFree *Coroutine
	busy     bool  // runs a task
	parked   bool  // waits for Wake, Cancel or its timer
	expired  bool  // the timer ended the last park
	canceled error // what every park returns from now on
	moved    int   // bytes moved since it was resumed
	timer    Timer
}

// Go starts a coroutine that runs t. It first runs when the present one parks,
// in this turn or the next.
func (l *Loop) Go(t Task) *Coroutine {
	co := l.free
	if co == nil {
		co = l.newCoroutine()
	} else {
		l.free = co.nextFree
		co.nextFree = nil
		l.stats.Pooled--
	}
	co.task = t
	co.busy = true
	co.canceled = nil
	l.stats.Coroutines++
	if l.stopping {
		co.canceled = ErrStopped
	}
	l.enqueue(co)
	return co
}

// Start is Go for callbacks such as ConnEvent: the coroutine runs at once, up
// to its first park, which saves the queue.
func (l *Loop) Start(t Task) {
	co := l.Go(t)
	if l.current == nil {
		l.ready.dropLast()
		l.resume(co)
	}
}

func (l *Loop) newCoroutine() *Coroutine {
	co := &Coroutine{loop: l}
	co.timer.Fire = co.expire
	co.next, co.stop = iter.Pull(co.main)
	l.all = append(l.all, co)
	return co
}

// main is the life of a coroutine: run a task, go back to the pool, yield.
func (co *Coroutine) main(yield func(struct{}) bool) {
	co.yield = yield
	for {
		co.runTask()
		co.loop.recycle(co)
		if !yield(struct{}{}) {
			return
		}
	}
}

// runTask runs the task and keeps a panic from going further.
func (co *Coroutine) runTask() {
	defer func() {
		if r := recover(); r != nil {
			co.loop.panicked(r)
		}
	}()
	co.task.Run()
}

func (l *Loop) panicked(value any) {
	l.stats.Panics++
	l.onPanic(value, debug.Stack())
}

func printPanic(value any, stack []byte) {
	fmt.Fprintf(os.Stderr, "panic on a loop: %v\n%s", value, stack)
}

func (l *Loop) recycle(co *Coroutine) {
	co.task = nil
	co.busy = false
	co.canceled = nil
	l.Disarm(&co.timer)
	l.stats.Coroutines--
	if l.stopping {
		return
	}
	l.stats.Pooled++
	co.nextFree = l.free
	l.free = co
}

// resume runs co until it parks or its task ends, then sends what it wrote.
func (l *Loop) resume(co *Coroutine) {
	co.moved = 0
	l.current = co
	co.next()
	l.current = nil
	if len(l.dirty) > 0 {
		l.flushDirty()
	}
}

func (l *Loop) enqueue(co *Coroutine) { l.ready.push(co) }

// discard ends a coroutine that is parked or pooled, for good.
func (co *Coroutine) discard() {
	if co.busy {
		// Its task did not end when it was told to; unwinding it would run
		// its deferred functions, which may park again. It stays parked.
		return
	}
	co.stop()
}

// Park suspends the running coroutine until Wake. It returns the error given
// to Cancel, if any, at once from then on.
func (l *Loop) Park() error { return l.ParkUntil(0) }

// ParkUntil is Park with an end: it returns os.ErrDeadlineExceeded when the
// loop's time has passed deadline (ns, 0 for none).
func (l *Loop) ParkUntil(deadline int64) error {
	co := l.current
	if co == nil {
		panic("loop: parking outside a coroutine")
	}
	if co.canceled != nil {
		return co.canceled
	}
	if deadline != 0 {
		if deadline <= l.now {
			return os.ErrDeadlineExceeded
		}
		l.armAt(&co.timer, deadline)
	}
	co.expired = false
	co.parked = true
	co.yield(struct{}{})
	co.parked = false
	if deadline != 0 {
		l.Disarm(&co.timer)
	}
	switch {
	case co.canceled != nil:
		return co.canceled
	case co.expired:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// parkFirmly is ParkUntil(0) that not even Cancel ends, for waits whose other
// side still holds memory of the coroutine.
func (co *Coroutine) parkFirmly(done *bool) {
	for !*done {
		co.parked = true
		co.yield(struct{}{})
		co.parked = false
	}
}

// Wake makes a parked coroutine ready; it does nothing to one that is not
// parked.
func (co *Coroutine) Wake() {
	if co.parked {
		co.parked = false
		co.loop.enqueue(co)
	}
}

// wakeNow is Wake for event delivery: outside coroutines the coroutine is
// resumed on the spot, which saves the queue.
func (co *Coroutine) wakeNow() {
	if !co.parked {
		return
	}
	co.parked = false
	if co.loop.current == nil {
		co.loop.resume(co)
		return
	}
	co.loop.enqueue(co)
}

// Cancel makes the park that the coroutine is in, and every later one, return
// err until its task ends. The first err stays.
func (co *Coroutine) Cancel(err error) {
	if !co.busy || co.canceled != nil {
		return
	}
	co.canceled = err
	co.Wake()
}

// Canceled returns the error given to Cancel, or nil.
func (co *Coroutine) Canceled() error { return co.canceled }

// expire is the timer of a park.
func (co *Coroutine) expire() {
	if co.parked {
		co.expired = true
		co.Wake()
	}
}

// Sleep parks the running coroutine for d.
func (l *Loop) Sleep(d time.Duration) error {
	err := l.ParkUntil(l.now + max(int64(d), 1))
	if err == os.ErrDeadlineExceeded {
		return nil
	}
	return err
}

// Yield lets the other ready coroutines and sockets have a turn.
func (l *Loop) Yield() {
	co := l.current
	l.enqueue(co)
	co.yield(struct{}{})
}

// fairShare is how many bytes a coroutine may move before others get a turn:
// a few large reads, so that one fast transfer does not starve a loop.
const fairShare = 1 << 20

// spend counts n moved bytes against the running coroutine's share.
func (l *Loop) spend(n int) {
	co := l.current
	if co == nil {
		return
	}
	if co.moved += n; co.moved >= fairShare {
		l.Yield()
	}
}

// Await runs fn on an ordinary goroutine, where it may block, and parks until
// it has returned. It is not ended by Cancel, since fn may use what belongs to
// the coroutine. A panic in fn is one in the coroutine.
func (l *Loop) Await(fn func()) {
	co := l.current
	var (
		done     bool
		panicked any
	)
	go func() {
		defer func() {
			panicked = recover()
			l.Post(func() {
				done = true
				co.Wake()
			})
		}()
		fn()
	}()
	co.parkFirmly(&done)
	if panicked != nil {
		panic(panicked)
	}
}

// queue is a ring of coroutines.
type queue struct {
	ring       []*Coroutine // length a power of two
	head, tail uint         // tail-head elements
}

func (q *queue) len() int { return int(q.tail - q.head) }

func (q *queue) push(co *Coroutine) {
	if q.len() == len(q.ring) {
		q.grow()
	}
	q.ring[q.tail&uint(len(q.ring)-1)] = co
	q.tail++
}

func (q *queue) pop() *Coroutine {
	i := q.head & uint(len(q.ring)-1)
	co := q.ring[i]
	q.ring[i] = nil
	q.head++
	return co
}

// dropLast takes back the newest element.
func (q *queue) dropLast() {
	q.tail--
	q.ring[q.tail&uint(len(q.ring)-1)] = nil
}

func (q *queue) grow() {
	ring := make([]*Coroutine, max(64, 2*len(q.ring)))
	n := 0
	for q.len() > 0 {
		ring[n] = q.pop()
		n++
	}
	q.ring, q.head, q.tail = ring, 0, uint(n)
}
