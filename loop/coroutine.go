package loop

import (
	"fmt"
	"iter"
	"math"
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
// of its loop. It is kept, stack included, for the next task: a reference to it
// is worth nothing once its task has ended.
type Coroutine struct {
	loop      *Loop
	next      func() (struct{}, bool)
	stop      func()
	yield     func(struct{}) bool
	index     int    // in the loop's list of all
	goroutine uint64 // the number that the runtime prints in stack dumps

	task        Task
	nextFree    *Coroutine
	busy        bool  // runs a task
	parked      bool  // waits for Wake, Cancel or its timer
	expired     bool  // the timer ended the last park
	canceled    error // what every park returns from now on
	interrupted error // the same while nothing has been canceled; see Interrupt
	moved       int   // bytes moved since it was resumed, or given a task
	timer       Timer
}

// keptCoroutines is how many coroutines wait for their next task at most,
// coroutinesAtRest how many when there is no need for more for a while.
const (
	keptCoroutines   = 1024
	coroutinesAtRest = 64
)

// Go starts a coroutine that runs t. It first runs when the present one parks,
// in this turn or the next.
func (l *Loop) Go(t Task) *Coroutine {
	co := l.coroutine(t)
	l.ready.push(co)
	return co
}

// Start is Go for whoever needs no reference to the coroutine: t runs before the
// turn ends, or in the next. Tasks that wait for their start run one after another
// on the same stack for as long as they do not park, which saves most of the
// switches between stacks.
func (l *Loop) Start(t Task) {
	l.mustBeHere()
	l.tasks.push(t)
}

// runTasks runs the tasks that have been started by now; those that they start wait,
// so that tasks cannot shut out the sockets.
func (l *Loop) runTasks() {
	for l.taking = l.tasks.len(); l.taking > 0; {
		l.taking--
		l.resume(l.coroutine(l.tasks.pop()))
		l.between(l.taking)
	}
}

// takeTask gives co, which has just ended a task for runTasks, the next one. It
// reports false when there is none.
func (l *Loop) takeTask(co *Coroutine) bool {
	if l.taking == 0 {
		return false
	}
	l.flushDirty()
	l.flushAfter(co)
	l.between(l.taking)
	l.taking--
	co.release()
	co.hold(l.tasks.pop())
	return true
}

// coroutine takes one from the pool, or makes it, for t.
func (l *Loop) coroutine(t Task) *Coroutine {
	l.mustBeHere()
	co := l.takePooled()
	if co == nil {
		co = l.newCoroutine()
	}
	co.hold(t)
	return co
}

// hold gives co the task t.
func (co *Coroutine) hold(t Task) {
	co.task = t
	co.busy = true
	co.moved = 0
	if co.loop.stopping {
		co.canceled = ErrStopped
	}
	co.loop.stats.Coroutines++
}

// release takes the task, which has ended, from co.
func (co *Coroutine) release() {
	co.task = nil
	co.busy = false
	co.canceled, co.interrupted = nil, nil
	co.loop.stats.Coroutines--
}

// takePooled takes a coroutine from the pool; it returns nil when there is none.
func (l *Loop) takePooled() *Coroutine {
	co := l.free
	if co != nil {
		l.free, co.nextFree = co.nextFree, nil
		l.stats.Pooled--
		l.leastPooled = min(l.leastPooled, l.stats.Pooled)
	}
	return co
}

func (l *Loop) newCoroutine() *Coroutine {
	co := &Coroutine{loop: l, index: len(l.all)}
	co.timer.Fire = co.expire
	co.next, co.stop = iter.Pull(co.main)
	l.all = append(l.all, co)
	return co
}

// main is the life of a coroutine: run a task, go back to the pool, yield.
func (co *Coroutine) main(yield func(struct{}) bool) {
	co.yield = yield
	co.goroutine = co.loop.crew.join()
	defer co.loop.crew.leave(co.goroutine)
	for {
		co.runTask()
		for co.loop.takeTask(co) {
			co.runTask()
		}
		if !co.loop.recycle(co) || !yield(struct{}{}) {
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

// panicked reports a panic that has just been recovered.
func (l *Loop) panicked(value any) {
	l.stats.Panics++
	stack := debug.Stack()
	if p, ok := value.(*awaitPanic); ok {
		value, stack = p.value, append(p.stack, stack...)
	}
	l.onPanic(value, stack)
}

func printPanic(value any, stack []byte) {
	fmt.Fprintf(os.Stderr, "panic on a loop: %v\n%s", value, stack)
}

// recycle puts co, whose task has ended, into the pool. It reports false when
// there are enough, and co is to end.
func (l *Loop) recycle(co *Coroutine) bool {
	co.release()
	if l.stats.Pooled >= keptCoroutines {
		l.forget(co)
		return false
	}
	l.stats.Pooled++
	co.nextFree = l.free
	l.free = co
	l.watchSurplus(l.stats.Pooled > coroutinesAtRest)
	return true
}

// forget takes co off the list of all: it is to end.
func (l *Loop) forget(co *Coroutine) {
	l.Disarm(&co.timer)
	last := l.all[len(l.all)-1]
	l.all[co.index], last.index = last, co.index
	l.all[len(l.all)-1] = nil
	l.all = l.all[:len(l.all)-1]
}

// resume runs co until it parks or its task ends, then sends what it wrote.
func (l *Loop) resume(co *Coroutine) {
	co.moved = 0
	l.current = co
	co.next()
	l.current = nil
	l.flushDirty()
	l.flushAfter(co)
}

// running returns the coroutine that runs, for a method that needs one.
func (l *Loop) running() *Coroutine {
	if l.current == nil {
		panic("loop: a callback may not park; start a coroutine for it")
	}
	return l.current
}

// Park suspends the running coroutine until Wake. It returns the error given
// to Cancel, if any, at once from then on.
func (l *Loop) Park() error { return l.ParkUntil(0) }

// ParkUntil is Park with an end: it returns os.ErrDeadlineExceeded when the
// loop's time has passed deadline (ns, 0 for none).
func (l *Loop) ParkUntil(deadline int64) error {
	co := l.running()
	if err := co.Canceled(); err != nil {
		return err
	}
	if deadline != 0 {
		if deadline <= l.now {
			return os.ErrDeadlineExceeded
		}
		l.armAt(&co.timer, deadline)
	}
	co.expired = false
	co.suspend()
	if deadline != 0 {
		co.timer.suspend()
	}
	if err := co.Canceled(); err != nil {
		return err
	}
	if co.expired {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// ParkThrough is Park for a coroutine that has to wait for others although it
// has been canceled: it parks until Wake all the same. Whoever it waits for has to
// come to an end.
func (l *Loop) ParkThrough() { l.running().suspend() }

// suspend gives the loop its goroutine back until somebody wakes co.
func (co *Coroutine) suspend() {
	co.parked = true
	co.yield(struct{}{})
	co.parked = false
}

// Wake makes a parked coroutine ready; it does nothing to one that is not
// parked.
func (co *Coroutine) Wake() {
	co.loop.mustBeHere()
	if co.parked {
		co.parked = false
		co.loop.ready.push(co)
	}
}

// wakeNow is Wake for the delivery of events, outside all coroutines: co is
// resumed on the spot, which saves the queue.
func (co *Coroutine) wakeNow() {
	if co.parked {
		co.parked = false
		co.loop.resume(co)
	}
}

// Cancel makes the park that the coroutine is in, and every later one, return
// err until its task ends. The first err stays.
func (co *Coroutine) Cancel(err error) {
	co.loop.mustBeHere()
	if !co.busy || co.canceled != nil {
		return
	}
	co.canceled = err
	co.Wake()
}

// Interrupt is Cancel for a while: parks return err until Interrupt(nil). It
// is for whoever sets a limit to a part of what the coroutine does and takes it
// back when that part is over. Cancel outweighs it.
func (co *Coroutine) Interrupt(err error) {
	co.loop.mustBeHere()
	if !co.busy {
		return
	}
	if co.interrupted = err; err != nil {
		co.Wake()
	}
}

// Canceled returns the error given to Cancel or, where there is none, the one
// given to Interrupt, or nil.
func (co *Coroutine) Canceled() error {
	if co.canceled != nil {
		return co.canceled
	}
	return co.interrupted
}

// expire is the timer of a park.
func (co *Coroutine) expire() {
	if co.parked {
		co.expired = true
		co.Wake()
	}
}

// Sleep parks the running coroutine for d, whatever wakes it meanwhile. It
// returns the error given to Cancel, if any, at once.
func (l *Loop) Sleep(d time.Duration) error {
	co := l.running()
	l.now = l.Clock() // the coroutine may have run for as long as it wants to sleep
	until := l.after(max(d, 1))
	for l.now < until && co.Canceled() == nil {
		l.ParkUntil(until)
	}
	return co.Canceled()
}

// after returns the loop time that is d from now; a time beyond all times for
// one that does not end.
func (l *Loop) after(d time.Duration) int64 {
	if int64(d) > math.MaxInt64-l.now {
		return math.MaxInt64
	}
	return l.now + int64(d)
}

// Yield lets the other ready coroutines and sockets have a turn.
func (l *Loop) Yield() {
	co := l.running()
	l.ready.push(co)
	co.yield(struct{}{})
}

// fairShare is how many bytes a coroutine may move before others get a turn: a
// few large reads, so that one fast transfer does not starve a loop. Yielding
// costs less than a hundredth of the system calls that move as much.
const fairShare = 256 << 10

// Spend counts n moved bytes against the running coroutine's share of this
// turn, and yields when that is used up. Read and Write do so themselves; after
// TryRead it is up to the caller. Outside coroutines it does nothing.
func (l *Loop) Spend(n int) {
	co := l.current
	if co == nil {
		return
	}
	if co.moved += n; co.moved >= fairShare {
		l.Yield()
	}
}
