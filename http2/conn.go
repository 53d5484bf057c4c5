package http2

import (
	"io"
	"slices"
	"time"

	"pingap/loop"
	"pingap/message"
)

// side is what a connection is to its streams: a server's or a client's.
type side interface {
	// fresh returns where the fields of a section go that begins a stream.
	fresh() *message.Header
	// section takes a header section, decoded into the connection's block:
	// it opens stream id (s is nil), goes on with it, or ends it.
	section(id uint32, s *stream, end bool) error
	// changed hears that the peer's settings have changed, or that it is
	// going away.
	changed()
	// pong hears that a PING has come back.
	pong()
	// left hears that a stream has gone, and how many remain.
	left(remaining int)
	// lost hears, once, that the connection has ended. All streams have
	// failed.
	lost()
	// expired hears that the connection's idle time is over.
	expired()
}

// conn is what both sides of a connection have in common: it reads frames, and
// keeps the streams and the windows.
type conn struct {
	raw     *loop.Conn
	loop    *loop.Loop
	side    side
	client  bool // this end opens streams
	windows windows

	// Reading.
	buf        []byte // nil, or a buffer of the loop
	start, end int    // of what is not parsed
	reading    bool   // a coroutine runs
	preface    bool   // the client's is still to come
	settled    bool   // the peer's SETTINGS have come
	block      *block
	debt       debt

	// Streams.
	streams map[uint32]*stream
	highest uint32 // that the peer has opened
	taken   uint32 // the highest of those that this end has looked at
	next    uint32 // that this end opens
	reset   recent // by this end: what still comes on them means nothing
	done    recent // to their end
	scratch message.Header
	early   []earlyPriority

	// What the peer has set, RFC 9113 section 6.5.2.
	peer struct {
		maxFrame   int
		window     int64
		maxStreams uint32
		maxHead    uint32
		connect    bool // extended CONNECT, RFC 8441
		noPriority bool
	}

	// Sending.
	sendWindow int64
	blocked    []*stream // wait for room
	began      bool      // a header section has been written

	peerGone bool // GOAWAY has come
	closing  bool // nothing but the end follows
	closed   bool
	flooded  bool // by the peer, which is why it ends
}

// recent are the numbers of some streams that ended lately.
type recent struct {
	ids []uint32
	at  int // of the oldest, once there are mostRecent
}

// mostRecent is as many streams as a client may have by default: all of them can
// be refused at once, while their content is on its way.
const mostRecent = 128

func (r *recent) add(id uint32) {
	if len(r.ids) < mostRecent {
		r.ids = append(r.ids, id)
		return
	}
	r.ids[r.at] = id
	r.at = (r.at + 1) % mostRecent
}

// forget takes a number out.
func (r *recent) forget(id uint32) {
	if i := slices.Index(r.ids, id); i >= 0 {
		r.ids[i] = 0
	}
}

func (r *recent) has(id uint32) bool { return slices.Contains(r.ids, id) }

// windows bound what a peer may send ahead of what is read. That of the
// connection has room for all that its streams may hold: so a stream whose
// reader is slow takes nothing from the others, which may be those of somebody
// else, or what that reader waits for.
type windows struct {
	growth int64 // by which those of the streams may still grow, together
	left   int64 // that the peer may still send
	credit int64 // read, and not yet given back
}

const (
	streamWindow     = 64 << 10 // at first
	mostStreamWindow = 4 << 20
	windowGrowth     = 16 << 20 // of all streams of a connection together
	windowSlack      = 1 << 20  // half of this is read before it is given back
)

const (
	// outputHigh is how much output a connection may have pending before its
	// exchanges wait.
	outputHigh = 64 << 10
	// outputMost is where what a peer is owed without an exchange, such as
	// answers to PING, is more than one can be that reads.
	outputMost = 4 * outputHigh
)

// full reports whether the output has no room for an exchange.
func (c *conn) full() bool { return c.raw.Pending() >= outputHigh }

func (c *conn) init(raw *loop.Conn, s side, limits Limits) {
	c.raw, c.loop, c.side = raw, raw.Loop(), s
	raw.Gather()
	c.block = newBlock(limits)
	c.streams = map[uint32]*stream{}
	c.peer.maxFrame, c.peer.window, c.peer.maxStreams = leastMaxFrame, firstWindow, mostStreamID
	c.sendWindow = firstWindow
	c.windows = windows{growth: windowGrowth, left: firstWindow}
}

// hello appends what this end begins with: SETTINGS, and a window with room for
// so many streams at a time.
func (c *conn) hello(streams int, settings ...uint32) {
	b := c.raw.Output(frameHeaderSize + settingLength*len(settings)/2 + 13)
	b = appendFrame(b, settingLength*len(settings)/2, frameSettings, 0, 0)
	for i := 0; i < len(settings); i += 2 {
		id, value := settings[i], settings[i+1]
		b = append(b, byte(id>>8), byte(id), byte(value>>24), byte(value>>16), byte(value>>8), byte(value))
	}
	c.raw.SetOutput(b)
	room := int64(streams)*streamWindow + windowGrowth + windowSlack
	c.windows.credit = min(room, mostWindow) - firstWindow
	c.giveBack()
}

// ConnEvent implements loop.Watcher.
func (c *conn) ConnEvent(_ *loop.Conn, e loop.Event) {
	switch e {
	case loop.Readable:
		c.read()
	case loop.Hangup:
		if c.raw.Failed() && !c.closing {
			c.lose(io.ErrUnexpectedEOF)
			return
		}
		c.read()
	case loop.Drained:
		c.wakeBlocked()
	case loop.Expired:
		if c.closing {
			c.close()
			return
		}
		c.side.expired()
	}
}

// read starts the reader, unless it runs.
func (c *conn) read() {
	if !c.reading && !c.closed {
		c.reading = true
		c.loop.Start(c)
	}
}

// Run implements loop.Task: it reads until nothing is there.
func (c *conn) Run() {
	done := false
	defer func() {
		c.reading = false
		if !done { // a panic, which the loop reports
			c.raw.Abort()
			c.lose(io.ErrUnexpectedEOF)
		}
	}()
	for !c.closed {
		n, err := c.raw.TryRead(c.room())
		if err == loop.ErrWouldBlock {
			break
		}
		if err != nil {
			c.ended(err)
			break
		}
		c.end += n
		if err := c.parse(); err != nil {
			c.fail(err)
		}
		c.loop.Spend(n)
	}
	done = true
	c.shelve()
}

// readBuffer is what is taken to read frames: room for one of the greatest size
// that we let a peer send.
const readBuffer = 64 << 10

// room returns where to read to.
func (c *conn) room() []byte {
	switch {
	case c.start == c.end:
		c.start, c.end = 0, 0
		if c.buf == nil {
			c.buf = c.loop.Buffer(readBuffer)
		}
	case len(c.buf) < readBuffer:
		c.move(readBuffer)
	case len(c.buf)-c.end < leastMaxFrame:
		c.end = copy(c.buf, c.buf[c.start:c.end])
		c.start = 0
	}
	return c.buf[c.end:]
}

// move takes what is not parsed to another buffer.
func (c *conn) move(size int) {
	b := c.loop.Buffer(size)
	c.end = copy(b, c.buf[c.start:c.end])
	c.start = 0
	c.loop.Release(c.buf)
	c.buf = b
}

// shelve keeps no more than what is not parsed while nothing is there to read: a
// part of a frame may wait for the rest for long.
func (c *conn) shelve() {
	switch n := c.end - c.start; {
	case c.buf == nil:
	case n == 0 || c.closed:
		c.loop.Release(c.buf)
		c.buf, c.start, c.end = nil, 0, 0
	case len(c.buf) >= readBuffer && n <= readBuffer/8:
		c.move(n)
	}
}

// parse takes the frames that are there.
func (c *conn) parse() error {
	for {
		b := c.buf[c.start:c.end]
		if c.closing {
			c.start = c.end
			return nil
		}
		if c.preface {
			n := min(len(b), len(clientPreface))
			if string(b[:n]) != clientPreface[:n] {
				return protocolError("the connection does not begin as HTTP/2")
			}
			if n < len(clientPreface) {
				return nil
			}
			c.preface = false
			c.start += n
			continue
		}
		if len(b) < frameHeaderSize {
			return nil
		}
		f := parseFrame(b)
		if f.length > leastMaxFrame {
			return &connError{FrameSizeError, "a frame is larger than SETTINGS_MAX_FRAME_SIZE"}
		}
		if len(b) < frameHeaderSize+f.length {
			return nil
		}
		c.start += frameHeaderSize + f.length
		if err := c.frame(f, b[frameHeaderSize:frameHeaderSize+f.length]); err != nil {
			return err
		}
	}
}

// ended deals with the end of what comes in.
func (c *conn) ended(err error) {
	if c.closing {
		c.close()
		return
	}
	if err == io.EOF && len(c.streams) == 0 {
		c.lose(err)
		return
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	c.lose(err)
}

// lose ends the connection at once: it is broken, or has come to its end.
func (c *conn) lose(err error) {
	if c.closed {
		return
	}
	if c.closing {
		c.close()
		return
	}
	c.failStreams(&GoneError{Err: err})
	c.close()
}

// fail ends the connection for an error of the peer's (RFC 9113 section 5.4.1).
func (c *conn) fail(err error) {
	e, ok := err.(*connError)
	if !ok {
		c.lose(err)
		return
	}
	if c.closing || c.closed {
		return
	}
	c.goAway(c.taken, e.code, e.reason)
	c.failStreams(&GoneError{Code: e.code, Err: e})
	c.flooded = e.code == EnhanceYourCalm
	c.finish()
}

// goAway appends GOAWAY (RFC 9113 section 6.8).
func (c *conn) goAway(last uint32, code Code, reason string) {
	b := c.raw.Output(frameHeaderSize + 8 + len(reason))
	b = appendFrame(b, 8+len(reason), frameGoAway, 0, 0)
	b = append(b, byte(last>>24), byte(last>>16), byte(last>>8), byte(last))
	b = append(b, byte(code>>24), byte(code>>16), byte(code>>8), byte(code))
	c.raw.SetOutput(append(b, reason...))
}

// sendPing appends a PING of this end.
func (c *conn) sendPing() {
	b := appendFrame(c.raw.Output(frameHeaderSize+8), 8, framePing, 0, 0)
	c.raw.SetOutput(append(b, "pingap--"...))
}

// A connection that is closed while input is unread is reset, and that can
// destroy what the peer has not read: so this end sends what it has, closes its
// own side, and throws away what still comes for a while.
const (
	lingerTime = 2 * time.Second
	finishTime = 10 * time.Second
	// floodTime stands for both where the peer floods the connection: what
	// still comes costs time as well.
	floodTime = 50 * time.Millisecond
)

// finish sends what is pending and closes the connection.
func (c *conn) finish() {
	if c.closing || c.closed {
		return
	}
	c.closing = true
	write, linger := finishTime, lingerTime
	if c.flooded {
		write, linger = floodTime, floodTime
	}
	c.loop.Go(loop.TaskFunc(func() {
		if c.closed {
			return
		}
		c.raw.SetWriteDeadlineAt(c.loop.Now() + int64(write))
		if err := c.raw.CloseWrite(); err != nil {
			c.raw.Abort() // what the peer has not taken would stay in the kernel for minutes
			c.close()
			return
		}
		c.raw.SetIdleTimeout(linger)
		c.read()
	}))
}

// close closes the socket.
func (c *conn) close() {
	if !c.closed {
		c.closed = true
		c.raw.Close()
		if !c.reading {
			c.shelve()
		}
		c.side.lost()
	}
}

// failStreams ends all streams.
func (c *conn) failStreams(err error) {
	for _, s := range c.streams {
		s.fail(err)
	}
}

// owe adds to the peer's debt.
func (c *conn) owe(cost int) error {
	if !c.debt.add(cost, c.loop.Now()) {
		return errDebt
	}
	if c.raw.Pending() > outputMost {
		return errUnread
	}
	return nil
}
