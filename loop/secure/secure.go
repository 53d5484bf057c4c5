// Package secure puts TLS on the connections of a loop, by crypto/tls.
//
// Once the handshake is done nothing in crypto/tls parks: reading takes what the
// socket has, and writing appends to the connection's output, which the loop or
// a coroutine sends afterwards. So no coroutine waits while it holds a lock of
// the TLS connection, which a reader that has to answer a KeyUpdate takes as
// well: it would hang the loop. The handshake itself does park, alone on its
// connection.
package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"pingap/loop"
)

// Conn is the layer of a connection that speaks TLS.
type Conn struct {
	tls       *tls.Conn
	client    bool // this side has begun
	transport transport
}

// Server answers the handshake that a client begins on conn, and puts the layer
// on conn when that has succeeded. It parks for the time within at most. After
// an error conn is still the caller's to close; what is to tell the peer why is
// in its output.
func Server(conn *loop.Conn, config *tls.Config, within time.Duration) (*Conn, error) {
	c := &Conn{transport: transport{conn: conn}}
	c.tls = tls.Server(&c.transport, config)
	return c, c.handshake(within)
}

// Client is Server for the side that begins: with a server that conn was dialed
// to. When that ends the connection and has not said so in TLS, which anybody on
// the way can bring about, reading ends with io.ErrUnexpectedEOF: what was to last
// until the end may be incomplete (RFC 8446 section 6.1, RFC 9112 section 9.8). From
// clients nothing does, and browsers often do not say so.
func Client(conn *loop.Conn, config *tls.Config, within time.Duration) (*Conn, error) {
	c := &Conn{client: true, transport: transport{conn: conn}}
	c.tls = tls.Client(&c.transport, config)
	return c, c.handshake(within)
}

// ErrHandshakeLate is what a handshake ends with that has not been done in its
// time.
var ErrHandshakeLate = errors.New("the TLS handshake took too long")

func (c *Conn) handshake(within time.Duration) error {
	conn := c.transport.conn
	l := conn.Loop()
	conn.SetReadDeadlineAt(l.Now() + int64(within))
	err := c.tls.HandshakeContext(context.Background())
	conn.SetReadDeadlineAt(0)
	switch {
	case err == nil:
	case l.Current().Canceled() != nil:
		return l.Current().Canceled()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrHandshakeLate
	default:
		return err
	}
	c.transport.layered = true
	conn.SetLayer(c)
	return nil
}

// State tells what has been agreed on in the handshake.
func (c *Conn) State() tls.ConnectionState { return c.tls.ConnectionState() }

// Open implements loop.Layer.
func (c *Conn) Open(p []byte) (int, error) {
	c.transport.answering = true
	n, err := c.tls.Read(p)
	c.transport.answering = false
	switch {
	case n > 0:
		// In TLS 1.2 crypto/tls tells of an end that follows at once together
		// with what is before it. It tells of it again.
		return n, nil
	case err == io.EOF && c.client && c.transport.cut:
		return 0, io.ErrUnexpectedEOF
	case err == nil, err == io.EOF:
		return n, err
	case err == errAgain:
		return n, loop.ErrWouldBlock
	case c.transport.answered > answerLimit:
		return n, errFlood
	}
	return n, err
}

// Seal implements loop.Layer.
func (c *Conn) Seal(p []byte) error {
	_, err := c.tls.Write(p)
	return err
}

// SealEnd implements loop.Layer: it seals a close_notify (RFC 8446 section 6.1).
func (c *Conn) SealEnd() error { return c.tls.CloseWrite() }

// transport is what crypto/tls reads and writes: the socket below the layer. It
// is a net.Conn so far as crypto/tls needs one.
type transport struct {
	conn      *loop.Conn
	layered   bool // the handshake is done: nothing may park
	answering bool // within Open
	answered  int  // bytes written within Open since all was sent
	cut       bool // the socket has come to its end before TLS has
}

// answerLimit is how many bytes a peer may make TLS answer, by KeyUpdates (RFC
// 8446 section 4.6.3), while it takes none of them.
const answerLimit = 16 << 10

var errFlood = errors.New("the peer makes TLS answer and does not read the answers")

// errAgain says that there is nothing to read now. crypto/tls takes an error
// that calls itself temporary as one after which it can be asked again.
var errAgain net.Error = again{}

type again struct{}

func (again) Error() string   { return loop.ErrWouldBlock.Error() }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// Read takes from the socket. During the handshake it parks until there is
// something.
func (t *transport) Read(p []byte) (int, error) {
	if !t.layered {
		return t.conn.Read(p)
	}
	n, err := t.conn.TryReadRaw(p)
	switch err {
	case loop.ErrWouldBlock:
		return n, errAgain
	case io.EOF:
		t.cut = true
	}
	return n, err
}

// Write appends to the connection's output. It never parks.
func (t *transport) Write(p []byte) (int, error) {
	if !t.layered {
		t.conn.SetOutput(append(t.conn.Output(len(p)), p...))
		return len(p), nil
	}
	if t.answering {
		if t.conn.Pending() == 0 {
			t.answered = 0
		}
		if t.answered += len(p); t.answered > answerLimit {
			return 0, errFlood
		}
	}
	t.conn.AppendRaw(p)
	return len(p), nil
}

// Close does nothing: the connection is closed by whoever owns it.
func (t *transport) Close() error { return nil }

func (t *transport) LocalAddr() net.Addr  { return t.conn.LocalAddr() }
func (t *transport) RemoteAddr() net.Addr { return t.conn.RemoteAddr() }

// The deadlines are those of the handshake and of the coroutines that wait.
func (t *transport) SetDeadline(time.Time) error      { return nil }
func (t *transport) SetReadDeadline(time.Time) error  { return nil }
func (t *transport) SetWriteDeadline(time.Time) error { return nil }
