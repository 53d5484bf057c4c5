package http2

import (
	"errors"
	"io"

	"pingap/message"
)

// Errors of a response that does not keep to its Length.
var (
	errShortContent = errors.New("response content is shorter than its length")
	errLongContent  = errors.New("response content is longer than its length")
)

// write sends the response.
func (e *exchange) write() {
	if err := e.waitForOutput(); err != nil {
		e.cut(err)
		return
	}
	x := &e.x
	r := &x.Response
	if r.Tunnel != nil && (r.Status == 101 || x.Request.Method == "CONNECT") {
		if r.Status == 101 {
			r.Status = 200 // RFC 8441 section 5
		}
		e.head(false)
		e.readTime = 0
		if err := e.relay.Run(x, (*nearTunnel)(e), r.Tunnel, e.front.timeouts.Tunnel); x.Failed == nil {
			x.Failed = err
		}
		return
	}
	if x.Request.Method == "HEAD" || r.Status == 204 || r.Status == 304 || r.Length == 0 && !r.Header.Has("trailer") {
		e.head(true)
		e.endLocal()
		return
	}
	e.head(false)
	if err := e.writeContent(r.Body); err != nil {
		e.cut(err)
	}
}

// cut ends a response that cannot be sent to its end.
func (e *exchange) cut(err error) {
	x := &e.x
	if x.Failed == nil {
		x.Failed, x.Cut = err, true
	}
	if e.failed != nil {
		x.Failed = message.ErrClientGone
	}
	e.abort(InternalError, "the response was cut short")
}

// head puts the header section into the output.
func (e *exchange) head(end bool) {
	c := &e.server.conn
	r := &e.x.Response
	e.begun = true
	s, b := c.beginSection(headerSize(&r.Header) + 64)
	b = appendStatus(b, r.Status)
	dated := false
	for _, f := range r.Header.Fields() {
		switch {
		case connectionSpecific(f.Name), len(f.Name) == 14 && message.EqualFold(f.Name, "content-length"):
			continue
		case len(f.Name) == 20 && e.connect && message.EqualFold(f.Name, "sec-websocket-accept"):
			continue
		case len(f.Name) == 4 && message.EqualFold(f.Name, "date"):
			dated = true
		}
		b = appendField(b, f.Name, f.Value)
	}
	if !dated {
		b = appendLiteral(b, indexDate, message.View(e.front.date.At(c.loop.Now())))
	}
	if r.Length >= 0 && r.Status != 204 && r.Tunnel == nil && (r.Status != 304 || r.Length > 0) {
		b = appendLength(b, r.Length)
	}
	s.end(b, e.id, end)
}

// writeContent pulls the content and sends it, then the trailers.
func (e *exchange) writeContent(body message.Body) error {
	r := &e.x.Response
	left := r.Length
	// The last byte of content of a known length ends the stream, unless
	// trailers may follow.
	_, fromHTTP2 := body.(*clientExchange)
	early := left >= 0 && !fromHTTP2 && !r.Header.Has("trailer")
	for {
		view, err := body.Next()
		if err == io.EOF {
			return e.endContent(left)
		}
		if err != nil {
			return err
		}
		if left >= 0 {
			if left -= int64(len(view)); left < 0 {
				return errLongContent
			}
		}
		if err := e.send(view, early && left == 0); err != nil {
			return err
		}
		e.x.Sent += int64(len(view))
	}
}

// endContent ends the stream, with trailers where there are some.
func (e *exchange) endContent(left int64) error {
	if left > 0 {
		return errShortContent
	}
	if e.localDone {
		return nil
	}
	trailer := &e.x.Response.Trailer
	if trailer.Len() == 0 {
		return e.send(nil, true)
	}
	if err := e.waitForOutput(); err != nil {
		return err
	}
	s, b := e.server.conn.beginSection(headerSize(trailer))
	for _, f := range trailer.Fields() {
		if !connectionSpecific(f.Name) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	s.end(b, e.id, true)
	e.endLocal()
	return nil
}

// interim sends an interim response, unless the final one has begun. A 100 goes
// only to a client that waits for it. It never parks, since it may be called for
// an upstream that others wait for too: to a client that does not take what it
// has been sent, nothing more goes but a 100.
func (e *exchange) interim(status int, header *message.Header) error {
	switch {
	case e.begun || e.failed != nil || e.server.full() && status != 100:
		return nil
	case status == 100 && e.expect == nil && e.received > 0:
		return nil
	case status < 100 || status > 199 || status == 101:
		return errNoAnswer
	}
	if status == 100 {
		e.expect = nil
	}
	s, b := e.server.conn.beginSection(headerSize(header) + 8)
	b = appendStatus(b, status)
	for _, f := range header.Fields() {
		if !connectionSpecific(f.Name) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	s.end(b, e.id, false)
	return nil
}
