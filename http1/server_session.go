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
	front    *front
	settings *settings // of the present exchange
	conn     *serverConn
	co       *loop.Coroutine // runs the session

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
	s.tunnel.relay.Splice = s.tunnel.splice
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
	s.settings = s.front.settings
	if !s.flush() {
		s.part()
	} else {
		for s.next() {
		}
	}
	s.done = true
	s.leave()
}

// leave gives back what the session holds. The connection waits, lingers or is
// closed by now, and may be served by another session.
func (s *session) leave() {
	s.x.Reset()
	s.in.release()
	s.in.conn, s.conn, s.co, s.settings = nil, nil, nil, nil
	s.cut, s.abort, s.response.begun = false, false, false
	s.front.spares.Keep(s)
}

// next serves one request; it reports whether to go on with another.
func (s *session) next() bool {
	f, err := s.readHead()
	refusal, refused := err.(*Error)
	switch {
	case err == nil:
		s.begin(f)
		s.answer(s.settings.handler.Serve(&s.x))
	case refused && s.settings.strangers && refusal == errVersion && s.conn.served == 0:
		s.cut = true
		s.part()
		return false
	case refused:
		s.begin(noContent)
		s.refuse(refusal)
	default:
		s.persist = err == errNothing
		s.cut = !s.persist
		if s.cut {
			s.flush()
		}
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
	s.settings = s.front.settings
	s.head = requestHead{}
	s.in.deadline, s.in.timeout = l.Now()+int64(s.settings.timeouts.Head), 0
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
		n, f, err := s.head.parse(s.in.unread(), &s.x.Request, &s.settings.limits)
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
	s.front.counts.Active.Add(1)
	x := &s.x
	x.Client = c.conn.RemoteAddrPort()
	x.Local = c.localAddr()
	x.ConnectionID = c.id
	x.ConnectedAt = c.connectedAt
	x.Reused = c.served > 0
	c.served++

	req := &x.Request
	req.Scheme = "http"
	if x.TLS = c.tls; x.TLS != nil {
		req.Scheme = "https"
	}
	control := &s.head.fields.control
	s.persist = control.persistent(req.Version) && c.served < s.settings.requests
	s.in.deadline = 0
	s.in.timeout = s.settings.timeouts.Body
	s.body.start(&s.in, f, req.Length, &req.Trailer, &s.settings.limits)
	s.body.leastRate = s.settings.leastRate
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
