package compression

import (
	"errors"
	"os"

	"pingap/loop"
	"pingap/message"
)

// ahead pulls a body in a coroutine of its own, one piece at a time, so that its
// reader need not wait longer for the next than it wants to.
type ahead struct {
	x      *message.Exchange
	source message.Body
	closed bool

	full bool // view or err is there
	used bool // and has been given to the reader
	view []byte
	err  error

	reader, puller *loop.Coroutine // parked for the other, or nil
}

var (
	errPause  = errors.New("the next piece has not come in time")
	errPuller = errors.New("panic in the coroutine that pulls the content")
)

// start begins to pull. The exchange is held until the puller has ended, which
// follows close.
func (a *ahead) start(x *message.Exchange, source message.Body) {
	*a = ahead{x: x, source: source}
	x.Hold()
	x.Loop.Go(a)
}

// started reports whether there is a puller, or was.
func (a *ahead) started() bool { return a.x != nil }

// Run is the puller.
func (a *ahead) Run() {
	defer a.leave()
	for !a.closed {
		a.view, a.err = a.source.Next()
		a.full = true
		wake(a.reader)
		if a.err != nil {
			return
		}
		for a.full && !a.closed {
			a.puller = a.x.Loop.Current()
			a.x.Loop.ParkThrough()
			a.puller = nil
		}
	}
}

// leave is the end of the puller, also in a panic.
func (a *ahead) leave() {
	if !a.full {
		a.err, a.full = errPuller, true
		wake(a.reader)
	}
	a.x.Release()
}

func wake(co *loop.Coroutine) {
	if co != nil {
		co.Wake()
	}
}

// next returns the next piece, which is valid until the next call. It returns
// errPause when there is none before the deadline (loop time; 0 for none); it may
// then be called again.
func (a *ahead) next(deadline int64) ([]byte, error) {
	if a.used && a.err == nil {
		a.full, a.used = false, false
		wake(a.puller)
	}
	for !a.full {
		a.reader = a.x.Loop.Current()
		err := a.x.Loop.ParkUntil(deadline)
		a.reader = nil
		if err == os.ErrDeadlineExceeded && !a.full {
			return nil, errPause
		}
		if err != nil && !a.full {
			return nil, err
		}
	}
	a.used = true
	return a.view, a.err
}

// close ends the puller. The source is closed already.
func (a *ahead) close() {
	a.closed = true
	wake(a.puller)
}
