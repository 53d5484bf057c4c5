package http1

import (
	"errors"
	"io"
	"os"

	"pingap/message"
)

// responseWriter writes the response of a session's exchange. Everything goes
// through the connection's corked output, so that a head leaves in one system
// call with the first bytes of its content, and small answers to pipelined
// requests leave together.
type responseWriter struct {
	session *session
	framing framing
	left    int64 // of sized content
	begun   bool  // the final head is in the output
	copies  bool  // content cannot be spliced
}

// Errors of a response that does not keep to its Length.
var (
	errShortContent = errors.New("response content is shorter than its length")
	errLongContent  = errors.New("response content is longer than its length")
)

// start makes ready for the next response.
func (w *responseWriter) start() { w.begun, w.copies = false, false }

// valid reports whether the response can be sent as an answer to the request.
func (w *responseWriter) valid() bool {
	x := &w.session.x
	r := &x.Response
	switch {
	case r.Status == 101:
		return r.Tunnel != nil && x.Request.Upgrade != "" && w.session.body.done()
	case x.Request.Method == "CONNECT" && r.Status/100 == 2:
		return r.Tunnel != nil
	}
	return r.Status >= 200 && r.Status <= 599 && r.Length >= message.UnknownLength
}

// write sends the response, head and content. What goes wrong from here on can
// only be told by cutting the connection.
func (w *responseWriter) write() {
	s := w.session
	r := &s.x.Response
	if r.Tunnel != nil && (r.Status == 101 || s.x.Request.Method == "CONNECT") {
		s.persist = false
		w.head(noContent)
		s.flush() // what is wrong with the connection shows in the tunnel too
		s.tunnel.run(r.Tunnel)
		return
	}
	w.plan()
	w.head(w.framing)
	err := w.content(r.Body)
	if err == nil && !w.mayWait() {
		err = s.send(nil, nil)
	}
	if err != nil {
		w.fail(err)
	}
}

// mayWait reports whether what is written may wait for the end of the loop's turn:
// it leaves together with the answers to requests that have come already.
func (w *responseWriter) mayWait() bool {
	return w.session.persist && w.session.conn.conn.Pending() < maxCorked
}

// endsWithConnection reports whether it is the end of the connection that tells the
// client where the response ends, which has begun.
func (w *responseWriter) endsWithConnection() bool {
	return w.begun && w.framing == untilClose
}

// fail cuts the connection inside a response. Where only the end of the
// connection would end the content, a reset tells that this is not it. For a client
// that has stopped reading the kernel would keep what it has not taken, megabytes, for
// minutes after a close: a reset frees it.
func (w *responseWriter) fail(err error) {
	s := w.session
	if s.co.Canceled() != nil {
		err = s.co.Canceled()
	}
	if s.x.Failed == nil {
		s.x.Failed, s.x.Cut = err, true
	}
	s.persist, s.cut = false, true
	s.abort = w.endsWithConnection() || err == os.ErrDeadlineExceeded
	if !s.abort && s.co.Canceled() == nil {
		s.flush() // the answers before are whole
	}
}

// plan decides how the content is framed and whether the connection persists.
func (w *responseWriter) plan() {
	s := w.session
	x, r := &s.x, &s.x.Response
	switch {
	case x.Request.Method == "HEAD", r.Status == 204, r.Status == 304:
		w.framing = noContent
	case r.Length >= 0:
		w.framing, w.left = sized, r.Length
	case x.Request.Version != message.HTTP10:
		w.framing = chunked
	default:
		w.framing = untilClose
		s.persist = false
	}
	// A client that waits for 100 (Continue) may or may not send its content
	// after another answer, and one that has asked for a tunnel what is for the
	// far end: nobody could tell it from the next request.
	if s.body.before != nil && s.body.received == 0 || x.Request.Method == "CONNECT" {
		s.persist = false
	}
	// Content that failed, or that is too much to read over after a refusal,
	// leaves no way to the next request.
	if !s.body.done() && (s.body.err != nil || r.Status >= 400 && s.body.framing == sized && s.body.left > drainLimit && !x.Held()) {
		s.persist = false
	}
	if s.front.draining {
		s.persist = false
	}
}

// head puts the head into the output.
func (w *responseWriter) head(f framing) {
	s := w.session
	c := s.conn.conn
	r := &s.x.Response
	w.begun = true
	room := len("HTTP/1.1 200 \r\n") + 32 + ownFields + headSize(&r.Header) + len(s.x.Request.Upgrade)
	if f == sized && r.Length <= smallPiece {
		room += int(r.Length)
	}
	b := appendStatusLine(c.Output(room), r.Status)
	b, dated := w.appendHeader(b, f)
	if !dated {
		b = append(b, "Date: "...)
		b = append(b, s.front.date.At(s.front.loop.Now())...)
		b = append(b, crlf...)
	}
	b = w.appendFraming(b, f)
	b = w.appendConnection(b)
	c.SetOutput(append(b, crlf...))
}

// appendHeader appends the fields that are the handler's to set. It reports
// whether Date is among them.
func (w *responseWriter) appendHeader(b []byte, f framing) (_ []byte, dated bool) {
	r := &w.session.x.Response
	for _, field := range r.Header.Fields() {
		switch k := kindOf(field.Name); {
		case k == ordinary:
		case k == dateField:
			dated = true
		case k == upgradeField && (r.Status == 101 || r.Status == 426):
		case k == trailerField && f == chunked:
		case k == lengthField, k == trailerField, k.connectionSpecific():
			continue
		}
		b = appendField(b, field.Name, field.Value)
	}
	return b, dated
}

// appendFraming appends the fields that frame the content (RFC 9112 section
// 6). A length without content is that of the content which there would be:
// not known of a 304 whose handler has not said it.
func (w *responseWriter) appendFraming(b []byte, f framing) []byte {
	r := &w.session.x.Response
	switch {
	case f == chunked:
		return append(b, chunkedLine...)
	case f == sized:
		return appendLength(b, r.Length)
	case w.session.x.Request.Method == "CONNECT", r.Status == 101, r.Status == 204, r.Length < 0:
		return b
	case f == noContent && (r.Status != 304 || r.Length > 0):
		return appendLength(b, r.Length)
	}
	return b
}

// appendConnection appends what the client is to know of the connection (RFC
// 9112 section 9).
func (w *responseWriter) appendConnection(b []byte) []byte {
	s := w.session
	switch {
	case s.x.Response.Status == 101:
		if !s.x.Response.Header.Has("Upgrade") {
			b = appendField(b, "Upgrade", s.x.Request.Upgrade)
		}
		return append(b, "Connection: upgrade\r\n"...)
	case s.x.Response.Tunnel != nil:
		return b
	case s.x.Response.Status == 426 && s.x.Response.Header.Has("Upgrade"): // RFC 9110 section 7.8
		b = append(b, "Connection: upgrade\r\n"...)
	}
	switch {
	case !s.persist:
		return append(b, "Connection: close\r\n"...)
	case s.x.Request.Version == message.HTTP10:
		return append(b, "Connection: keep-alive\r\n"...)
	}
	return b
}

// content pulls the content and sends it.
func (w *responseWriter) content(body message.Body) error {
	if w.framing == noContent {
		return nil
	}
	for {
		if err := w.splice(body); err != nil {
			return err
		}
		view, err := body.Next()
		if err == io.EOF {
			return w.endContent()
		}
		if err != nil {
			return err
		}
		if err := w.piece(view); err != nil {
			return err
		}
		w.session.x.Sent += int64(len(view))
	}
}

// spliceLeast is how much content must be left for it to be moved within the
// kernel: below, the pipe costs more than the copying that it saves.
const spliceLeast = 1 << 20

// splice moves the rest of an upstream's content to the client without taking
// it into the process, if nothing wants to see it. Where it cannot, it leaves
// the content to be copied.
func (w *responseWriter) splice(body message.Body) error {
	if w.framing != sized || w.left < spliceLeast || w.copies {
		return nil
	}
	source, ok := body.(*responseBody)
	if !ok || !source.rests(w.left) {
		return nil
	}
	s := w.session
	n, err := source.spliceTo(s.conn.conn, w.left, s.settings.timeouts.Write)
	w.left -= n
	s.x.Sent += n
	if errors.Is(err, errors.ErrUnsupported) {
		w.copies = true
		return nil
	}
	return err
}

func (w *responseWriter) piece(view []byte) error {
	c := w.session.conn.conn
	if w.framing == chunked {
		return writeChunk(c, view, w.session.send)
	}
	if w.framing == sized {
		if w.left -= int64(len(view)); w.left < 0 {
			return errLongContent
		}
	}
	if len(view) > smallPiece || c.Pending() >= maxCorked {
		return w.session.send(view, nil)
	}
	c.SetOutput(append(c.Output(len(view)), view...))
	return nil
}

// endContent ends what is framed.
func (w *responseWriter) endContent() error {
	switch {
	case w.framing == sized && w.left > 0:
		return errShortContent
	case w.framing == chunked:
		c := w.session.conn.conn
		trailer := &w.session.x.Response.Trailer
		c.SetOutput(appendLastChunk(c.Output(len("0\r\n")+headSize(trailer)), trailer))
	}
	return nil
}

// interim sends an interim response, unless the final one has begun. A 100
// goes only to a client that waits for it.
func (w *responseWriter) interim(status int, header *message.Header) error {
	s := w.session
	switch {
	case w.begun:
		return nil
	case status == 100:
		return w.passContinue()
	case status < 100 || status > 199 || status == 101:
		return errNoAnswer
	}
	c := s.conn.conn
	b := appendStatusLine(c.Output(64+headSize(header)), status)
	for _, f := range header.Fields() {
		if kindOf(f.Name) == ordinary {
			b = appendField(b, f.Name, f.Value)
		}
	}
	c.SetOutput(append(b, crlf...))
	if c.Pending() >= maxCorked {
		return s.send(nil, nil)
	}
	return nil
}

func (w *responseWriter) passContinue() error {
	if w.session.body.before == nil {
		return nil
	}
	w.session.body.before = nil
	return w.sendContinue()
}

// sendContinue tells the client to send its content (RFC 9110 section 10.1.1).
func (w *responseWriter) sendContinue() error {
	if w.begun {
		return nil
	}
	c := w.session.conn.conn
	c.SetOutput(append(c.Output(64), "HTTP/1.1 100 Continue\r\n\r\n"...))
	return nil
}
