package grpc

import (
	"io"
	"sync"
	"time"

	"pingap/message"
)

// StatusOf tells the client of a call what an error means.
type StatusOf func(error) (code Code, text string)

// Calls returns a handler that gives calls to next an end that their clients
// understand. A call whose deadline (grpc-timeout) has passed ends with ErrDeadline,
// so that an upstream that does not watch it holds neither connection nor
// stream for a client that waits no more. An answer that fails between two of
// its messages ends with the status that status gives the error, as if the
// upstream had ended it so; one that fails inside a message is cut, since what
// follows would be taken for the rest. Clients may be silent in their calls, which
// have deadlines of their own. What is no call of gRPC passes unchanged.
func Calls(next message.Handler, status StatusOf) message.Handler {
	return &calls{next: next, status: status, free: sync.Pool{New: func() any {
		c := new(call)
		c.deadline.timer.Fire, c.ended = c.deadline.pass, c.end
		return c
	}}}
}

type calls struct {
	next   message.Handler
	status StatusOf
	free   sync.Pool // of *call
}

// Serve passes a call on for as long as it may take.
func (h *calls) Serve(x *message.Exchange) error {
	r := &x.Request
	if r.Method != "POST" || parseType(r.Header.Get("Content-Type")).dialect != native {
		return h.next.Serve(x)
	}
	r.Live = true
	c := h.free.Get().(*call)
	c.handler, c.x = h, x
	x.OnEnd(c.ended)
	if timeout, ok := callTimeout(r); ok {
		left := x.Started + int64(timeout) - x.Loop.Now()
		if left <= 0 {
			return ErrDeadline
		}
		c.deadline.loop, c.deadline.due = x.Loop, x.Loop.Now()+left
		x.Loop.Arm(&c.deadline.timer, time.Duration(left))
	}
	return c.serve()
}

// call is one call, and the content of its answer.
type call struct {
	handler  *calls
	x        *message.Exchange
	ended    func(*message.Exchange) // end, bound once
	deadline deadline

	body   message.Body // of the upstream's answer; nil before there is one
	frames frames
	over   error // what Next returns from now on
}

func (c *call) serve() error {
	c.deadline.enter(c.x.Loop)
	defer c.deadline.forget()
	err := c.handler.next.Serve(c.x)
	if c.deadline.leave() && err != nil {
		return ErrDeadline
	}
	r := &c.x.Response
	if err != nil || r.Length == 0 || parseType(r.Header.Get("Content-Type")).dialect != native {
		c.x.Loop.Disarm(&c.deadline.timer)
		return err
	}
	c.body, r.Body = r.Body, c
	// The content may come to another end, and trailers follow in any case.
	r.Length = message.UnknownLength
	return nil
}

// Next returns the next content.
func (c *call) Next() ([]byte, error) {
	switch {
	case c.over != nil:
		return nil, c.over
	case c.deadline.passed:
		return nil, c.fail(ErrDeadline)
	}
	c.deadline.enter(c.x.Loop)
	defer c.deadline.forget()
	data, err := c.body.Next()
	late := c.deadline.leave()
	switch {
	case err == nil:
		c.frames.advance(data)
		return data, nil
	case err == io.EOF:
		// Only a response without content may have its status in the header.
		statusOf(&c.x.Response.Header).put(&c.x.Response.Trailer)
		c.over = err
		return nil, err
	case late:
		err = ErrDeadline
	}
	return nil, c.fail(err)
}

// fail ends the answer early.
func (c *call) fail(err error) error {
	c.body.Close()
	c.over = err
	if c.frames.between() && c.x.Loop.Current().Canceled() == nil {
		c.x.Failed, c.over = err, io.EOF
		trailer := &c.x.Response.Trailer
		trailer.Reset()
		code, text := c.handler.status(err)
		addStatus(trailer, code, text)
	}
	return c.over
}

// Close says that no more is wanted.
func (c *call) Close() { c.body.Close() }

// end makes c ready for another call.
func (c *call) end(x *message.Exchange) {
	x.Loop.Disarm(&c.deadline.timer)
	h := c.handler
	c.handler, c.x, c.body, c.frames, c.over = nil, nil, nil, frames{}, nil
	c.deadline.worker, c.deadline.passed, c.deadline.due = nil, false, 0
	h.free.Put(c)
}
