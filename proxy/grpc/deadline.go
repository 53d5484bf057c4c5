package grpc

import (
	"errors"
	"io"
	"math"
	"strconv"
	"sync"
	"time"

	"pingap/loop"
	"pingap/message"
)

// ErrDeadline is the outcome of a call that is not over when the client
// said it had to be.
var ErrDeadline = errors.New("the deadline that the client has set for the call has passed")

// Deadlines returns a handler that ends calls to next whose deadline
// (grpc-timeout) has passed, so that an upstream that does not watch it holds
// neither connection nor stream for a client that waits no more. Serve then
// returns ErrDeadline or, when the answer has begun, its content ends with that
// status.
func Deadlines(next message.Handler) message.Handler {
	return &deadlines{next: next, free: sync.Pool{New: func() any {
		c := new(timedCall)
		c.timer.Fire, c.ended = c.pass, c.end
		return c
	}}}
}

type deadlines struct {
	next message.Handler
	free sync.Pool // of *timedCall
}

// Serve passes the call on for as long as it may take.
func (h *deadlines) Serve(x *message.Exchange) error {
	timeout, ok := callTimeout(&x.Request)
	if !ok {
		return h.next.Serve(x)
	}
	left := x.Started + int64(timeout) - x.Loop.Now()
	if left <= 0 {
		return ErrDeadline
	}
	c := h.free.Get().(*timedCall)
	c.handler, c.x = h, x
	x.OnEnd(c.ended)
	x.Loop.Arm(&c.timer, time.Duration(left))
	return c.serve()
}

// callTimeout returns the time that a client gives a call, if it limits
// it.
func callTimeout(r *message.Request) (time.Duration, bool) {
	if r.Method != "POST" {
		return 0, false
	}
	text, ok := r.Header.Lookup("Grpc-Timeout")
	if !ok || parseType(r.Header.Get("Content-Type")).dialect != native {
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

// timedCall is a call with a deadline. Whoever works for it on this side of
// the handler is interrupted when that has passed; a coroutine that is sending
// to the client meanwhile learns of it when it pulls the next content.
type timedCall struct {
	handler *deadlines
	x       *message.Exchange
	timer   loop.Timer
	ended   func(*message.Exchange) // end, bound once

	worker *loop.Coroutine // inside the handler or its response's body; nil while nobody is
	body   message.Body    // of the response; nil before there is one
	passed bool
}

func (c *timedCall) serve() error {
	c.enter()
	defer c.forget()
	err := c.handler.next.Serve(c.x)
	if c.leave() && err != nil {
		return ErrDeadline
	}
	r := &c.x.Response
	if err != nil || r.Length == 0 || parseType(r.Header.Get("Content-Type")).dialect != native {
		c.x.Loop.Disarm(&c.timer)
		return err
	}
	c.body, r.Body = r.Body, c
	return nil
}

// pass is called when the deadline has passed.
func (c *timedCall) pass() {
	c.passed = true
	if c.worker != nil {
		c.worker.Interrupt(ErrDeadline)
	}
}

func (c *timedCall) enter() { c.worker = c.x.Loop.Current() }

// forget is for the end by a panic too: the coroutine is somebody else's soon.
func (c *timedCall) forget() { c.worker = nil }

// leave reports whether what failed since enter did so because the deadline has
// passed, and not because the client has gone.
func (c *timedCall) leave() bool {
	if c.passed {
		c.worker.Interrupt(nil)
	}
	gone := c.worker.Canceled() != nil
	c.worker = nil
	return c.passed && !gone
}

// Next returns the next content, and an end with the status of a call that was
// too late when the deadline has passed.
func (c *timedCall) Next() ([]byte, error) {
	if c.passed {
		return nil, c.expire()
	}
	c.enter()
	defer c.forget()
	data, err := c.body.Next()
	if c.leave() && err != nil && err != io.EOF {
		return nil, c.expire()
	}
	return data, err
}

// expire ends the response early.
func (c *timedCall) expire() error {
	if c.body == message.NoBody {
		return io.EOF
	}
	c.body.Close()
	c.body = message.NoBody
	c.x.Failed = ErrDeadline
	t := &c.x.Response.Trailer
	t.Reset()
	addStatus(t, DeadlineExceeded, ErrDeadline.Error())
	return io.EOF
}

// Close gives the response up.
func (c *timedCall) Close() { c.body.Close() }

func (c *timedCall) end(x *message.Exchange) {
	x.Loop.Disarm(&c.timer)
	h := c.handler
	c.handler, c.x, c.worker, c.body, c.passed = nil, nil, nil, nil, false
	h.free.Put(c)
}
