package grpc

import (
	"io"

	"pingap/message"
)

// textBody is the content of a request, decoded from base64.
type textBody struct {
	body message.Body
	in   []byte // view of body's content that is not decoded yet
	out  lease  // what the caller has a view of
	err  error

	decoder base64Decoder
}

// Next returns the next bytes.
func (b *textBody) Next() ([]byte, error) {
	b.out.release()
	for b.err == nil {
		if len(b.in) == 0 {
			b.pull()
			continue
		}
		out := b.out.take()
		written, read, err := b.decoder.decode(out, b.in)
		b.in, b.err = b.in[read:], err
		if written > 0 {
			return out[:written], nil
		}
		b.out.release()
	}
	return nil, b.err
}

func (b *textBody) pull() {
	b.in, b.err = b.body.Next()
	if b.err == io.EOF && !b.decoder.complete() {
		b.err = errBase64
	}
}

// Close says that no more is wanted.
func (b *textBody) Close() { b.body.Close() }
