package http1

import (
	"os"

	"pingap/message"
)

// end ends the exchange, whatever has become of it, once nobody works for it
// any more.
func (s *session) end() {
	x := &s.x
	s.x.Response.Close()
	x.Request.Body.Close()
	s.body.Close()
	x.Settle()
	s.body.await(s.front.loop)
	x.Received += s.body.received
	x.Ended = s.front.loop.Now()
	s.serving = false
	s.front.counts.Active.Add(-1)
	x.End()
}

// drainLimit is how many bytes of content that nobody wanted are read so that
// the connection can go on.
const drainLimit = 64 << 10

// goOn makes ready for the next request of the connection, or parts from it.
func (s *session) goOn() bool {
	s.in.deadline = s.front.loop.Now() + int64(lingerTime)
	if s.persist && s.co.Canceled() == nil && s.body.discard(drainLimit) {
		s.x.Reset()
		s.in.unpin()
		return true
	}
	s.persist = false
	s.part()
	return false
}

// part leaves the connection to itself: it waits for its next request, lingers
// until the client has seen the answer, or is closed.
func (s *session) part() {
	c := s.conn
	switch {
	case c.state == closed:
	case s.persist:
		c.wait()
	case s.abort:
		c.abort()
	case s.cut || s.stopped() || s.nothingMore():
		c.close()
	case s.closeWrite() != nil: // it does not take even what there is
		c.abort()
	default:
		c.linger()
	}
}

// stopped reports whether the session has been canceled, other than by a client
// that has left: one that has closed just its own side may still take the answer.
func (s *session) stopped() bool {
	reason := s.co.Canceled()
	return reason != nil && reason != message.ErrClientGone
}

// nothingMore reports whether the client has said that it sends nothing after
// this request, and has kept to it.
func (s *session) nothingMore() bool {
	return !s.head.fields.control.persistent(s.x.Request.Version) && s.body.done() &&
		len(s.in.unread()) == 0 && !s.conn.conn.Readable()
}

func (s *session) closeWrite() error {
	if err := s.send(nil, nil); err != nil {
		return err
	}
	return s.conn.conn.CloseWrite()
}

// flush sends what the client has not taken yet of the last answers. It reports
// false, and what is left to do is to part, when the client takes nothing. One that
// closes its own side meanwhile may still take what it has asked for.
func (s *session) flush() bool {
	c := s.conn
	if c.conn.Pending() == 0 {
		return true
	}
	before := c.state
	c.state = flushing
	err := s.send(nil, nil)
	if c.state == flushing {
		c.state = before
	}
	if err != nil {
		s.persist, s.cut = false, true
		s.abort = s.abort || err == os.ErrDeadlineExceeded
	}
	return err == nil
}

// send sends what is corked, a and b.
func (s *session) send(a, b []byte) error {
	_, err := send(s.conn.conn, s.settings.timeouts.Write, a, b)
	return err
}
