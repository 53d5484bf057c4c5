package grpc

import (
	"encoding/base64"
	"errors"
	"io"

	"pingap/message"
)

// errCutFrame is what an answer of gRPC-Web ends with when that of gRPC ended
// inside a message: trailers behind it would be taken for the rest.
var errCutFrame = errors.New("the upstream's answer ended inside a message")

// webBody is the content of a response in gRPC-Web: the messages, then the
// trailers as one more.
type webBody struct {
	x      *message.Exchange
	body   message.Body
	text   bool
	status status
	frames frames
	in     []byte // view that is not passed on yet
	out    lease  // what the caller has a view of, as text
	err    error
}

// Next returns the next bytes. Messages are not held back for others: what the
// upstream has sent goes on at once, as text with padding behind it.
func (b *webBody) Next() ([]byte, error) {
	b.out.release()
	for len(b.in) == 0 {
		if b.err != nil {
			return nil, b.err
		}
		b.pull()
	}
	if b.text {
		return b.encode(), nil
	}
	view := b.in
	b.in = nil
	return view, nil
}

// pull takes the next content, and the trailers behind the last.
func (b *webBody) pull() {
	b.in, b.err = b.body.Next()
	b.frames.advance(b.in)
	if b.err != io.EOF {
		return
	}
	if !b.frames.between() {
		b.err = errCutFrame
		return
	}
	trailer := &b.x.Response.Trailer
	b.status.put(trailer)
	b.in = appendTrailer(b.x.Buffer(trailerSize(trailer)), trailer)
	trailer.Reset()
}

// encode encodes as much as a buffer takes.
func (b *webBody) encode() []byte {
	n := min(len(b.in), base64.StdEncoding.DecodedLen(textBuffer))
	out := b.out.take()[:base64.StdEncoding.EncodedLen(n)]
	base64.StdEncoding.Encode(out, b.in[:n])
	b.in = b.in[n:]
	return out
}

// Close says that no more is wanted.
func (b *webBody) Close() { b.body.Close() }
