package message

import (
	"errors"
	"io"
	"os"
	"time"

	"pingap/loop"
)

// Errors that a Relay ends with, beside those of its ends.
var (
	ErrTunnelSilent = errors.New("the tunnel was silent for too long")
	errRelayPanic   = errors.New("panic in a tunnel")
)

// Relay passes bytes between a client and the far end of a connection that has
// switched protocols, both ways at once: the coroutine that calls Run carries
// those of the client, a second one those of the far end. The zero value is ready
// for use, and after Run for another.
//
// Each direction ends on its own (half-close). An end that has broken down ends
// both, and the other end gets to see a reset, since what it has got may not be
// whole (RFC 9113 section 8.5); but an end that takes no more may have sent more,
// which is passed on first (RFC 9110 section 9.3.6).
type Relay struct {
	// Splice, where it is set, moves what else there is of a busy stream, after
	// a Write. Its *loop.SpliceWriteError is as an error of Write, others are as
	// those of Next.
	Splice func(to, from Tunnel) error

	x         *Exchange
	near, far Tunnel
	idle      time.Duration
	timer     loop.Timer
	moved     int64 // loop time of the last bytes
	failed    error // the first that went wrong
}

// Run passes bytes until both directions have ended, or neither has had any for
// the time idle (unless the response says another), or the coroutine is canceled,
// and returns what went wrong. The far
// end is closed then; the near one is only where it is not up to the caller to part
// from it.
func (r *Relay) Run(x *Exchange, near, far Tunnel, idle time.Duration) error {
	if x.Response.TunnelIdle != 0 {
		idle = x.Response.TunnelIdle
	}
	r.x, r.near, r.far, r.idle, r.failed = x, near, far, idle, nil
	r.touch()
	if r.timer.Fire == nil {
		r.timer.Fire = r.expire
	}
	if idle > 0 {
		x.Loop.Arm(&r.timer, idle)
	}
	panicked := true
	defer func() {
		x.Loop.Disarm(&r.timer)
		if panicked {
			r.fail(errRelayPanic)
		}
	}()
	x.Hold()
	x.Loop.Go((*wayBack)(r))
	r.carry(far, near)
	if err := x.await(); err != nil { // the client has finished, and then gone
		r.fail(err)
		x.Settle()
	}
	far.Close()
	panicked = false
	r.x, r.near, r.far = nil, nil, nil
	return r.failed
}

// wayBack is a Relay as the task that carries the far end's bytes.
type wayBack Relay

// Run implements loop.Task.
func (b *wayBack) Run() {
	r := (*Relay)(b)
	x := r.x
	panicked := true
	defer func() {
		if panicked {
			r.fail(errRelayPanic)
		}
		x.Release()
	}()
	r.carry(r.near, r.far)
	panicked = false
}

// carry passes bytes in one direction until that ends.
func (r *Relay) carry(to, from Tunnel) {
	for {
		view, err := from.Next()
		if err == io.EOF {
			r.note(to.CloseWrite())
			return
		}
		if err != nil {
			r.fail(err)
			return
		}
		r.touch() // the other end may be slow to take them
		if _, err := to.Write(view); err != nil {
			r.note(err)
			return
		}
		r.touch()
		if r.Splice == nil {
			continue
		}
		err = r.Splice(to, from)
		r.touch()
		if written, ok := err.(*loop.SpliceWriteError); ok {
			r.note(written.Err)
			return
		}
		if err != nil {
			r.fail(err)
			return
		}
	}
}

func (r *Relay) touch() { r.moved = r.x.Loop.Now() }

// note takes the error of an end that takes no more. The other direction goes on
// to where that end has broken off; one that is merely slow never does.
func (r *Relay) note(err error) {
	if err == os.ErrDeadlineExceeded {
		r.fail(err)
	}
	if r.failed == nil {
		r.failed = err
	}
}

// fail ends both directions; whoever is parked in one returns.
func (r *Relay) fail(err error) {
	if r.failed == nil {
		r.failed = err
	}
	r.near.Abort()
	r.far.Abort()
}

// expire looks whether both directions are silent: bytes may have moved since the
// timer was set.
func (r *Relay) expire() {
	silent := time.Duration(r.x.Loop.Now() - r.moved)
	if left := r.idle - silent; left > 0 {
		r.x.Loop.Arm(&r.timer, left)
		return
	}
	r.note(ErrTunnelSilent)
	r.near.Close()
	r.far.Close()
}
