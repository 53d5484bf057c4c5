package compression

import (
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"pingap/message"
)

// decoder is what the decoders of all formats can do. Each keeps a bounded part
// of what it has decoded: gzip 32 KiB, Zstandard maxWindow, brotli 16 MiB. What it
// has decoded beyond is gone when it is asked for more, however much content a few
// bytes become.
type decoder interface {
	io.Reader
	Reset(from io.Reader) error
}

// format is a coding that can be decoded.
type format struct {
	name  string // as in Content-Encoding
	spare pool   // of decoder
}

// maxWindow is how far back content in Zstandard may refer: as far as every
// decoder can be relied on to look (RFC 8878 section 3.1.1.1.2).
const maxWindow = 8 << 20

var formats = []*format{
	{name: "gzip", spare: pool{New: func() any { return new(gzip.Reader) }}},
	{name: "br", spare: pool{New: func() any { return brotli.NewReader(nil) }}},
	{name: "zstd", spare: pool{New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			panic(err) // the options are right
		}
		return d
	}}},
}

// decoderOf returns the format of that name, or nil.
func decoderOf(name string) *format {
	if message.EqualFold(name, "x-gzip") { // RFC 9110 section 8.4.1.3
		name = "gzip"
	}
	for _, f := range formats {
		if message.EqualFold(name, f.name) {
			return f
		}
	}
	return nil
}

// decodedBody is a body out of its coding.
type decodedBody struct {
	home  *pool
	ended func(*message.Exchange) // end, bound once

	x       *message.Exchange
	format  *format
	decoder decoder
	begun   bool
	source  source
	out     []byte // a buffer of the loop
	err     error  // what Next returns from now on
}

// source is what a decoder reads. It keeps the error of the content, which
// decoders do not pass on as it is.
type source struct {
	message.Reader
	err error
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

func newDecodedBody(home *pool) *decodedBody {
	b := &decodedBody{home: home}
	b.ended = b.end
	return b
}

// start makes b the content of x's response out of its coding.
func (b *decodedBody) start(x *message.Exchange, f *format) {
	b.x, b.format = x, f
	b.source.Body = x.Response.Body
	x.OnEnd(b.ended)
}

// end makes b ready for another content.
func (b *decodedBody) end(*message.Exchange) {
	b.release()
	*b = decodedBody{home: b.home, ended: b.ended}
	b.home.Put(b)
}

func (b *decodedBody) release() {
	if b.decoder != nil {
		b.format.spare.Put(b.decoder)
		b.x.Loop.Release(b.out)
		b.decoder, b.out = nil, nil
	}
}

// pieceSize is how much is decoded in one go.
const pieceSize = 16 << 10

// Next returns the next bytes that the decoder makes of the content.
func (b *decodedBody) Next() ([]byte, error) {
	for b.err == nil {
		n, err := b.read()
		if err != nil {
			b.fail(b.ending(err))
		}
		if n > 0 {
			giveWay(b.x.Loop)
			return b.out[:n], nil
		}
	}
	b.release()
	return nil, b.err
}

func (b *decodedBody) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *decodedBody) read() (int, error) {
	if b.decoder == nil {
		b.decoder = b.format.spare.Get().(decoder)
		b.out = b.x.Loop.Buffer(pieceSize)
	}
	if !b.begun {
		b.begun = true
		if err := b.decoder.Reset(&b.source); err != nil {
			return 0, err
		}
	}
	return b.decoder.Read(b.out)
}

// ending returns what becomes of the error that a decoder has ended with.
func (b *decodedBody) ending(err error) error {
	switch {
	case b.source.err != nil:
		return b.source.err
	case err != io.EOF:
		return fmt.Errorf("decompress the content of the upstream: %s: %w", b.format.name, err)
	}
	// The content may not be known to have ended before it is asked.
	if _, err := b.source.Body.Next(); err != io.EOF {
		b.source.Body.Close()
	}
	return io.EOF
}

// Close gives the rest up.
func (b *decodedBody) Close() {
	if b.x == nil {
		return
	}
	b.fail(errClosed)
	b.source.Body.Close()
}
