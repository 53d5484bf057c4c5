package loop

import (
	"io"
	"sync"
)

// Pipe joins a coroutine with ordinary goroutines by two streams of bytes, each
// of which holds no more than a limit: whoever writes faster than the other
// reads has to wait. It is for libraries that block.
//
// The methods of Pipe are those of the near end: they are called on the loop,
// and those that wait park. One coroutine may read while another writes. The
// far end is a FarEnd.
type Pipe struct {
	loop *Loop
	in   stream // towards the loop
	out  stream // towards the goroutines

	viewed                      int // bytes of in that the last view showed
	readDeadline, writeDeadline int64
}

// NewPipe makes a pipe that holds up to limit bytes in each direction. The
// memory for a direction is taken with its first byte.
func (l *Loop) NewPipe(limit int) (*Pipe, *FarEnd) {
	p := &Pipe{loop: l}
	p.in.init(l, limit)
	p.out.init(l, limit)
	return p, &FarEnd{p}
}

// Next returns the next bytes from the far end, at least one, as a view that is
// valid until the next call of Next or Close, and parks until there are some.
// At the end it returns io.EOF, or the error that the far end was closed with.
func (p *Pipe) Next() ([]byte, error) {
	p.consumeView()
	for {
		view, err := p.in.unread(true)
		if len(view) > 0 {
			p.viewed = len(view)
			p.loop.Spend(len(view))
			return view, nil
		}
		if err == nil {
			err = p.in.park(p.readDeadline)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *Pipe) consumeView() {
	if p.viewed > 0 {
		p.in.consume(p.viewed)
		p.viewed = 0
	}
}

// Write sends all of b, parking while the far end is slow. After the far end
// has closed it returns io.ErrClosedPipe, or the error that it closed with.
func (p *Pipe) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		room, err := p.out.room(true)
		if len(room) > 0 {
			n := copy(room, b[done:])
			p.out.produce(n)
			done += n
			p.loop.Spend(n)
			continue
		}
		if err == nil {
			err = p.out.park(p.writeDeadline)
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// SetReadDeadlineAt bounds every park of Next: at loop time ns it returns
// os.ErrDeadlineExceeded. 0 means for ever.
func (p *Pipe) SetReadDeadlineAt(ns int64) { p.readDeadline = ns }

// SetWriteDeadlineAt is SetReadDeadlineAt for Write.
func (p *Pipe) SetWriteDeadlineAt(ns int64) { p.writeDeadline = ns }

// CloseWrite tells the far end that nothing more comes: it reads io.EOF after
// what has been written.
func (p *Pipe) CloseWrite() error {
	p.out.end(io.EOF)
	return nil
}

// Close ends both directions. The far end reads what has been written and then
// io.EOF; it can write no more. Close never parks and may be called twice.
func (p *Pipe) Close() { p.CloseWithError(nil) }

// CloseWithError is Close with an error that the far end gets from its reads,
// after what has been written, and from its writes.
func (p *Pipe) CloseWithError(err error) {
	p.viewed = 0
	p.out.end(orElse(err, io.EOF))
	p.in.abandon(orElse(err, io.ErrClosedPipe))
}

// FarEnd is a pipe's end for ordinary goroutines; its methods block. One
// goroutine may read while another writes, and any may close. When the loop has
// ended they return ErrStopped.
type FarEnd struct{ pipe *Pipe }

var _ io.ReadWriteCloser = (*FarEnd)(nil)

// Read reads what the near end has written, blocking until there is something.
// At the end it returns io.EOF, or the error that the near end was closed with.
func (f *FarEnd) Read(b []byte) (int, error) {
	s := &f.pipe.out
	for len(b) > 0 {
		view, err := s.unread(false)
		if len(view) > 0 {
			n := copy(b, view)
			s.consume(n)
			return n, nil
		}
		if err == nil {
			err = s.wait()
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// Write writes all of b, blocking while the near end is slow. After the near
// end has closed it returns io.ErrClosedPipe, or the error that it closed with.
func (f *FarEnd) Write(b []byte) (int, error) {
	s := &f.pipe.in
	done := 0
	for done < len(b) {
		room, err := s.room(false)
		if len(room) > 0 {
			n := copy(room, b[done:])
			s.produce(n)
			done += n
			continue
		}
		if err == nil {
			err = s.wait()
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// CloseWrite tells the near end that nothing more comes.
func (f *FarEnd) CloseWrite() error {
	f.pipe.in.end(io.EOF)
	return nil
}

// Close ends both directions. The near end reads what has been written and then
// io.EOF; it can write no more.
func (f *FarEnd) Close() error { return f.CloseWithError(nil) }

// CloseWithError is Close with an error that the near end gets from its reads,
// after what has been written, and from its writes.
func (f *FarEnd) CloseWithError(err error) error {
	f.pipe.in.end(orElse(err, io.EOF))
	f.pipe.out.abandon(orElse(err, io.ErrClosedPipe))
	return nil
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// stream is one direction of a pipe: a ring of bytes with a reader and a
// writer, of which one is near, on the loop, and the other far. Bytes are
// copied outside the lock: those between read and written are the reader's, the
// others the writer's, so that neither holds the other up.
type stream struct {
	loop  *Loop
	limit int
	wake  func()        // posted to the loop
	far   chan struct{} // holds one token: something has changed for the far side

	waiting *Coroutine // owned by the loop: parked on this stream

	mu            sync.Mutex
	ring          []byte
	read, written uint64 // positions in the stream; modulo the ring's length in the ring
	ended         error  // what the reader gets after the last byte
	abandoned     error  // what the writer gets
	nearWaits     bool   // the near side wants to be woken
}

func (s *stream) init(l *Loop, limit int) {
	s.loop, s.limit = l, max(limit, 1)
	s.far = make(chan struct{}, 1)
	s.wake = func() {
		if s.waiting != nil {
			s.waiting.Wake()
		}
	}
}

// unread returns the next bytes, as far as they lie in one piece, for the
// reader: none when there are none yet.
func (s *stream) unread(near bool) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.abandoned != nil {
		return nil, io.ErrClosedPipe
	}
	if s.read == s.written {
		s.nearWaits = s.nearWaits || near
		return nil, s.ended
	}
	return s.piece(s.read, s.written-s.read), nil
}

// room returns the free part of the ring, as far as it lies in one piece, for
// the writer: none when it is full.
func (s *stream) room(near bool) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.abandoned != nil:
		return nil, s.abandoned
	case s.ended != nil:
		return nil, io.ErrClosedPipe
	}
	if s.ring == nil {
		s.ring = make([]byte, s.limit)
	}
	free := uint64(s.limit) - (s.written - s.read)
	if free == 0 {
		s.nearWaits = s.nearWaits || near
		return nil, nil
	}
	return s.piece(s.written, free), nil
}

// piece returns up to n bytes of the ring from position at on.
func (s *stream) piece(at, n uint64) []byte {
	start := at % uint64(s.limit)
	return s.ring[start:min(start+n, uint64(s.limit))]
}

// consume frees n bytes that the reader has done with. The writer hears of it
// when half of the ring is free, so that it does not run for every byte.
func (s *stream) consume(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ring == nil {
		return // abandoned meanwhile
	}
	poison(s.piece(s.read, uint64(n)))
	s.read += uint64(n)
	if s.written-s.read <= uint64(s.limit/2) {
		s.changed()
	}
}

// produce shows n bytes that the writer has written to the reader.
func (s *stream) produce(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written += uint64(n)
	s.changed()
}

// end is the writer's: nothing more comes, for this reason.
func (s *stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = err
		s.changed()
	}
}

// abandon is the reader's: nothing more is wanted, for this reason.
func (s *stream) abandon(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.abandoned == nil {
		s.abandoned = err
		s.ring = nil
		s.changed()
	}
}

// changed tells both sides of a change that one has made: whoever closes may
// have another goroutine waiting on its own side.
func (s *stream) changed() {
	if s.nearWaits {
		s.nearWaits = false
		s.loop.Post(s.wake)
	}
	select {
	case s.far <- struct{}{}:
	default:
	}
}

// park waits on the near side.
func (s *stream) park(deadline int64) error {
	if s.waiting != nil {
		panic("loop: two coroutines use one direction of a pipe")
	}
	s.waiting = s.loop.running()
	err := s.loop.ParkUntil(deadline)
	s.waiting = nil
	return err
}

// wait waits on the far side.
func (s *stream) wait() error {
	select {
	case <-s.far:
		return nil
	case <-s.loop.done:
		return ErrStopped
	}
}
