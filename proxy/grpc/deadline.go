package grpc

import (
	"errors"
	"math"
	"strconv"
	"time"

	"pingap/loop"
	"pingap/message"
)

// ErrDeadline is the outcome of a call that is not over when its client said
// that it had to be.
var ErrDeadline = errors.New("the deadline that the client has set for the call has passed")

// callTimeout returns the time that a client gives a call, if it limits it.
func callTimeout(r *message.Request) (time.Duration, bool) {
	text, ok := r.Header.Lookup("Grpc-Timeout")
	if !ok {
		return 0, false
	}
	return parseCallTimeout(text)
}

// parseCallTimeout reads a value of grpc-timeout: at most eight digits and a
// unit. What is written in another way is left to the upstream to judge.
func parseCallTimeout(text string) (time.Duration, bool) {
	if len(text) < 2 || len(text) > 9 {
		return 0, false
	}
	digits := text[:len(text)-1]
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0, false
	}
	unit := timeoutUnit(text[len(digits)])
	if unit == 0 || n > uint64(maxCallTimeout/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// maxCallTimeout is the longest limit that counts as one. The loop's time and
// any such limit do not overflow.
const maxCallTimeout = math.MaxInt64 / 2 * time.Nanosecond

func timeoutUnit(c byte) time.Duration {
	switch c {
	case 'H':
		return time.Hour
	case 'M':
		return time.Minute
	case 'S':
		return time.Second
	case 'm':
		return time.Millisecond
	case 'u':
		return time.Microsecond
	case 'n':
		return time.Nanosecond
	}
	return 0
}

// deadline is when a call has to be over. Whoever works for the call is
// interrupted when that has passed; a coroutine that is sending to the client
// meanwhile learns of it when it comes back.
type deadline struct {
	timer  loop.Timer
	worker *loop.Coroutine // works for the call; nil while nobody does
	loop   *loop.Loop
	due    int64 // loop time, 0 for a call without
	passed bool
}

// pass is called when the time has come.
func (d *deadline) pass() {
	d.passed = true
	if d.worker != nil {
		d.worker.Interrupt(ErrDeadline)
	}
}

// enter makes the running coroutine the one that works for the call.
func (d *deadline) enter(l *loop.Loop) { d.worker = l.Current() }

// leave takes that back, and the interrupt with it. It reports whether what
// failed in between did so because the deadline has passed, and not because the
// client has gone.
func (d *deadline) leave() bool {
	if d.passed {
		d.worker.Interrupt(nil)
	}
	gone := d.worker.Canceled() != nil
	d.worker = nil
	return (d.passed || d.over()) && !gone
}

// over reports whether the time has come although the timer, which is coarser,
// has not said so yet: an upstream that knows the deadline may be quicker to give
// the call up.
func (d *deadline) over() bool { return d.due != 0 && d.loop.Clock() >= d.due }

// forget is leave for a panic: the coroutine is somebody else's soon.
func (d *deadline) forget() { d.worker = nil }
