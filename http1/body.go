package http1

import (
	"io"
	"time"

	"pingap/loop"
	"pingap/message"
)

// body is the content of a message that comes in on a connection: a
// message.Body whose views are of the connection's buffer. It ends where its
// framing says, and leaves what follows unread.
type body struct {
	in      *input
	limits  *Limits
	framing framing
	left    int64           // of sized content
	chunks  chunkDecoder    // of chunked content
	trailer *message.Header // where trailers go; views like the content's head

	// before is called once, ahead of the first wait for content when none has
	// come: a server sends 100 (Continue) with it. It may be nil.
	before func() error
	// lost is told when the connection ends or breaks inside the content,
	// and gives the error for it; nil stands for io.ErrUnexpectedEOF.
	lost func(error) error
	// leastRate is how many bytes a second sized content must come with on
	// average once it has been waited for longer than rateGrace; 0 for any.
	leastRate int64
	waited    time.Duration // so far; not what its reader took

	received int64 // bytes of content so far
	err      error // what Next returns from now on: io.EOF after the end
	pulling  bool  // a coroutine is inside Next
}

// rateGrace is how long content may be waited for at any rate.
const rateGrace = 60 * time.Second

// start makes b the content of the message whose head has just been consumed
// from in. length counts for sized content.
func (b *body) start(in *input, f framing, length int64, trailer *message.Header, limits *Limits) {
	*b = body{in: in, limits: limits, framing: f, left: length, trailer: trailer}
	if f == noContent {
		b.err = io.EOF
	}
}

// done reports whether all of the content has been read, so that what follows
// on the connection is the next message.
func (b *body) done() bool {
	return b.err == io.EOF || b.framing == sized && b.left == 0
}

// Next returns the next bytes of the content. After Close it returns an error,
// to a coroutine that is parked in it too.
func (b *body) Next() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	b.pulling = true
	view, err := b.next()
	b.pulling = false
	b.received += int64(len(view))
	if err != nil {
		b.fail(err)
		return nil, b.err
	}
	return view, nil
}

func (b *body) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// Close says that no more content is wanted. The rest stays unread.
func (b *body) Close() {
	if b.err == nil {
		b.err = errInterrupted
		b.in.interrupt()
	}
}

func (b *body) next() ([]byte, error) {
	for {
		view, err := b.take()
		if err != errIncomplete {
			return view, err
		}
		if err := b.more(); err != nil {
			return nil, err
		}
	}
}

// take returns content that has come already, or errIncomplete.
func (b *body) take() ([]byte, error) {
	unread := b.in.unread()
	switch b.framing {
	case chunked:
		return b.takeChunk(unread)
	case sized:
		return b.takeSized(unread)
	}
	if len(unread) == 0 {
		return nil, errIncomplete
	}
	b.in.consume(len(unread))
	return unread, nil
}

func (b *body) takeSized(unread []byte) ([]byte, error) {
	if b.left == 0 {
		return nil, io.EOF
	}
	if len(unread) == 0 {
		return nil, errIncomplete
	}
	view := unread[:min(int64(len(unread)), b.left)]
	b.left -= int64(len(view))
	b.in.consume(len(view))
	return view, nil
}

func (b *body) takeChunk(unread []byte) ([]byte, error) {
	skip, n, err := b.chunks.next(unread, b.trailer, b.limits)
	b.in.consume(skip + n)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		b.in.pin() // the trailers
		return nil, io.EOF
	}
	return unread[skip : skip+n], nil
}

// more waits for more of the content.
func (b *body) more() error {
	if before := b.before; before != nil {
		b.before = nil
		if b.received == 0 && len(b.in.unread()) == 0 {
			if err := before(); err != nil {
				return err
			}
		}
	}
	if b.tooSlow() {
		return errTooSlow
	}
	l := b.in.conn.Loop()
	before := l.Now()
	moved, err := b.in.more()
	b.waited += time.Duration(l.Now() - before)
	if moved && b.framing == chunked && b.chunks.state == inTrailer {
		b.trailer.Reset()
		b.chunks.lines = fieldLines{trailer: true}
	}
	switch {
	case err == nil, err == errInterrupted:
		return err
	case err == io.EOF && b.framing == untilClose:
		return io.EOF
	case b.lost != nil:
		return b.lost(err)
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}

// tooSlow reports whether content drips in so slowly that it could go on for
// ever although each byte is in time. Chunked content is spared, since it may
// be a live stream.
func (b *body) tooSlow() bool {
	return b.framing == sized && b.waited > rateGrace && b.received < b.leastRate*int64(b.waited/time.Second)
}

// discard reads the rest of the content if no more than limit bytes of it are
// to come; it reports whether the end has been reached. What has come already
// does not count. Chunked content ends only if its end is there.
func (b *body) discard(limit int64) bool {
	if b.err != nil && b.err != errInterrupted {
		return b.done()
	}
	b.in.interrupted = false
	for {
		_, err := b.take()
		switch err {
		case nil:
			continue
		case io.EOF:
			return true
		case errIncomplete:
		default:
			return false
		}
		if b.framing != sized || b.left > limit {
			return false
		}
		if _, err := b.in.more(); err != nil {
			return false
		}
	}
}

// await parks the running coroutine until no other one is inside Next.
func (b *body) await(l *loop.Loop) {
	for b.pulling {
		l.Yield()
	}
}
