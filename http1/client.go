package http1

import (
	"errors"
	"io"
	"os"
	"time"

	"pingap/loop"
	"pingap/message"
)

// ClientOptions are the settings of connections to one peer.
type ClientOptions struct {
	// Peer is the address of the peer, for errors. It is also the Host of a
	// request that has none (HTTP/1.0 allows that, HTTP/1.1 does not).
	Peer string
	// Limits bound the head of a response and its trailers.
	Limits Limits
	// ReadTimeout bounds each wait for the next bytes of a response, once the
	// request has been sent; 0 for ever.
	ReadTimeout time.Duration
	// WriteTimeout is the time in which the peer must take something of the
	// request, or of what comes through a tunnel; 0 for ever.
	WriteTimeout time.Duration
	// TunnelTimeout is how long a connection that has switched protocols may be
	// silent in both directions; 0 leaves it to the client's side, less is for
	// ever.
	TunnelTimeout time.Duration
	// ContinueTimeout is how long the content of a request that expects 100
	// (Continue) is held back for it. Default 1 s.
	ContinueTimeout time.Duration
	// Close asks the peer to close the connection after one exchange.
	Close bool
}

// Clients carry exchanges over connections to upstreams. The zero value is
// ready for use on one loop; it keeps what exchanges need for those that
// follow.
type Clients struct {
	spares message.Spares[roundTrip]
}

// RoundTrip sends x.Request over conn and fills x.Response, whose head and
// trailers are views that live as long as the exchange. It parks until the
// final head is there; interim responses are passed on by x.Interim. The
// content of the request may go on being sent while that of the response is
// read.
//
// Where the peer is at fault, the error is a *message.UpstreamError. Unless
// that says that the content was consumed, x.Request is as it was and may be
// sent over another connection. Other errors are those of x.Request.Body and
// the one that the coroutine was canceled with.
//
// ended is called once, on the loop, when the exchange needs the connection no
// more: when the last byte of the response has been read, or when something
// failed, which may be before RoundTrip returns or long after. If reusable is
// true the connection can carry another exchange; otherwise it is closed.
func (k *Clients) RoundTrip(x *message.Exchange, conn *loop.Conn, o *ClientOptions, ended func(reusable bool)) error {
	t := k.spares.Take()
	if t == nil {
		t = newRoundTrip(k)
	}
	t.begin(x, conn, o, ended)
	err := t.send()
	if err == nil {
		err = t.receive()
	}
	if err != nil {
		t.giveUp(err)
	}
	return err
}

// roundTrip is the near side of one exchange over a connection to an upstream.
type roundTrip struct {
	clients  *Clients
	recycled func(*message.Exchange) // recycle, bound once

	x       *message.Exchange // nil when the connection is needed no more
	conn    *loop.Conn
	options *ClientOptions
	limits  Limits
	ended   func(reusable bool)

	in     input
	head   responseHead
	body   body
	upload upload
	over   error // what the content returns when x is nil

	keep     bool  // the peer keeps the connection open
	sent     bool  // a byte of the request may have gone
	received bool  // a byte of the response has come
	sentAt   int64 // loop time when the request had been sent
	headAt   int64 // loop time of the response's head; 0 before

	probe [1]byte // for silent
}

func newRoundTrip(k *Clients) *roundTrip {
	t := &roundTrip{clients: k}
	t.recycled = t.recycle
	return t
}

func (t *roundTrip) begin(x *message.Exchange, conn *loop.Conn, o *ClientOptions, ended func(bool)) {
	// Whoever has the exchange may still ask for the content long after the
	// connection has gone to somebody else. And if this ends in a panic, it is
	// by these two that the connection and the upload come to their end.
	x.OnEnd(t.recycled)
	x.Response.Body = (*responseBody)(t)
	t.x, t.conn, t.options, t.ended = x, conn, o, ended
	t.limits = o.Limits.withDefaults()
	t.in.conn = conn
	conn.Gather()
	t.in.timeout = o.ReadTimeout
	t.sentAt = x.Loop.Now()
}

// recycle makes it ready for another exchange.
func (t *roundTrip) recycle(*message.Exchange) {
	t.abandon()
	*t = roundTrip{clients: t.clients, recycled: t.recycled, in: input{pinned: t.in.pinned}}
	t.clients.spares.Keep(t)
}

// send sends a request without content. Any other is left to a second
// coroutine, so that its content and the response can pass each other.
func (t *roundTrip) send() error {
	if t.x.Request.Length != 0 {
		t.upload.start(t)
		return nil
	}
	t.writeHead(false)
	if t.mayWait() {
		t.sent = true
		return nil
	}
	return t.flush()
}

// mayWait reports whether the request may leave at the end of the loop's turn: one
// that is sent again in any case if the connection turns out to be closed.
func (t *roundTrip) mayWait() bool {
	return t.x.Upstream.Reused && t.x.Request.Idempotent() && t.conn.Pending() < maxCorked
}

// flush sends what has been written to the connection.
func (t *roundTrip) flush() error { return t.write(nil, nil) }

// write sends a and b behind what has been written to the connection.
func (t *roundTrip) write(a, b []byte) error {
	gone, err := send(t.conn, t.options.WriteTimeout, a, b)
	t.sent = t.sent || gone
	if err != nil {
		return t.writeError(err)
	}
	return nil
}

// giveUp ends an exchange that has no response, because of err.
func (t *roundTrip) giveUp(err error) {
	x := t.x
	t.upload.stop()
	// Nobody may send the request again while its content is in use here.
	for t.upload.running {
		x.Loop.Yield()
	}
	if e, ok := err.(*message.UpstreamError); ok {
		e.Sent, e.Received = t.sent, t.received
		e.Consumed = !t.upload.rewind()
	}
	t.abandon()
	x.Response.Reset()
}

// finish ends an exchange whose response is complete.
func (t *roundTrip) finish() {
	// What comes unasked behind a response could be taken for the next one
	// (RFC 9112 section 9.2), so it ends the connection.
	reusable := t.keep && t.upload.complete() && len(t.in.unread()) == 0 && t.conn.Pending() == 0 && t.silent()
	t.upload.stop()
	if !reusable {
		t.conn.Close()
	}
	t.part(reusable, io.EOF)
}

// silent reports whether nothing more has come, not even the end.
func (t *roundTrip) silent() bool {
	if t.conn.PeerClosed() {
		return false
	}
	if !t.conn.Readable() {
		return true
	}
	_, err := t.conn.TryRead(t.probe[:])
	return err == loop.ErrWouldBlock
}

// errAbandoned is what the content returns when it was closed.
var errAbandoned = errors.New("response is wanted no more")

// abandon ends an exchange whose response is wanted no more or cannot be had.
func (t *roundTrip) abandon() { t.cut(errAbandoned) }

// cut is abandon with the error that the content returns from now on.
func (t *roundTrip) cut(err error) {
	if t.x != nil {
		t.upload.stop()
		t.conn.Abort()
		t.part(false, err)
	}
}

// part ends the use of the connection. The buffers go over to the exchange,
// which is not over yet and holds views of them.
func (t *roundTrip) part(reusable bool, over error) {
	x := t.x
	if t.headAt != 0 {
		x.Upstream.ResponseTime = x.Loop.Now() - t.headAt
	}
	t.over = over
	t.in.handOver(x)
	t.x = nil
	t.ended(reusable)
}

// handOver gives the buffers to x, until it is over.
func (in *input) handOver(x *message.Exchange) {
	for i, b := range in.pinned {
		x.Keep(b)
		in.pinned[i] = nil
	}
	in.pinned = in.pinned[:0]
	if in.buf != nil {
		x.Keep(in.buf)
	}
	in.buf, in.start, in.end, in.floor = nil, 0, 0, 0
}

var errClosedByPeer = errors.New("closed by the peer")

// readError tells whose fault it is that nothing more can be read: that of the
// peer, or of who waits for it.
func (t *roundTrip) readError(err error) error {
	switch {
	case err == errInterrupted && t.upload.err != nil:
		return t.upload.err
	case err == errInterrupted, t.canceled(err):
		return err
	case err == os.ErrDeadlineExceeded:
		return t.fault(message.ReadTimeout, err)
	}
	if _, malformed := err.(*Error); malformed {
		return t.fault(message.BadResponse, err)
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = errClosedByPeer
	}
	if t.headAt != 0 {
		return t.fault(message.BodyCut, err)
	}
	return t.fault(message.ConnectionLost, err)
}

func (t *roundTrip) writeError(err error) error {
	switch {
	case t.canceled(err):
		return err
	case err == os.ErrDeadlineExceeded:
		return t.fault(message.WriteTimeout, err)
	}
	return t.fault(message.ConnectionLost, err)
}

// canceled reports whether err is what the running coroutine was canceled with.
func (t *roundTrip) canceled(err error) bool {
	return err == t.conn.Loop().Current().Canceled()
}

func (t *roundTrip) fault(f message.UpstreamFailure, err error) error {
	return &message.UpstreamError{Failure: f, Peer: t.options.Peer, Err: err}
}
