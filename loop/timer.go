package loop

import (
	"math"
	"math/bits"
	"time"
)

// Timers hang in a hierarchical wheel: arming, re-arming and disarming are a
// few pointer writes, whatever the number of timers, and take neither memory
// nor a system call. The price is coarseness: a timer fires up to one tick
// late, never early.

// tick is the resolution of timers.
const tick = 10 * time.Millisecond

const (
	wheelBits   = 6
	wheelSlots  = 1 << wheelBits
	wheelLevels = 5 // 64^5 ticks of 10 ms: over 124 days; later ones wait on the last level
)

// Timer calls Fire on its loop when it is due. Embed it by value in what it
// times, and set Fire once, before it is first armed. Fire may arm it again.
type Timer struct {
	// Fire is called on the loop, not in a coroutine; it must not park.
	Fire func()
	// conn is set instead in the idle timers of connections: there are as
	// many as connections, and a method value takes memory.
	conn *Conn

	prev, next *Timer // in the ring of its slot; nil when not armed
	due        int64  // in ticks
}

// Armed reports whether the timer is waiting to fire.
func (t *Timer) Armed() bool { return t.next != nil }

// Arm makes t fire once, d from now or up to a tick later. A timer that is
// armed already is moved.
func (l *Loop) Arm(t *Timer, d time.Duration) { l.armAt(t, l.after(d)) }

func (l *Loop) armAt(t *Timer, at int64) {
	l.mustBeHere()
	if t.next != nil {
		unlink(t)
	} else {
		l.wheel.count++
	}
	t.due = max(ticks(at), l.wheel.now+1)
	l.wheel.insert(t)
}

// ticks converts a loop time, rounding up.
func ticks(at int64) int64 {
	n := at / int64(tick)
	if at%int64(tick) > 0 {
		n++
	}
	return n
}

// Disarm keeps t from firing; it does nothing to one that is not armed.
func (l *Loop) Disarm(t *Timer) {
	l.mustBeHere()
	if t.next != nil {
		unlink(t)
		l.wheel.count--
	}
}

// fire runs t, which has just been taken off the wheel.
func (l *Loop) fire(t *Timer) {
	if t.conn != nil {
		t.conn.notify(Expired)
		return
	}
	l.call(t.Fire)
}

// wheel holds timers by due tick. Level 0 has a slot for each of the next 64
// ticks, level 1 one for each 64 ticks, and so on; when level 0 comes round,
// the next slot of level 1 is dealt out to it.
type wheel struct {
	now      int64 // last tick that has been served
	count    int
	occupied [wheelLevels]uint64            // slots that may hold timers: a bit outlives the last to be disarmed
	slots    [wheelLevels][wheelSlots]Timer // heads of rings
	fire     func(*Timer)
}

func (w *wheel) init(now int64, fire func(*Timer)) {
	w.fire = fire
	w.now = now / int64(tick)
	for level := range w.slots {
		for i := range w.slots[level] {
			initRing(&w.slots[level][i])
		}
	}
}

func initRing(head *Timer) { head.prev, head.next = head, head }

// insert files t by its distance: level n takes what is due within 64^(n+1)
// ticks.
func (w *wheel) insert(t *Timer) {
	distance := uint64(t.due - w.now)
	level := 0
	if distance >= wheelSlots {
		level = min((bits.Len64(distance)-1)/wheelBits, wheelLevels-1)
	}
	at := t.due
	if limit := int64(1)<<(wheelBits*wheelLevels) - 1; level == wheelLevels-1 && int64(distance) > limit {
		at = w.now + limit
	}
	index := int(at>>(wheelBits*level)) & (wheelSlots - 1)
	w.occupied[level] |= 1 << index
	link(&w.slots[level][index], t)
}

func link(head, t *Timer) {
	t.prev, t.next = head.prev, head
	head.prev.next = t
	head.prev = t
}

func unlink(t *Timer) {
	t.prev.next = t.next
	t.next.prev = t.prev
	t.prev, t.next = nil, nil
}

// advance fires what is due at loop time now.
func (w *wheel) advance(now int64) {
	target := now / int64(tick)
	for w.now < target {
		w.now = min(w.nextTick(), target)
		w.cascade()
		w.serve(int(w.now) & (wheelSlots - 1))
	}
}

// cascade deals the slots of upper levels that begin at this tick out to the
// levels below.
func (w *wheel) cascade() {
	for level := 1; level < wheelLevels; level++ {
		if w.now&(1<<(wheelBits*level)-1) != 0 {
			return
		}
		index := int(w.now>>(wheelBits*level)) & (wheelSlots - 1)
		w.empty(level, index, w.insert)
	}
}

// serve fires the timers of a slot of level 0. One that another of them disarms
// does not fire, and one that is armed by another fires at a later tick.
func (w *wheel) serve(index int) {
	w.empty(0, index, func(t *Timer) {
		w.count--
		w.fire(t)
	})
}

// empty takes the timers of a slot out, one by one, and hands each to f, which
// puts none into the same slot: those are for what is due the next time round.
func (w *wheel) empty(level, index int, f func(*Timer)) {
	if w.occupied[level]&(1<<index) == 0 {
		return
	}
	w.occupied[level] &^= 1 << index
	slot := &w.slots[level][index]
	for slot.next != slot {
		t := slot.next
		unlink(t)
		f(t)
	}
}

// timeout returns how long the loop may wait at time now before a timer is
// due: -1 for ever, 0 not at all.
func (w *wheel) timeout(now int64) time.Duration {
	if w.count == 0 {
		return -1
	}
	return time.Duration(max(w.nextTick()*int64(tick)-now, 0))
}

// nextTick returns the tick at which something is to be done next: a timer of
// level 0, or a slot of an upper level to be dealt out.
func (w *wheel) nextTick() int64 {
	best := int64(math.MaxInt64 / int64(tick))
	for level, occupied := range w.occupied {
		if occupied == 0 {
			continue
		}
		shift := wheelBits * level
		position := w.now >> shift
		index := int(position) & (wheelSlots - 1)
		// Slots after the present one are due in this turn of the level,
		// those up to it in the next.
		distance := bits.TrailingZeros64(bits.RotateLeft64(occupied, -(index+1))) + 1
		best = min(best, (position+int64(distance))<<shift)
	}
	return best
}
