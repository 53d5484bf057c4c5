package grpc

import (
	"sync"

	"pingap/message"
)

// Web returns a handler that lets next, which speaks gRPC, answer calls of
// gRPC-Web too. Everything else passes unchanged, and so do answers that are no
// gRPC: clients make a status of their HTTP status themselves.
func Web(next message.Handler) message.Handler {
	return &translator{next: next, free: sync.Pool{New: func() any {
		t := new(translation)
		t.ended = t.end
		return t
	}}}
}

type translator struct {
	next message.Handler
	free sync.Pool // of *translation
}

// Serve asks next in gRPC and answers in gRPC-Web.
func (h *translator) Serve(x *message.Exchange) error {
	r := &x.Request
	original := r.Header.Get("Content-Type")
	own := parseType(original)
	if !own.dialect.isWeb() || r.Method != "POST" {
		return h.next.Serve(x)
	}
	t := h.free.Get().(*translation)
	t.home, t.x = h, x
	x.OnEnd(t.ended)
	t.translateRequest(own)
	err := h.next.Serve(x)
	// To whoever stands around this handler the request is what the client sent.
	r.Header.Set("Content-Type", original)
	if err != nil {
		return err
	}
	if upstream := parseType(x.Response.Header.Get("Content-Type")); upstream.dialect == native && x.Response.Status == 200 {
		answer := answerType(r)
		answer.suffix = upstream.suffix
		t.translateResponse(answer)
	}
	return nil
}

// translation is one call of gRPC-Web on its way to gRPC and back.
type translation struct {
	home  *translator // nil where there is nobody to ask
	x     *message.Exchange
	ended func(*message.Exchange) // end, bound once

	request  textBody
	response webBody
}

func (t *translation) translateRequest(own contentType) {
	r := &t.x.Request
	r.Header.Set("Content-Type", t.x.Concat(base[native], own.suffix))
	r.Header.Set("TE", "trailers") // which gRPC asks of every client
	if own.dialect == webText && r.Length != 0 {
		t.request = textBody{body: r.Body, out: lease{loop: t.x.Loop}}
		r.Body, r.Length = &t.request, message.UnknownLength
	}
}

func (t *translation) translateResponse(to contentType) {
	r := &t.x.Response
	if to.suffix == "" {
		to.suffix = "+proto" // what gRPC means without a suffix, and some clients insist on
	}
	r.Header.Set("Content-Type", t.x.Concat(base[to.dialect], to.suffix))
	r.Header.Del("Trailer")
	t.response = webBody{x: t.x, body: r.Body, text: to.dialect == webText, out: lease{loop: t.x.Loop}}
	// In gRPC-Web the status is in the content, since scripts may not see the
	// fields of an answer from another origin.
	t.response.status = statusOf(&r.Header)
	dropStatus(&r.Header)
	r.Body, r.Length = &t.response, message.UnknownLength
}

// end makes the translation ready for another call.
func (t *translation) end(*message.Exchange) {
	t.request.out.release()
	t.response.out.release()
	if h := t.home; h != nil {
		t.home, t.x, t.request, t.response = nil, nil, textBody{}, webBody{}
		h.free.Put(t)
	}
}
