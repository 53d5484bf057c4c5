package loop

import "time"

// Gather makes output wait for the end of the turn of the loop, as long as it is
// not much. Where many coroutines write to one connection, such as one whose streams
// are answered one by one, all of it leaves together. And a loop that first serves
// what has come in, and then sends all the answers, costs less processor time than
// one that does both in turns, for the code of each stays in the processor's caches.
//
// What waits leaves earlier where whoever comes next would make it wait for long:
// after a coroutine that has moved much, before those that have used up their share
// of the turn before, after a batch, and when the others take their time.
func (c *Conn) Gather() { c.gathers = true }

const (
	// batch is how many connections are served together before their answers
	// leave. It is a small number, for the first answer waits for the last.
	batch = 16
	// glance is how many steps a turn takes from one look at the clock to the next.
	glance = 4
	// longWait is for how long a turn goes on, give or take a few steps, before what
	// is written leaves, however little that is.
	longWait = 500 * time.Microsecond
	// muchMoved is how many bytes a coroutine moves before what others have
	// written does not wait for one more of its kind.
	muchMoved = 32 << 10
)

// flushGathered is flushDirty for what was to wait for the end of the turn.
func (l *Loop) flushGathered() {
	l.flushed = l.now
	if len(l.gathered) > 0 {
		l.gathered = l.flushAll(l.gathered)
	}
	if len(l.stalled) > 0 {
		l.tellStalled()
	}
}

// tellStalled tells the watchers of output that has found no room: who wrote it may not
// be there any more.
func (l *Loop) tellStalled() {
	for i, c := range l.stalled {
		l.stalled[i] = nil
		if c.Pending() > 0 {
			c.notify(Stalled)
		}
	}
	l.stalled = l.stalled[:0]
}

// flushAfter sends what is written when co, which has just run, has moved much: many
// of those would keep the others waiting.
func (l *Loop) flushAfter(co *Coroutine) {
	if co.moved >= muchMoved {
		l.flushGathered()
	}
}

// between is called between two steps of a turn, which are counted up or down, by
// whatever may be one of many. It keeps the loop's time and sends what is written when
// a batch has been served, or when others have taken long.
func (l *Loop) between(steps int) {
	if steps%glance != 0 {
		return
	}
	l.now = l.Clock()
	if l.now-l.flushed > int64(longWait) || steps%batch == 0 && len(l.gathered) >= batch {
		l.flushGathered()
	}
}
