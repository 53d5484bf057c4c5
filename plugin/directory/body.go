package directory

import (
	"errors"
	"io"
	"os"
	"sync"

	"pingap/message"
)

// fileBody is the content of an answer: parts of a file. It reads the file beside
// the loop, a chunk at a time.
type fileBody struct {
	home  *sync.Pool
	ended func(*message.Exchange) // end, bound once

	x     *message.Exchange
	chunk int
	first []byte   // a buffer of the loop, where a small file is read to
	head  []byte   // the file, where it is small
	file  *os.File // where it is not
	large []byte   // a buffer of the loop for its chunks
	parts []part   // that are left
	err   error    // what Next returns from now on
}

func newFileBody(home *sync.Pool) *fileBody {
	b := &fileBody{home: home}
	b.ended = b.end
	return b
}

func (b *fileBody) start(x *message.Exchange, chunk int) {
	b.x, b.chunk = x, chunk
	x.OnEnd(b.ended)
}

// end makes b ready for another file. Nobody reads the present one any more.
func (b *fileBody) end(x *message.Exchange) {
	if b.file != nil {
		b.file.Close()
	}
	for _, buffer := range [...][]byte{b.first, b.large} {
		if buffer != nil {
			x.Loop.Release(buffer)
		}
	}
	clear(b.parts)
	*b = fileBody{home: b.home, ended: b.ended, parts: b.parts[:0]}
	b.home.Put(b)
}

var (
	errShorter = errors.New("the file has become shorter while it was sent")
	errClosed  = errors.New("the file is closed")
)

// Next returns the next piece.
func (b *fileBody) Next() ([]byte, error) {
	for b.err == nil {
		if len(b.parts) == 0 {
			b.err = io.EOF
			break
		}
		p := &b.parts[0]
		switch {
		case p.text != "":
			text := []byte(p.text)
			p.text = ""
			return text, nil
		case p.length == 0:
			b.parts = b.parts[1:]
		default:
			return b.read(p)
		}
	}
	return nil, b.err
}

// read returns the next piece of a part.
func (b *fileBody) read(p *part) ([]byte, error) {
	var view []byte
	if b.file == nil {
		view = b.head[p.start:][:p.length]
	} else {
		n := min(int64(b.chunk), p.length)
		if b.large == nil {
			b.large = b.x.Loop.Buffer(int(n))
		}
		into := b.large[:min(n, int64(len(b.large)))]
		var err error
		b.x.Loop.Await(func() {
			n, failure := b.file.ReadAt(into, p.start)
			view, err = into[:n], failure
		})
		if len(view) == 0 {
			if b.err = err; err == io.EOF {
				b.err = errShorter
			}
			return nil, b.err
		}
	}
	p.start += int64(len(view))
	p.length -= int64(len(view))
	return view, nil
}

// Close gives the rest up.
func (b *fileBody) Close() {
	if b.x != nil && b.err == nil {
		b.err = errClosed
	}
}
