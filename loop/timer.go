package loop

import (
	"math"
	"math/bits"
	"time"
)

// Timers hang in a hierarchical wheel: arming, re-arming and disarming are a
// few pointer writes, whatever the number of timers, and take neither memory
// nor a system call. The price is coarseness: a timer fires up to one tick
// late, and never early as the loop's time goes, which is that of its last look
// at the clock.
//
// Most timers are pushed back again and again and never fire. One that is due
// later than before therefore stays where it hangs, and moves on when its slot
// comes up: pushing it back touches nothing but the timer itself.

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

	prev, next *Timer // in the ring of its slot; nil when it hangs in none
	filed      int64  // the tick of that slot, in which it is looked at
	due        int64  // the tick in which it fires; 0 when not armed
}

// Armed reports whether the timer is waiting to fire.
func (t *Timer) Armed() bool { return t.due != 0 }

// Arm makes t fire once, d from Now or up to a tick later. A timer that is
// armed already is moved.
func (l *Loop) Arm(t *Timer, d time.Duration) { l.armAt(t, l.after(d)) }

func (l *Loop) armAt(t *Timer, at int64) {
	l.mustBeHere()
	w := &l.wheel
	t.due = max(ticks(at), w.now+1)
	if t.next != nil {
		if t.filed <= t.due {
			return
		}
		w.remove(t)
	}
	w.add(t)
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
	t.due = 0
	if t.next != nil {
		l.wheel.remove(t)
	}
}

// suspend is Disarm for a timer that will be armed again soon: it stays where
// it hangs until then, or until its slot comes up.
func (t *Timer) suspend() { t.due = 0 }

// fire runs t, which has just been taken off the wheel.
func (l *Loop) fire(t *Timer) {
	switch c := t.conn; {
	case c == nil:
		l.call(t.Fire)
	case c.reader == nil && !c.readable && !c.reprieved && c.overlooked():
		// Whoever hears of it arms the timer again, or else hears of that in a moment:
		// on a connection that is flooded something has come each time.
		c.reprieved = true
		l.Arm(t, tick)
		c.notify(Readable)
	default:
		c.notify(Expired)
	}
}

// wheel holds timers by the tick in which they are to be looked at. Level 0 has
// a slot for each of the next 64 ticks, level 1 one for each 64 ticks, and so
// on; when level 0 comes round, the next slot of level 1 is dealt out to it.
type wheel struct {
	now      int64                          // last tick that has been served
	count    int                            // of timers in the slots
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

// add files t for when it is due, by its distance: level n takes what is due
// within 64^(n+1) ticks.
func (w *wheel) add(t *Timer) {
	distance := uint64(t.due - w.now)
	level := 0
	if distance >= wheelSlots {
		level = min((bits.Len64(distance)-1)/wheelBits, wheelLevels-1)
	}
	t.filed = t.due
	if limit := int64(1)<<(wheelBits*wheelLevels) - 1; level == wheelLevels-1 && int64(distance) > limit {
		t.filed = w.now + limit
	}
	index := int(t.filed>>(wheelBits*level)) & (wheelSlots - 1)
	w.occupied[level] |= 1 << index
	link(&w.slots[level][index], t)
	w.count++
}

// remove takes t out of its slot.
func (w *wheel) remove(t *Timer) {
	unlink(t)
	w.count--
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
		w.empty(0, int(w.now)&(wheelSlots-1))
	}
}

// cascade deals the slots of upper levels that begin at this tick out to the
// levels below.
func (w *wheel) cascade() {
	for level := 1; level < wheelLevels; level++ {
		if w.now&(1<<(wheelBits*level)-1) != 0 {
			return
		}
		w.empty(level, int(w.now>>(wheelBits*level))&(wheelSlots-1))
	}
}

// empty takes the timers of a slot out, one by one, and does with each what is
// to be done at this tick. None goes into the same slot again: that is for the
// next time round. One that another of them disarms does not fire, and one that
// is armed by another fires at a later tick.
func (w *wheel) empty(level, index int) {
	if w.occupied[level]&(1<<index) == 0 {
		return
	}
	w.occupied[level] &^= 1 << index
	slot := &w.slots[level][index]
	for slot.next != slot {
		t := slot.next
		w.remove(t)
		switch {
		case t.due > w.now:
			w.add(t)
		case t.due != 0:
			t.due = 0
			w.fire(t)
		}
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
