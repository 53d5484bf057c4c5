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
// of the turn before, and between two batches when it is worth one or late.
func (c *Conn) Gather() { c.gathers = true }

const (
	// batch is how many connections are served together before their answers
	// leave. It is a small number, for the first answer waits for the last.
	batch = 16
	// longTurn is how long a turn takes at most before what is written leaves
	// after each batch, however little that is: others may move much.
	longTurn = 500 * time.Microsecond
	// muchMoved is how many bytes a coroutine moves before what others have
	// written does not wait for one more of its kind.
	muchMoved = 32 << 10
)

// flushGathered is flushDirty for what was to wait for the end of the turn.
func (l *Loop) flushGathered() {
	if len(l.gathered) > 0 {
		l.gathered = flushAll(l.gathered)
	}
}

// flushAfter sends what is written when co, which has just run, has moved much: many
// of those would keep the others waiting.
func (l *Loop) flushAfter(co *Coroutine) {
	if co.moved >= muchMoved {
		l.flushGathered()
	}
}

// flushBetween sends what is written between two batches of a turn, if it is worth a
// batch or has waited for long.
func (l *Loop) flushBetween() {
	if len(l.gathered) >= batch || len(l.gathered) > 0 && l.Clock()-l.now > int64(longTurn) {
		l.flushGathered()
	}
}
