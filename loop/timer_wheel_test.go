package loop

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// validate checks what must hold of a wheel between two operations.
func (w *wheel) validate() error {
	count := 0
	for level := range w.slots {
		for i := range w.slots[level] {
			head := &w.slots[level][i]
			for t := head.next; t != head; t = t.next {
				if t.next.prev != t || t.prev.next != t {
					return fmt.Errorf("level %d slot %d: the ring is torn", level, i)
				}
				if err := w.validateTimer(t, level, i); err != nil {
					return fmt.Errorf("level %d slot %d: %w", level, i, err)
				}
				count++
			}
			if head.next != head && w.occupied[level]&(1<<i) == 0 {
				return fmt.Errorf("level %d slot %d holds timers and is marked empty", level, i)
			}
		}
	}
	if count != w.count {
		return fmt.Errorf("%d timers are in the slots, %d counted", count, w.count)
	}
	return nil
}

func (w *wheel) validateTimer(t *Timer, level, slot int) error {
	if t.filed <= w.now {
		return fmt.Errorf("a timer of tick %d is still there at %d", t.filed, w.now)
	}
	if t.due != 0 && t.due < t.filed {
		return fmt.Errorf("a timer that is due at %d is looked at in tick %d", t.due, t.filed)
	}
	shift := wheelBits * level
	distance := t.filed>>shift - w.now>>shift
	if distance > wheelSlots {
		return fmt.Errorf("a timer of tick %d, %d away, is on a level too low", t.filed, t.filed-w.now)
	}
	if int(t.filed>>shift)&(wheelSlots-1) != slot {
		return fmt.Errorf("a timer of tick %d is in a wrong slot", t.filed)
	}
	return nil
}

// twin does what a wheel does, slowly and obviously: due ticks by name.
type twin struct {
	now int64
	due map[int]int64
}

func (w *twin) advance(target int64) (fired []int) {
	for name, due := range w.due {
		if due <= target {
			fired = append(fired, name)
		}
	}
	slices.SortFunc(fired, func(a, b int) int { return cmp.Or(cmp.Compare(w.due[a], w.due[b]), a-b) })
	for _, name := range fired {
		delete(w.due, name)
	}
	w.now = target
	return fired
}

// Virtual time: the wheel is told what time it is, and goes through years.
func TestWheelFiresWhatItsNaiveTwinFires(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		l := &Loop{now: rng.Int64N(int64(time.Hour))}
		var fired []int
		timers := make([]Timer, 50)
		due := make([]int64, len(timers))
		for i := range timers {
			timers[i].Fire = func() { fired = append(fired, i) }
		}
		l.wheel.init(l.now, func(t *Timer) { t.Fire() })
		twin := &twin{now: l.now / int64(tick), due: map[int]int64{}}
		for step := range 3000 {
			i := rng.IntN(len(timers))
			switch op := rng.IntN(10); {
			case op < 5:
				d := time.Duration(rng.Int64N(1 << rng.IntN(60)))
				l.Arm(&timers[i], d)
				twin.due[i] = max(ticks(l.after(d)), twin.now+1)
			case op < 6:
				l.Disarm(&timers[i])
				delete(twin.due, i)
			case op < 7:
				timers[i].suspend()
				delete(twin.due, i)
			default:
				// Most steps are short, some skip a level or all of them.
				l.now = min(l.now+rng.Int64N(1<<(20+rng.IntN(34))), 1<<60)
				fired = fired[:0]
				copyDue(due, twin.due)
				l.wheel.advance(l.now)
				want := twin.advance(l.now / int64(tick))
				if !sameUpToOrderWithinATick(fired, want, due) {
					t.Fatalf("seed %d step %d: fired %v, want %v", seed, step, fired, want)
				}
			}
			if timers[i].Armed() != (twin.due[i] != 0) {
				t.Fatalf("seed %d step %d: timer %d is armed: %t", seed, step, i, timers[i].Armed())
			}
			if err := l.wheel.validate(); err != nil {
				t.Fatalf("seed %d step %d: %v", seed, step, err)
			}
			checkTimeout(t, l, twin)
		}
	}
}

func copyDue(to []int64, from map[int]int64) {
	for name, due := range from {
		to[name] = due
	}
}

// sameUpToOrderWithinATick reports whether got is want, which is ordered by due
// tick and name, but for the order of those that are due together.
func sameUpToOrderWithinATick(got, want []int, due []int64) bool {
	byDue := func(a, b int) int { return cmp.Compare(due[a], due[b]) }
	if !slices.IsSortedFunc(got, byDue) {
		return false
	}
	got = slices.Clone(got)
	slices.SortFunc(got, func(a, b int) int { return cmp.Or(byDue(a, b), a-b) })
	return slices.Equal(got, want)
}

// checkTimeout checks that a loop that waits as long as the wheel says comes
// late for no timer, and is not kept from sleeping.
func checkTimeout(t *testing.T, l *Loop, twin *twin) {
	t.Helper()
	wait := l.wheel.timeout(l.now)
	if l.wheel.count == 0 {
		if wait != -1 {
			t.Fatalf("no slot holds a timer and the wheel wants to be served in %v", wait)
		}
		return
	}
	first := int64(1) << 62
	for _, due := range twin.due {
		first = min(first, due)
	}
	if wait <= 0 {
		t.Fatalf("wait %v: nothing is due", wait)
	}
	if next := (l.now + int64(wait)) / int64(tick); next > first {
		t.Fatalf("waiting %v comes late for a timer of tick %d at %d", wait, first, l.now/int64(tick))
	}
}

func TestTimersThatFireMayArmAndDisarmOthers(t *testing.T) {
	l := &Loop{now: 1}
	l.wheel.init(l.now, func(t *Timer) { t.Fire() })
	var order []string
	var a, b, c Timer
	a.Fire = func() {
		order = append(order, "a")
		l.Disarm(&b)      // due in the same tick
		l.Arm(&a, 0)      // again, at the next tick at the earliest
		l.Arm(&c, 5*tick) // moved from the same tick
	}
	b.Fire = func() { order = append(order, "b") }
	c.Fire = func() { order = append(order, "c") }
	for _, timer := range []*Timer{&a, &b, &c} {
		l.Arm(timer, tick)
	}
	l.now = int64(2 * tick)
	l.wheel.advance(l.now)
	if !slices.Equal(order, []string{"a"}) || !a.Armed() || b.Armed() || !c.Armed() {
		t.Errorf("fired %v", order)
	}
	if err := l.wheel.validate(); err != nil {
		t.Error(err)
	}
}

// What is pushed back stays in its slot until that comes up, and what was
// suspended leaves then.
func TestTimersThatArePushedBackMoveWhenTheirSlotComesUp(t *testing.T) {
	l := &Loop{}
	l.wheel.init(l.now, func(t *Timer) { t.Fire() })
	fired := 0
	pushed, suspended := Timer{Fire: func() { fired++ }}, Timer{Fire: func() { fired++ }}
	l.Arm(&pushed, 3*tick)
	l.Arm(&suspended, 3*tick)
	l.Arm(&pushed, 5*tick)
	suspended.suspend()
	if l.wheel.timeout(l.now) != 3*tick || !pushed.Armed() || suspended.Armed() {
		t.Error("a timer has moved that could have stayed")
	}
	l.now = int64(4 * tick)
	l.wheel.advance(l.now)
	if fired != 0 || l.wheel.count != 1 || l.wheel.timeout(l.now) != tick {
		t.Errorf("%d fired, %d are left, the next in %v", fired, l.wheel.count, l.wheel.timeout(l.now))
	}
	l.Arm(&pushed, 0) // sooner
	if l.wheel.timeout(l.now) != tick {
		t.Errorf("a timer that is due sooner comes in %v", l.wheel.timeout(l.now))
	}
	l.now = int64(5 * tick)
	l.wheel.advance(l.now)
	if fired != 1 || l.wheel.count != 0 || l.wheel.timeout(l.now) != -1 {
		t.Errorf("%d fired, %d are left", fired, l.wheel.count)
	}
}

func TestTimerNeverFiresEarly(t *testing.T) {
	l := &Loop{}
	for _, start := range []int64{0, 1, int64(tick) - 1, int64(tick), int64(tick) + 1} {
		l.now = start
		l.wheel = wheel{}
		fired := false
		l.wheel.init(l.now, func(*Timer) { fired = true })
		var timer Timer
		l.Arm(&timer, 3*tick)
		for !fired {
			l.now += int64(tick) / 100
			l.wheel.advance(l.now)
		}
		if d := time.Duration(l.now - start); d < 3*tick || d > 4*tick {
			t.Errorf("from %d: fired after %v", start, d)
		}
	}
}
