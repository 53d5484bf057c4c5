package loop

import "time"

// A rush leaves buffers and stacks behind, which the next one would need. What
// nobody has needed for a while is given back to the process: a loop must not
// hold for ever what it once took for a moment.

// surplusTime is for how long, at least, nobody needs what is given back.
const surplusTime = 10 * time.Second

// watchSurplus makes the loop look, in a while, whether it still needs what it
// keeps, if that is more than it keeps at rest.
func (l *Loop) watchSurplus(more bool) {
	if more && !l.surplus.Armed() {
		l.Arm(&l.surplus, surplusTime)
	}
}

// dropSurplus drops what nobody has needed since it was last called.
func (l *Loop) dropSurplus() {
	buffers := l.buffers.dropSurplus()
	l.watchSurplus(l.dropCoroutines() || buffers)
}

// dropCoroutines ends the pooled coroutines that have not been needed since it
// was last called. It reports whether there are more than a loop keeps at rest.
func (l *Loop) dropCoroutines() (more bool) {
	for n := min(l.leastPooled, l.stats.Pooled-coroutinesAtRest); n > 0; n-- {
		co := l.takePooled()
		l.forget(co)
		co.stop()
	}
	l.leastPooled = l.stats.Pooled
	return l.stats.Pooled > coroutinesAtRest
}
