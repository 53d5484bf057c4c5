package http2

import (
	"io"
	"net/netip"
	"time"

	"pingap/loop"
	"pingap/message"
)

// serverConn is a client's connection.
type serverConn struct {
	conn
	front *front
	tls   *message.TLS

	id          uint64
	connectedAt int64 // loop time
	local       netip.AddrPort
	served      int       // requests so far
	running     int       // exchanges whose coroutines have not ended
	parting     int       // those of them that have given their answer
	begun       *exchange // takes the fields of a section that opens a stream
	going       goingAway
	notice      loop.Timer // of the announcement
	resting     bool       // idle, with a time limit
	maxStreams  int        // as the client was told
}

// goingAway is how far a connection is on its way to its end (RFC 9113 section
// 6.8).
type goingAway uint8

const (
	staying   goingAway = iota
	last                // its first exchange is to be its last
	announced           // streams that are on their way are still taken
	leaving             // no more are
)

// announceTime is how long a client may take to answer the announcement. One
// that does not answer could otherwise go on for ever.
const announceTime = time.Second

// accept takes over a new connection.
func (f *front) accept(raw *loop.Conn, tls *message.TLS) {
	c := &serverConn{front: f, tls: tls, id: f.ids.Add(1), connectedAt: f.loop.Now(), local: raw.LocalAddrPort()}
	c.init(raw, c, f.limits)
	c.preface = true
	c.maxStreams = f.maxStreams
	f.conns[c] = struct{}{}
	f.counts.Open.Add(1)
	raw.SetWatcher(c)
	c.hello(f.maxStreams,
		settingMaxStreams, uint32(f.maxStreams),
		settingWindow, streamWindow,
		settingMaxHead, uint32(f.limits.Head),
		settingConnect, 1,
		settingNoPriorities, 1,
	)
	raw.SetIdleTimeout(f.timeouts.Head)
	if f.draining {
		c.drain(f.quiet)
	}
	if raw.Readable() {
		c.read()
	}
}

// fresh implements side.
func (c *serverConn) fresh() *message.Header {
	if c.begun == nil {
		c.begun = c.front.take()
	}
	c.begun.x.Request.Reset()
	return &c.begun.x.Request.Header
}

// section implements side.
func (c *serverConn) section(id uint32, s *stream, end bool) error {
	switch {
	case s != nil:
		return c.trailers(s, end)
	case !c.idle(id) && !c.reset.has(id) && !c.done.has(id):
		return protocolError("streams are not opened in the order of their numbers")
	case !c.idle(id):
		return c.late(id, "HEADERS on a stream that is closed")
	}
	c.highest = id
	if c.going == leaving {
		c.reset.add(id) // the client knows that nobody looks at it
		return c.owe(costOfControl)
	}
	c.taken = id
	e := c.begun
	switch {
	case c.crowded():
		c.sendReset(id, RefusedStream)
		return c.owe(costOfReset)
	case c.block.malformed != "":
		c.sendReset(id, ProtocolError)
		return c.owe(costOfReset)
	}
	refusal, ok := e.fill(c, end)
	if !ok {
		c.sendReset(id, ProtocolError)
		return c.owe(costOfReset)
	}
	c.begun = nil
	c.begin(e, id, refusal, end)
	if c.block.tooLarge {
		return c.owe(costOfReset)
	}
	return nil
}

// crowded reports whether there are as many exchanges as there may be. To the client
// one whose answer has been given is over, though coroutines may still work for it:
// such streams do not count (RFC 9113 section 5.1.2), unless they are as many again.
func (c *serverConn) crowded() bool {
	return len(c.streams) >= c.maxStreams || c.running-c.parting >= c.maxStreams || c.running >= 2*c.maxStreams
}

// trailers takes the section that ends a request's content.
func (c *serverConn) trailers(s *stream, end bool) error {
	b := c.block
	switch {
	case s.failed != nil:
		return nil
	case s.remoteDone:
		return c.offend(s, StreamClosed, "a header section behind the end of a request")
	case !end, b.malformed != "", b.tooLarge, b.pseudo.seen != 0, s.length >= 0 && s.received != s.length:
		return c.offend(s, ProtocolError, "malformed trailers")
	}
	dropFraming(s.section)
	s.endRemote(io.EOF)
	return nil
}

// begin starts an exchange.
func (c *serverConn) begin(e *exchange, id uint32, refusal *message.Refusal, end bool) {
	c.raw.SetIdleTimeout(0)
	c.resting = false
	c.running++
	c.front.counts.Active.Add(1)
	e.start(c, id, refusal, end)
	c.served++
	if c.going == last || c.going == staying && c.served >= c.front.requests {
		c.going = staying
		c.drain(0)
	}
	c.loop.Start(e)
}

// changed implements side.
func (c *serverConn) changed() { c.rest() }

// pong implements side: the client has read the announcement, so that nothing
// it has sent before is lost.
func (c *serverConn) pong() { c.leave() }

// leave tells the client which streams were taken, once that has been announced.
func (c *serverConn) leave() {
	if c.going != announced || c.closing || c.closed {
		return
	}
	c.going = leaving
	c.loop.Disarm(&c.notice)
	c.goAway(c.taken, NoError, "")
	c.rest()
}

// drain tells the client to open no more streams. If it has opened none, its
// first is waited for so long.
func (c *serverConn) drain(quiet time.Duration) {
	switch {
	case c.closing || c.closed || c.going > last || c.going == last && quiet > 0:
		return
	case c.served == 0 && quiet > 0:
		c.going = last
		c.raw.SetIdleTimeout(quiet)
		return
	}
	c.going = announced
	c.goAway(mostStreamID, NoError, "")
	c.sendPing()
	c.notice.Fire = c.leave
	c.loop.Arm(&c.notice, c.front.notice)
	c.rest()
}

// left implements side.
func (c *serverConn) left(int) { c.rest() }

// rest says how long the connection may be idle, when it is.
func (c *serverConn) rest() {
	switch {
	case c.running > 0 || len(c.streams) > 0 || c.closing || c.closed || !c.settled:
	case c.going == leaving || c.peerGone:
		c.finish()
	case c.going == last:
		c.raw.SetIdleTimeout(c.front.quiet)
	case !c.resting: // what is no request does not make it longer
		c.resting = true
		c.raw.SetIdleTimeout(c.front.timeouts.Idle)
	}
}

// expired implements side.
func (c *serverConn) expired() {
	if c.running > 0 || len(c.streams) > 0 {
		return
	}
	code := NoError
	if !c.settled {
		code = SettingsTimeout
	}
	c.goAway(c.taken, code, "")
	c.finish()
}

// lost implements side.
func (c *serverConn) lost() {
	c.loop.Disarm(&c.notice)
	delete(c.front.conns, c)
	c.front.counts.Open.Add(-1)
}
