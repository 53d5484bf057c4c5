package http1

import (
	"errors"
	"io"
	"os"
	"time"

	"pingap/loop"
	"pingap/message"
)

// defaultContinueTimeout is how long servers that know Expect are given to
// answer. It is what curl waits by itself.
const defaultContinueTimeout = time.Second

var (
	errUploadStopped  = errors.New("the content of the request is wanted no more")
	errUploadPanicked = errors.New("panic while the content of the request was sent")
	errRequestLong    = errors.New("the request has more content than its length says")
	errRequestShort   = errors.New("the request has less content than its length says")
)

// upload sends a request that has content, in a coroutine of its own: it pulls
// the content as fast as the peer takes it, while the exchange's coroutine
// waits for the response.
type upload struct {
	trip *roundTrip
	x    *message.Exchange
	body message.Body
	co   *loop.Coroutine // while it is running

	running bool
	stopped bool
	sent    bool  // all of it
	err     error // why it ended without that

	holding  bool // parked until the peer asks for the content
	goAhead  bool // the peer has asked
	consumed bool // the content has been pulled
	// whole is the content, when it was all in one piece: it can be sent
	// again.
	whole []byte
}

// start begins to send the request of a client.
func (u *upload) start(t *roundTrip) {
	u.trip, u.x, u.body = t, t.x, t.x.Request.Body
	u.running = true
	// The response cannot be late before the request is complete.
	t.in.timeout = 0
	u.x.Hold()
	u.co = u.x.Loop.Go(u)
}

// Run sends the request.
func (u *upload) Run() {
	u.err = errUploadPanicked // unless send comes to its end
	defer u.end()
	u.err = u.send()
}

func (u *upload) send() error {
	if u.stopped {
		return errUploadStopped
	}
	expect := expectsContinue(&u.x.Request)
	u.trip.writeHead(expect)
	if expect {
		if err := u.awaitContinue(); err != nil {
			return err
		}
	}
	u.consumed = true
	// What has been written leaves with the first content, or when this
	// coroutine parks because there is none yet.
	if u.x.Request.Length < 0 {
		return u.sendChunks()
	}
	return u.sendSized(u.x.Request.Length)
}

// awaitContinue sends the head and holds the content back until the peer asks
// for it, or has had the time to (RFC 9110 section 10.1.1: a client does not
// wait for ever). The codec of our own client asks for it in turn when it is
// first pulled, if it has not passed the peer's 100 on before.
func (u *upload) awaitContinue() error {
	if err := u.trip.flush(); err != nil {
		return err
	}
	timeout := u.trip.options.ContinueTimeout
	if timeout <= 0 {
		timeout = defaultContinueTimeout
	}
	until := u.x.Loop.Now() + int64(timeout)
	u.holding = true
	defer func() { u.holding = false }()
	for !u.goAhead {
		if err := u.x.Loop.ParkUntil(until); err == os.ErrDeadlineExceeded {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// proceed is called when the peer has sent 100 (Continue).
func (u *upload) proceed() {
	u.goAhead = true
	if u.holding {
		u.co.Wake()
	}
}

// sendSized sends content of a known length.
func (u *upload) sendSized(length int64) error {
	for left := length; left > 0; {
		view, err := u.pull()
		if err == io.EOF {
			return errRequestShort
		}
		if err != nil {
			return err
		}
		if left == length && int64(len(view)) == length {
			u.whole = view
		}
		if left -= int64(len(view)); left < 0 {
			return errRequestLong
		}
		if err := u.trip.write(view, nil); err != nil {
			return err
		}
	}
	return nil
}

// sendChunks sends content whose length shows at its end, and the trailers.
func (u *upload) sendChunks() error {
	conn := u.trip.conn
	for {
		view, err := u.pull()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := writeChunk(conn, view, u.trip.write); err != nil {
			return err
		}
	}
	trailer := &u.x.Request.Trailer
	trailer.DelFunc(func(f message.Field) bool { return !message.MayTrail(f.Name) })
	conn.SetOutput(appendLastChunk(conn.Output(len("0\r\n")+headSize(trailer)), trailer))
	return u.trip.flush()
}

func (u *upload) pull() ([]byte, error) {
	conn := u.trip.conn
	pending := conn.Pending()
	view, err := u.body.Next()
	// What was pending leaves while this coroutine waits.
	u.trip.sent = u.trip.sent || conn.Pending() != pending
	if u.stopped {
		return nil, errUploadStopped
	}
	return view, err
}

// end tells the coroutine that waits for the response what has become of the
// request.
func (u *upload) end() {
	u.running = false
	if !u.stopped {
		u.report()
	}
	u.x.Release()
}

func (u *upload) report() {
	t := u.trip
	u.sent = u.err == nil
	if u.fatal() {
		t.in.interrupt()
		return
	}
	// From now on it is the response that is late.
	t.sentAt = t.conn.Loop().Now()
	t.in.timeout = t.options.ReadTimeout
	if t.in.waiting != nil {
		t.in.waiting.Wake()
	}
}

// fatal reports whether there will be no response, or no more of it, because
// of the way in which the upload ended. A peer that takes no more of the
// request may have said why.
func (u *upload) fatal() bool {
	if u.err == nil {
		return false
	}
	e, ok := u.err.(*message.UpstreamError)
	return !ok || e.Failure != message.ConnectionLost && u.trip.headAt == 0
}

// failure returns the error of an upload that has failed for good.
func (u *upload) failure() error {
	if u.running || !u.fatal() {
		return nil
	}
	return u.err
}

// complete reports whether the request has been sent as a whole.
func (u *upload) complete() bool { return u.x == nil || u.sent }

// stop ends the upload soon, wherever it is. What it has not pulled stays.
func (u *upload) stop() {
	if !u.running || u.stopped {
		return
	}
	u.stopped = true
	if u.consumed && u.whole == nil {
		u.body.Close()
	}
	u.co.Cancel(errUploadStopped)
}

// rewind makes the content what it was before the upload; it reports whether
// that is possible.
func (u *upload) rewind() bool {
	switch {
	case !u.consumed:
	case u.whole != nil:
		u.x.Request.Body = &message.BytesBody{Data: u.whole}
	default:
		return false
	}
	return true
}
