package http1

import (
	"bytes"
	"errors"
	"os"

	"pingap/loop"
	"pingap/message"
)

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
		s.x.Replace(s.refusal())
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
		return message.ErrConnect
	}
	if s.x.Failed == nil {
		s.x.Failed = errNoAnswer
	}
	return errNoAnswer
}

// refuse answers a request that the handler does not get to see. What begins like
// HEAD has no content as its answer even where the first line is what is wrong: the
// client expects none, and could take it for the answer to its next request.
func (s *session) refuse(why *Error) {
	if s.x.Request.Method == "" && bytes.HasPrefix(bytes.TrimPrefix(s.in.unread(), crlf), []byte("HEAD ")) {
		s.x.Request.Method = "HEAD"
	}
	s.persist = false
	s.x.Failed = why
	s.x.Response.Status = why.Status
	s.settings.refuse(&s.x, why)
	s.response.write()
}

// clientGone cancels the exchange: whatever its coroutine waits for ends. A session
// that has not begun to run finds out by itself.
func (s *session) clientGone() {
	if s.co != nil {
		s.co.Cancel(message.ErrClientGone)
	}
}

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

// rescue deals with a panic on its way to the loop, which reports it: the
// exchange gets its end in a fresh coroutine, since this one must not park.
func (s *session) rescue() {
	if !s.done {
		s.co = s.front.loop.Go(loop.TaskFunc(s.salvage))
	}
}

// salvage ends what a panic has left.
func (s *session) salvage() {
	s.persist = false
	s.cut = s.cut || !s.serving || s.response.begun
	if s.serving {
		s.x.Failed = errPanic
		if !s.response.begun {
			s.x.Replace(errPanic)
			s.response.write()
		}
		s.end()
	}
	s.part()
	s.leave()
}
