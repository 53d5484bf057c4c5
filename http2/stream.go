package http2

import (
	"errors"
	"os"
	"time"

	"pingap/loop"
	"pingap/message"
)

// stream is what both sides have in common of an exchange on a connection. It
// is the message.Body of what comes in.
type stream struct {
	conn *conn
	id   uint32

	remoteDone bool  // the peer has sent its last
	localDone  bool  // this end has
	failed     error // the stream is over, for this reason
	onFail     func(error)
	onSection  func(end bool) error // of a client's stream

	// Receiving.
	pieces      []piece // content that has come and is not read
	viewed      int     // bytes of the first that the last Next has returned
	window      int64   // as it is now
	receiveLeft int64   // that the peer may still send
	credit      int64   // read, and not yet given back
	length      int64   // of the content, -1 when not known
	headless    bool    // no content may come: the header section is to come first
	received    int64
	readErr     error // after the pieces; nil while more may come
	closed      bool  // nobody reads on
	reader      *loop.Coroutine
	readTime    time.Duration
	expect      func() error    // ahead of the first wait for content
	late        error           // what a wait ends with that takes readTime
	section     *message.Header // where the fields of the next section go

	// Sending.
	sendWindow int64
	priority   priority
	waiting    bool // in the connection's list of those that wait
	sectional  bool // it waits to send a header section, for which there are no windows
	writer     *loop.Coroutine
	writeTime  time.Duration
}

// piece is content in a buffer of the loop.
type piece struct {
	buf        []byte
	start, end int
}

// errClosed is what a body returns whose reader has closed it.
var errClosed = errors.New("body is closed")

// open makes s a new stream of c.
func (s *stream) open(c *conn, id uint32) {
	*s = stream{
		conn: c, id: id, pieces: s.pieces[:0], length: -1,
		window: streamWindow, receiveLeft: streamWindow,
		sendWindow: c.peer.window, priority: usualPriority,
	}
	c.streams[id] = s
}

// take keeps content that has come.
func (s *stream) take(content []byte) {
	if s.closed {
		s.consumed(len(content))
		return
	}
	l := s.conn.loop
	for len(content) > 0 {
		last := len(s.pieces) - 1
		if last < 0 || s.pieces[last].end == len(s.pieces[last].buf) || last == 0 && s.viewed > 0 {
			s.pieces = append(s.pieces, piece{buf: l.Buffer(max(len(content), 4<<10))})
			last++
		}
		p := &s.pieces[last]
		n := copy(p.buf[p.end:], content)
		p.end += n
		content = content[n:]
	}
	s.wakeReader()
}

func (s *stream) wakeReader() {
	if s.reader != nil {
		s.reader.Wake()
	}
}

// endRemote takes the end of what the peer sends; err is io.EOF when it is
// whole.
func (s *stream) endRemote(err error) {
	s.remoteDone = true
	if s.readErr == nil {
		s.readErr = err
	}
	s.wakeReader()
	s.release()
}

// Next implements message.Body.
func (s *stream) Next() ([]byte, error) {
	s.forget()
	for {
		if s.closed {
			return nil, errClosed
		}
		if len(s.pieces) > 0 {
			p := &s.pieces[0]
			s.viewed = p.end - p.start
			return p.buf[p.start:p.end], nil
		}
		if s.readErr != nil {
			return nil, s.readErr
		}
		if err := s.waitForContent(); err != nil {
			if s.readErr == nil {
				s.readErr = err
			}
			return nil, err
		}
	}
}

func (s *stream) waitForContent() error {
	if expect := s.expect; expect != nil {
		s.expect = nil
		if err := expect(); err != nil {
			return err
		}
	}
	l := s.conn.loop
	deadline := int64(0)
	if s.readTime > 0 {
		deadline = l.Now() + int64(s.readTime)
	}
	s.reader = l.Current()
	err := l.ParkUntil(deadline)
	s.reader = nil
	if err == os.ErrDeadlineExceeded && s.late != nil {
		return s.late
	}
	return err
}

// forget gives back what the last Next returned, and lets the peer send as much
// again.
func (s *stream) forget() {
	if s.viewed == 0 {
		return
	}
	n := s.viewed
	s.viewed = 0
	s.conn.loop.Release(s.pieces[0].buf)
	k := copy(s.pieces, s.pieces[1:])
	s.pieces[k] = piece{}
	s.pieces = s.pieces[:k]
	s.consumed(n)
}

// consumed counts content that is read, and lets the peer send as much again
// when that is worth a frame. A reader that waits for the peer, not the peer for
// it, gets a larger window, since then the window may be what the peer waits
// for.
func (s *stream) consumed(n int) {
	c := s.conn
	s.credit += int64(n)
	c.windows.credit += int64(n)
	c.giveBack()
	if s.remoteDone || s.failed != nil || s.credit < s.window/2 {
		return
	}
	if w := &c.windows; len(s.pieces) == 0 && s.window < mostStreamWindow && s.window <= w.growth {
		w.growth -= s.window
		s.credit += s.window
		s.window *= 2
	}
	c.updateWindow(s.id, s.credit)
	s.receiveLeft += s.credit
	s.credit = 0
}

// giveBack lets the peer send as much as was read of all streams.
func (c *conn) giveBack() {
	w := &c.windows
	if w.credit < windowSlack/2 || c.closing || c.closed {
		return
	}
	c.updateWindow(0, w.credit)
	w.left += w.credit
	w.credit = 0
}

func (c *conn) updateWindow(id uint32, n int64) {
	b := appendFrame(c.raw.Output(frameHeaderSize+4), 4, frameWindowUpdate, 0, id)
	c.raw.SetOutput(append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)))
}

// Close implements message.Body: what is unread, and still comes, is thrown
// away.
func (s *stream) Close() {
	if s.closed {
		return
	}
	s.closed = true
	s.forget()
	s.drop()
	s.wakeReader()
}

// drop gives back the content that nobody has read.
func (s *stream) drop() {
	n := 0
	for i := range s.pieces {
		p := &s.pieces[i]
		n += p.end - p.start
		s.conn.loop.Release(p.buf)
		*p = piece{}
	}
	s.pieces = s.pieces[:0]
	s.viewed = 0
	s.consumed(n)
}

// fail ends the stream: nothing is sent on it or read from it any more.
func (s *stream) fail(err error) {
	if s.failed != nil {
		return
	}
	s.failed = err
	if s.readErr == nil {
		s.readErr = err
	}
	s.remoteDone, s.localDone = true, true
	s.wakeReader()
	if s.writer != nil {
		s.writer.Wake()
	}
	if s.onFail != nil {
		s.onFail(err)
	}
	s.release()
	s.conn.wakeBlocked()
}

// abort resets the stream (RFC 9113 section 5.4.2).
func (s *stream) abort(code Code, reason string) {
	if s.failed == nil && !(s.localDone && s.remoteDone) {
		s.conn.sendReset(s.id, code)
		s.fail(&abortError{code, reason})
	}
}

// abortError is what the exchange of a stream sees that this end has reset.
type abortError struct {
	code   Code
	reason string
}

func (e *abortError) Error() string {
	return "the stream was reset: " + e.reason + " (" + e.code.String() + ")"
}

// sendReset appends RST_STREAM (RFC 9113 section 6.4).
func (c *conn) sendReset(id uint32, code Code) {
	b := appendFrame(c.raw.Output(frameHeaderSize+4), 4, frameResetStream, 0, id)
	c.raw.SetOutput(append(b, byte(code>>24), byte(code>>16), byte(code>>8), byte(code)))
	c.reset.add(id)
}

// release takes the stream off the connection once both directions are done.
func (s *stream) release() {
	if !s.localDone || !s.remoteDone {
		return
	}
	c := s.conn
	if c.streams[s.id] == s {
		delete(c.streams, s.id)
		c.windows.growth += s.window - streamWindow
		c.done.add(s.id)
		c.side.left(len(c.streams))
	}
}

// send writes content as DATA, waiting while the peer is slow.
func (s *stream) send(p []byte, end bool) error {
	c := s.conn
	for {
		if s.failed != nil {
			return s.failed
		}
		n := c.quota(s)
		if n <= 0 && len(p) > 0 {
			if err := s.waitForRoom(); err != nil {
				return err
			}
			continue
		}
		n = max(min(n, len(p)), 0)
		last := n == len(p)
		flags := uint8(0)
		if last && end {
			flags = flagEndStream
		}
		b := appendFrame(c.raw.Output(frameHeaderSize+n), n, frameData, flags, s.id)
		c.raw.SetOutput(append(b, p[:n]...))
		s.sendWindow -= int64(n)
		c.sendWindow -= int64(n)
		p = p[n:]
		if last {
			if end {
				s.endLocal()
			}
			c.wakeBlocked()
			return nil
		}
	}
}

// endLocal notes that this end has sent its last.
func (s *stream) endLocal() {
	s.localDone = true
	s.release()
}

// quota returns how much content s may send now.
func (c *conn) quota(s *stream) int {
	room := int64(outputHigh - c.raw.Pending())
	return int(min(room, s.sendWindow, c.sendWindow, int64(c.peer.maxFrame)))
}

// waitForOutput parks until the output has room for a header section.
func (s *stream) waitForOutput() error {
	if s.failed != nil || !s.conn.full() {
		return s.failed
	}
	s.sectional = true
	defer func() { s.sectional = false }()
	for s.failed == nil && s.conn.full() {
		if err := s.waitForRoom(); err != nil {
			return err
		}
	}
	return s.failed
}

// inWindows reports whether the windows let s send what it has.
func (s *stream) inWindows() bool {
	return s.sectional || s.sendWindow > 0 && s.conn.sendWindow > 0
}

// waitForRoom parks until there may be room to send.
func (s *stream) waitForRoom() error {
	c := s.conn
	l := c.loop
	if s.inWindows() {
		// It is the output that is full: it leaves at the end of this turn,
		// and only what the socket does not take is waited for.
		l.Yield()
		if c.closed || s.failed != nil || !c.full() || l.Current().Canceled() != nil {
			return l.Current().Canceled()
		}
	}
	deadline := int64(0)
	if s.writeTime > 0 {
		deadline = l.Now() + int64(s.writeTime)
	}
	s.waiting = true
	c.blocked = append(c.blocked, s)
	s.writer = l.Current()
	err := l.ParkUntil(deadline)
	s.writer = nil
	if s.waiting {
		c.unblock(s)
	}
	if err == os.ErrDeadlineExceeded && s.inWindows() && !c.full() {
		return nil
	}
	return err
}

func (c *conn) unblock(s *stream) {
	s.waiting = false
	for i, b := range c.blocked {
		if b == s {
			k := copy(c.blocked[i:], c.blocked[i+1:])
			c.blocked[i+k] = nil
			c.blocked = c.blocked[:i+k]
			return
		}
	}
}

// wakeBlocked lets those send that can, the most urgent first.
func (c *conn) wakeBlocked() {
	if len(c.blocked) == 0 {
		return
	}
	room, window := int64(outputHigh-c.raw.Pending()), c.sendWindow
	for room > 0 {
		var best *stream
		for _, s := range c.blocked {
			if s.inWindows() && (window > 0 || s.sectional) && (best == nil || s.before(best)) {
				best = s
			}
		}
		if best == nil {
			return
		}
		c.unblock(best)
		best.writer.Wake()
		if best.sectional {
			room -= typicalSection
			continue
		}
		n := min(best.sendWindow, outputHigh)
		room -= n
		window -= n
	}
}

// typicalSection is how much room a header section is taken to need.
const typicalSection = 1 << 10
