package http2

import (
	"io"

	"pingap/message"
)

// upload is what a clientExchange knows of the content of its request, which a
// coroutine of its own sends.
type upload struct {
	uploading *message.Exchange // whose content is being sent; nil when it is over
	uploadErr error             // of the request's content
	pulling   bool              // that coroutine is in Request.Body
	pulled    bool              // content has come from there
	// whole is a copy of the content as far as it has been pulled, unless that
	// is more than maxWhole. What the peer has not looked at can then be sent
	// again.
	whole    []byte
	overlong bool
}

// maxWhole bounds what is kept of a request's content: forms and calls of an API
// mostly fit.
const maxWhole = 16 << 10

func (u *upload) reset() { *u = upload{whole: u.whole[:0]} }

// keep notes content that has been pulled.
func (u *upload) keep(view []byte) {
	u.pulled = true
	if u.overlong = u.overlong || len(u.whole)+len(view) > maxWhole; !u.overlong {
		u.whole = append(u.whole, view...)
	}
}

// rewind makes the content of x what it was before the upload; it reports whether
// that is possible. The copy lives as long as the exchange does.
func (u *upload) rewind(x *message.Exchange) bool {
	switch {
	case u.pulling, u.overlong, u.pulled && u.uploading != nil:
		return false
	case u.pulled:
		x.Request.Body = &message.BytesBody{Data: u.whole}
	}
	return true
}

// startUpload begins to send the content of x.
func (t *clientExchange) startUpload(x *message.Exchange) {
	t.uploading = x
	x.Hold()
	x.Loop.Go(t)
}

// Run implements loop.Task: it sends the content of the request. The exchange
// may have ended before this begins.
func (t *clientExchange) Run() {
	x := t.uploading
	err := error(errPanic)
	defer func() {
		t.uploading = nil
		if err != nil && t.failed == nil && t.x == x {
			t.uploadErr = err
			t.abort(Cancel, "the request was cut short")
		}
		if t.co != nil {
			t.co.Wake()
		}
		x.Release()
	}()
	err = t.sendContent(x)
}

func (t *clientExchange) sendContent(x *message.Exchange) error {
	for t.x == x {
		t.pulling = true
		view, err := x.Request.Body.Next()
		t.pulling = false
		if t.x != x {
			break
		}
		if err == io.EOF {
			return t.endContent(&x.Request.Trailer)
		}
		t.keep(view)
		if err != nil {
			return err
		}
		if err := t.send(view, false); err != nil {
			return err
		}
	}
	return nil
}

// endContent ends the request, with trailers where there are some.
func (t *clientExchange) endContent(trailer *message.Header) error {
	if t.failed != nil {
		return t.failed
	}
	t.sentAt = t.client.loop.Now()
	if trailer.Len() == 0 {
		return t.send(nil, true)
	}
	s, b := t.client.beginSection(headerSize(trailer))
	for _, f := range trailer.Fields() {
		if message.MayTrail(f.Name) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	s.end(b, t.id, true)
	t.endLocal()
	return nil
}
