package compression

import (
	"errors"
	"io"
	"time"

	"pingap/loop"
	"pingap/message"
)

// encodedBody is a body in a coding.
type encodedBody struct {
	home  *pool
	ended func(*message.Exchange) // end, bound once

	x      *message.Exchange
	codec  *codec
	work   *work // nil when it has been given back
	source message.Body
	ahead  ahead

	rest  []byte // what the source has given and the encoder has not got
	left  int64  // that the source will give; negative when not known
	dirty bool   // the encoder holds back what it has got
	last  bool   // the encoder has been closed
	err   error  // what Next returns from now on
}

func newEncodedBody(home *pool) *encodedBody {
	b := &encodedBody{home: home}
	b.ended = b.end
	return b
}

// start makes b the content of x's response in the coding of codec.
func (b *encodedBody) start(x *message.Exchange, codec *codec, work *work) {
	b.x, b.codec, b.work = x, codec, work
	b.source, b.left = x.Response.Body, x.Response.Length
	x.Compression.Time = 0
	x.OnEnd(b.ended)
}

// end makes b ready for another content.
func (b *encodedBody) end(*message.Exchange) {
	b.release()
	*b = encodedBody{home: b.home, ended: b.ended}
	b.home.Put(b)
}

func (b *encodedBody) release() {
	if b.work != nil {
		b.codec.give(b.work)
		b.work = nil
	}
}

// Next returns what the encoder makes of the next pieces.
func (b *encodedBody) Next() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	out := &b.work.out
	out.data = out.data[:0]
	for len(out.data) == 0 && b.err == nil {
		if b.last {
			b.fail(io.EOF)
			break
		}
		if err := b.step(); err != nil {
			b.fail(err)
		}
	}
	if b.err != nil {
		b.release()
		return nil, b.err
	}
	b.x.Compression.After += int64(len(out.data))
	return out.data, nil
}

func (b *encodedBody) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// pause is how long content that has come waits for more, to be compressed
// together with it.
const pause = 10 * time.Millisecond

// step gives the encoder something to do.
func (b *encodedBody) step() error {
	if len(b.rest) > 0 {
		return b.feed()
	}
	view, err := b.pull()
	switch err {
	case nil:
		b.rest = view
		b.left -= int64(len(view))
		b.x.Compression.Before += int64(len(view))
		return nil
	case errPause:
		b.dirty = false
		return b.run(b.work.encoder.Flush)
	case io.EOF:
		b.last = true
		return b.run(b.work.encoder.Close)
	}
	return err
}

// pull returns the next piece of the source. While the encoder holds nothing
// back, or when the source has given all, there is nothing that could be late.
func (b *encodedBody) pull() ([]byte, error) {
	if !b.ahead.started() {
		if !b.dirty || b.left == 0 {
			return b.source.Next()
		}
		b.ahead.start(b.x, b.source)
	}
	deadline := int64(0)
	if b.dirty {
		deadline = b.x.Loop.Now() + int64(pause)
	}
	return b.ahead.next(deadline)
}

// portion is how much is encoded in one go: less than a millisecond's work, but
// for slow codecs, which work beside the loop.
const (
	portion     = 16 << 10
	slowPortion = 64 << 10
)

// feed has a portion encoded.
func (b *encodedBody) feed() error {
	size := portion
	if b.codec.slow {
		size = slowPortion
	}
	piece := b.rest[:min(size, len(b.rest))]
	b.rest = b.rest[len(piece):]
	b.dirty = true
	return b.run(func() error {
		_, err := b.work.encoder.Write(piece)
		return err
	})
}

// run has the encoder do something, where it holds nobody up.
func (b *encodedBody) run(f func() error) (err error) {
	l := b.x.Loop
	began := l.Clock()
	if b.codec.slow {
		l.Await(func() { err = f() })
	} else {
		err = f()
	}
	b.x.Compression.Time += l.Clock() - began
	if !b.codec.slow {
		giveWay(l)
	}
	return err
}

// share is how long a turn of a loop may have taken when somebody goes on to
// compute in it.
const share = 2 * time.Millisecond

// giveWay lets others have a turn where this one has taken long.
func giveWay(l *loop.Loop) {
	if l.Clock()-l.Now() > int64(share) {
		l.Yield()
	}
}

var errClosed = errors.New("the content has been closed")

// Close gives the rest up.
func (b *encodedBody) Close() {
	if b.x == nil {
		return
	}
	b.fail(errClosed)
	b.source.Close()
	b.ahead.close()
}
