package http2

import (
	"errors"
	"time"

	"pingap/loop"
	"pingap/message"
)

// ClientOptions are the settings of connections to one peer.
type ClientOptions struct {
	// Peer is the address of the peer, for errors. It is also the authority
	// of a request that has no host.
	Peer string
	// Secure says that the connection is one of TLS.
	Secure bool
	// Limits bound the header sections of a response.
	Limits Limits
	// ReadTimeout bounds each wait for the next part of a response, once the
	// request has been sent; 0 for ever.
	ReadTimeout time.Duration
	// WriteTimeout bounds each wait until the peer takes more; 0 for ever.
	WriteTimeout time.Duration
	// IdleTimeout is how long the connection may be without an exchange; 0
	// ends it with its last one.
	IdleTimeout time.Duration
	// MaxStreams is how many exchanges the connection carries at a time, if
	// the peer allows as many. Default 1.
	MaxStreams int
}

// Client is a connection to a peer that speaks HTTP/2. It belongs to one loop.
type Client struct {
	conn
	options *ClientOptions
	ready   func() // nil once called
	gone    func()
	spares  message.Spares[clientExchange]
	using   int // exchanges that have not ended
}

// NewClient begins to speak HTTP/2 on raw, which then belongs to the Client.
// ready is called once when the peer has said how many exchanges it takes at a
// time: until then there is room for one. gone is called once when the
// connection has ended; ready has been called by then.
func NewClient(raw *loop.Conn, o *ClientOptions, ready, gone func()) *Client {
	c := &Client{options: o, ready: ready, gone: gone}
	c.init(raw, c, o.Limits.withDefaults())
	c.client, c.next = true, 1
	raw.SetWatcher(c)
	raw.SetOutput(append(raw.Output(len(clientPreface)), clientPreface...))
	c.hello(max(o.MaxStreams, 1),
		settingPush, 0,
		settingWindow, streamWindow,
		settingMaxHead, uint32(c.block.limits.Head),
	)
	if raw.Readable() {
		c.read()
	}
	return c
}

// Room returns how many more exchanges the connection takes now. It is 0 when
// the connection is on its way to its end.
func (c *Client) Room() int {
	switch {
	case !c.Lives(), c.full(): // the peer takes nothing
		return 0
	case !c.settled:
		return 1 - c.using
	}
	return int(min(uint32(max(c.options.MaxStreams, 1)), c.peer.maxStreams)) - c.using
}

// Lives reports whether the connection takes exchanges, now or when others have
// ended.
func (c *Client) Lives() bool {
	return !c.closed && !c.closing && !c.peerGone && c.next < mostStreamID-2 && c.peer.maxStreams > 0
}

// Using returns how many exchanges the connection carries.
func (c *Client) Using() int { return c.using }

// Close ends the connection once its exchanges have ended; nothing new may be
// sent on it.
func (c *Client) Close() {
	c.peerGone = true
	c.rest()
}

// RoundTrip sends x.Request and fills x.Response; it parks until the header
// section of the final response is there, and passes on interim ones. The
// content of the request may go on being sent while that of the response is
// read. The connection must have Room.
//
// Where the peer is at fault, the error is a *message.UpstreamError. Unless that
// says that the content was consumed, x.Request is as it was and may be sent
// again. ended is called once, on the loop, when the exchange needs the
// connection no more.
func (c *Client) RoundTrip(x *message.Exchange, ended func()) error {
	t := c.spares.Take()
	if t == nil {
		t = newClientExchange(c)
	}
	t.begin(x, ended)
	if err := t.receive(); err != nil {
		t.end(err)
		x.Response.Reset()
		return err
	}
	return nil
}

// fresh implements side. A peer opens no streams: fields of one go nowhere.
func (c *Client) fresh() *message.Header {
	c.scratch.Reset()
	return &c.scratch
}

// section implements side.
func (c *Client) section(id uint32, s *stream, end bool) error {
	switch {
	case s == nil && c.idle(id):
		return protocolError("a response to no request")
	case s == nil:
		return c.late(id, "HEADERS on a stream that is closed")
	case s.failed != nil:
		return c.owe(costOfControl)
	case s.remoteDone:
		return c.offend(s, StreamClosed, "a header section behind the end of a response")
	}
	return s.onSection(end)
}

// changed implements side.
func (c *Client) changed() {
	c.tellReady()
	c.rest()
}

func (c *Client) tellReady() {
	if ready := c.ready; ready != nil {
		c.ready = nil
		ready()
	}
}

// pong implements side.
func (c *Client) pong() {}

// left implements side.
func (c *Client) left(int) { c.rest() }

// rest says how long the connection may be idle, when it is.
func (c *Client) rest() {
	switch {
	case c.using > 0 || len(c.streams) > 0 || c.closing || c.closed:
	case c.options.IdleTimeout == 0 || !c.Lives():
		c.depart()
	default:
		c.raw.SetIdleTimeout(c.options.IdleTimeout)
	}
}

// depart ends the connection in peace.
func (c *Client) depart() {
	c.goAway(0, NoError, "")
	c.finish()
}

// expired implements side.
func (c *Client) expired() {
	if c.using == 0 && len(c.streams) == 0 {
		c.depart()
	}
}

// lost implements side.
func (c *Client) lost() {
	c.tellReady()
	c.gone()
}

// upstreamError makes of what ended a stream the error of its exchange.
func (t *clientExchange) upstreamError(err error) error {
	e := &message.UpstreamError{Peer: t.client.options.Peer, Err: err, Sent: true, Received: t.begun}
	e.Consumed = t.begun || !t.rewind(t.x)
	reset, isReset := errors.AsType[*StreamError](err)
	gone, isGone := errors.AsType[*GoneError](err)
	switch {
	case isReset && reset.Code == RefusedStream, isGone && gone.Err == nil:
		// Nothing was done with the request (RFC 9113 section 8.7).
		e.Failure, e.Sent = message.ConnectionLost, false
	case t.begun && (isReset || isGone):
		e.Failure = message.BodyCut
	case isReset || isGone:
		e.Failure = message.ConnectionLost
	default:
		e.Failure = message.BadResponse
	}
	return e
}
