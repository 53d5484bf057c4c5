package http1

import (
	"bytes"
	"errors"
	"io"
	"os"

	"pingap/loop"
	"pingap/message"
)

// session serves the requests of one connection for as long as they follow
// each other closely: it is the coroutine's Task, and what an exchange needs.
// Sessions are pooled by their front.
type session struct {
	front *front
	conn  *serverConn
	co    *loop.Coroutine // runs the session

	x        message.Exchange
	in       input
	head     requestHead
	body     body
	response responseWriter
	tunnel   tunnel

	persist bool // the connection may carry another request
	cut     bool // it is to be closed without further ado
	abort   bool // it is to be reset, since a close would look like an end
	serving bool // an exchange has begun and not ended
	done    bool // Run has come to its end, not to a panic

	nextFree *session

	// Bound once, so that setting them does not allocate.
	sendInterim  func(int, *message.Header) error
	sendContinue func() error
	bodyLost     func(error) error
}

func newSession(f *front) *session {
	s := &session{front: f}
	s.x.Loop = f.loop
	s.x.Reset()
	s.response.session, s.tunnel.session = s, s
	s.sendInterim = s.response.interim
	s.sendContinue = s.response.sendContinue
	s.bodyLost = s.lostBody
	return s
}

// Run serves requests until none is there.
func (s *session) Run() {
	s.co = s.front.loop.Current()
	s.done = false
	defer s.rescue()
	for s.next() {
	}
	s.done = true
	s.leave()
}

// leave gives back what the session holds. The connection waits, lingers or is
// closed by now, and may be served by another session.
func (s *session) leave() {
	s.x.Reset()
	s.in.release()
	s.in.conn, s.conn, s.co = nil, nil, nil
	s.cut, s.abort = false, false
	s.front.give(s)
}

// rescue deals with a panic on its way to the loop, which reports it: the
// exchange gets its end in a fresh coroutine, since this one must not park.
func (s *session) rescue() {
	if !s.done {
		s.co = s.front.loop.Go(loop.TaskFunc(s.salvage))
	}
}

func (s *session) salvage() {
	s.persist = false
	if s.serving {
		s.x.Failed = errPanic
		if !s.response.begun {
			s.replace(errPanic)
			s.response.write()
		}
		s.end()
	}
	s.cut = true
	s.part()
	s.leave()
}

// next serves one request; it reports whether to go on with another.
func (s *session) next() bool {
	f, err := s.readHead()
	if err == nil {
		s.begin(f)
		s.answer(s.front.handler.Serve(&s.x))
	} else if refusal, ok := err.(*Error); ok {
		s.begin(noContent)
		s.persist = false
		s.x.Failed = refusal
		s.x.Response.Status = refusal.Status
		s.front.refuse(&s.x, refusal)
		s.response.write()
	} else {
		s.persist = err == errNothing
		s.cut = !s.persist
		s.part()
		return false
	}
	s.end()
	return s.goOn()
}

// errNothing says that no request has begun to come in.
var errNothing = errors.New("no request")

// readHead reads and parses a head. It returns errNothing, without parking,
// when no byte of one is there.
func (s *session) readHead() (framing, error) {
	l := s.front.loop
	s.head = requestHead{}
	s.in.deadline, s.in.timeout = l.Now()+int64(s.front.timeouts.Head), 0
	if len(s.in.unread()) == 0 {
		switch err := s.in.tryMore(); err {
		case nil:
		case loop.ErrWouldBlock:
			return 0, errNothing
		default:
			return 0, err
		}
	}
	s.x.Started = l.Now()
	for {
		n, f, err := s.head.parse(s.in.unread(), &s.x.Request, &s.front.limits)
		if err == nil {
			s.in.consume(n)
			s.in.pin()
			return f, nil
		}
		if err != errIncomplete {
			return 0, err
		}
		moved, err := s.in.more()
		if moved {
			s.head = requestHead{}
			s.x.Request.Reset()
		}
		if err != nil {
			return 0, s.headError(err)
		}
	}
}

// headError decides what the end of the connection, or of the time, means
// after a part of a head.
func (s *session) headError(err error) error {
	rest := bytes.TrimPrefix(s.in.unread(), crlf)
	began := len(rest) > 0 && string(rest) != "\r"
	switch {
	case began && err == os.ErrDeadlineExceeded:
		return errHeadLate
	case began && err == io.EOF:
		return errHeadCut
	}
	return err
}

// begin makes the exchange of the request that has been parsed.
func (s *session) begin(f framing) {
	c := s.conn
	s.serving = true
	s.front.active.Add(1)
	x := &s.x
	x.Client = c.conn.RemoteAddrPort()
	x.Local = c.localAddr()
	x.ConnectionID = c.id
	x.ConnectedAt = c.connectedAt
	x.Reused = c.served > 0
	c.served++

	req := &x.Request
	req.Scheme = "http"
	control := &s.head.fields.control
	s.persist = control.persistent(req.Version) && c.served < s.front.requests
	s.in.deadline = 0
	s.in.timeout = s.front.timeouts.Body
	s.body.start(&s.in, f, req.Length, &req.Trailer, &s.front.limits)
	s.body.leastRate = s.front.leastRate
	s.body.lost = s.bodyLost
	req.Body = &s.body
	s.response.start()
	if req.Version != message.HTTP10 {
		x.SetInterim(s.sendInterim)
		if control.expect && f != noContent && len(s.in.unread()) == 0 {
			s.body.before = s.sendContinue
		}
	}
}

// answer sends what the handler has given, which may be an error.
func (s *session) answer(err error) {
	x := &s.x
	if err != nil {
		x.Failed = err
	}
	switch {
	case s.co.Canceled() != nil || errors.Is(err, message.ErrClientGone):
		s.gone()
		return
	case x.Response.Status == 0 || !s.response.valid():
		s.replace(s.refusal())
	}
	s.response.write()
}

// gone ends an exchange whose client will not see an answer.
func (s *session) gone() {
	s.x.Failed = message.ErrClientGone
	s.x.Response.Status = statusClientGone
	s.persist, s.cut = false, true
}

// statusClientGone stands in logs for the answer to a client that has not
// waited for it.
const statusClientGone = 499

// refusal is why there is no answer from the handler: the request's content,
// where that is what was wrong.
func (s *session) refusal() *Error {
	if bad, ok := s.body.err.(*Error); ok {
		return bad
	}
	if s.x.Request.Method == "CONNECT" && s.x.Response.Status/100 == 2 {
		s.persist = false
		return errNoConnect
	}
	if s.x.Failed == nil {
		s.x.Failed = errNoAnswer
	}
	return errNoAnswer
}

// replace puts a page that says why in the place of the handler's response.
func (s *session) replace(why *Error) {
	s.drop()
	s.x.Response.Reset()
	s.x.Response.Status = why.Status
	shortPage(&s.x, why)
}

// drop closes the response that the handler has given.
func (s *session) drop() {
	r := &s.x.Response
	r.Body.Close()
	if r.Tunnel != nil {
		r.Tunnel.Close()
	}
}

// clientGone cancels the exchange: whatever its coroutine waits for ends.
func (s *session) clientGone() { s.co.Cancel(message.ErrClientGone) }

// lostBody hears of errors in reading the request's content. A client that has
// gone ends the exchange even when another coroutine is the one that noticed.
func (s *session) lostBody(err error) error {
	switch {
	case err == os.ErrDeadlineExceeded:
		return errBodyLate
	case s.front.loop.Current().Canceled() == err:
		return err
	}
	s.clientGone()
	return message.ErrClientGone
}

// end ends the exchange, whatever has become of it, once nobody works for it
// any more.
func (s *session) end() {
	x := &s.x
	s.drop()
	x.Request.Body.Close()
	s.body.Close()
	x.Settle()
	s.body.await(s.front.loop)
	x.Received += s.body.received
	x.Ended = s.front.loop.Now()
	s.serving = false
	s.front.active.Add(-1)
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
	case s.cut || s.co.Canceled() != nil || s.nothingMore():
		c.close()
	case s.closeWrite() != nil:
		c.close()
	default:
		c.linger()
	}
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

// send sends what is corked, a and b. The client may take its time as long as
// it takes something.
func (s *session) send(a, b []byte) error {
	c := s.conn.conn
	for {
		pending := c.Pending()
		c.SetWriteDeadlineAt(s.front.loop.Now() + int64(s.front.timeouts.Write))
		n, err := c.Writev(a, b)
		if err != os.ErrDeadlineExceeded || n == 0 && c.Pending() == pending {
			return err
		}
		k := min(int(n), len(a))
		a, b = a[k:], b[int(n)-k:]
	}
}
