package http1

import (
	"errors"
	"io"
	"time"

	"pingap/loop"
	"pingap/message"
)

// maxInterim bounds the interim responses to one request: enough for a long
// task that reports its progress, too few to keep a client waiting for ever.
const maxInterim = 100

var errManyInterim = errors.New("too many interim responses")

// receive reads responses up to the final one.
func (t *roundTrip) receive() error {
	for range maxInterim + 1 {
		f, err := t.readHead()
		if err != nil {
			return err
		}
		status := t.x.Response.Status
		if status >= 200 {
			return t.accept(f)
		}
		if status == 101 {
			return t.switchProtocols()
		}
		if err := t.relayInterim(); err != nil {
			return err
		}
	}
	return t.fault(message.BadResponse, errManyInterim)
}

// readHead reads the head of a response and leaves what is behind it unread.
func (t *roundTrip) readHead() (framing, error) {
	x := t.x
	for {
		n, f, err := t.head.parse(t.in.unread(), x.Request.Method, &x.Response, &t.limits)
		if err == nil {
			t.in.consume(n)
			return f, nil
		}
		if err != errIncomplete {
			return 0, t.fault(message.BadResponse, err)
		}
		if err := t.more(); err != nil {
			return 0, err
		}
	}
}

// more waits for more of a head.
func (t *roundTrip) more() error {
	if err := t.upload.failure(); err != nil {
		return err
	}
	if err := t.in.rest(); err != nil {
		return t.readError(err)
	}
	moved, err := t.in.more()
	if moved {
		t.head = responseHead{}
		t.x.Response.Header.Reset()
	}
	if err != nil {
		return t.readError(err)
	}
	t.received = true
	return nil
}

// relayInterim passes an interim response on (RFC 9110 section 15.2). 100
// (Continue) also lets the upload go ahead.
func (t *roundTrip) relayInterim() error {
	resp := &t.x.Response
	if resp.Status == 100 {
		t.upload.proceed()
	}
	if err := t.x.Interim(resp.Status, &resp.Header); err != nil {
		return err
	}
	t.head = responseHead{}
	resp.Reset()
	resp.Body = (*responseBody)(t)
	return nil
}

// accept takes the head that has been read as the answer.
func (t *roundTrip) accept(f framing) error {
	x := t.x
	t.in.pin()
	t.note()
	t.keep = t.head.persistent() && !t.options.Close && f != untilClose && !t.announcesNone()
	t.body.start(&t.in, f, x.Response.Length, &x.Response.Trailer, &t.limits)
	if f == noContent {
		t.finish()
	}
	return nil
}

// announcesNone reports whether the head of a response that has no content frames some
// (RFC 9110 section 8.6 forbids it): a peer that sends it would have it read as the
// next response.
func (t *roundTrip) announcesNone() bool {
	control := &t.head.fields.control
	return t.x.Response.Status == 204 && (control.chunked || control.length > 0)
}

// note records what is known of the upstream with the head.
func (t *roundTrip) note() {
	x := t.x
	t.headAt = x.Loop.Now()
	x.Upstream.Status = x.Response.Status
	x.Upstream.ProcessingTime = max(t.headAt-t.sentAt, 0)
}

// responseBody is a roundTrip as the content of its response.
type responseBody roundTrip

// Next returns the next bytes of the content. With the last of them the
// connection is free for another exchange.
func (b *responseBody) Next() ([]byte, error) {
	t := (*roundTrip)(b)
	if t.x == nil {
		return nil, t.over
	}
	if err := t.upload.failure(); err != nil {
		t.cut(err)
		return nil, err
	}
	view, err := t.body.Next()
	switch {
	case t.x == nil: // closed meanwhile
	case err == io.EOF, err == nil && t.body.done():
		t.finish()
	case err != nil:
		t.cut(t.readError(err))
	}
	if err != nil {
		return nil, t.over
	}
	return view, nil
}

// rests reports whether exactly n bytes of the content are still to come, framed
// by their number, none of them has been read, and nothing else is waited for:
// an upload that goes on has the last word on how long the response may take.
func (b *responseBody) rests(n int64) bool {
	t := (*roundTrip)(b)
	return t.x != nil && t.body.err == nil && t.body.framing == sized && t.body.left == n && len(t.in.unread()) == 0 &&
		t.upload.complete()
}

// spliceTo moves n bytes of content to dst within the kernel, and returns how
// many dst has taken. The end of the content remains to be pulled.
func (b *responseBody) spliceTo(dst *loop.Conn, n int64, write time.Duration) (int64, error) {
	t := (*roundTrip)(b)
	moved, err := t.x.Loop.Splice(dst, t.conn, n, loop.SpliceLimits{Read: t.options.ReadTimeout, Write: write})
	if t.x == nil { // closed meanwhile
		return moved, t.over
	}
	t.body.left -= moved
	t.body.received += moved
	var written *loop.SpliceWriteError
	switch {
	case err == nil, errors.Is(err, errors.ErrUnsupported):
		return moved, err
	case errors.As(err, &written):
		return moved, written.Err
	}
	t.cut(t.readError(err))
	return moved, t.over
}

// Close gives the rest of the content up, and the connection with it.
func (b *responseBody) Close() { (*roundTrip)(b).abandon() }
