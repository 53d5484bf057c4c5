package http1

import (
	"net/netip"
	"time"

	"pingap/loop"
	"pingap/message"
)

// connState is what happens on a client's connection.
type connState uint8

const (
	waiting   connState = iota // for a request; no coroutine, no buffer
	serving                    // a session runs
	flushing                   // a session waits for the client to take what has been answered
	tunneling                  // a session runs a tunnel
	lingering                  // the answer is out, input is thrown away until the client closes
	closed
)

// serverConn is a client's connection. It is all that an idle one costs
// besides its loop.Conn.
type serverConn struct {
	front      *front
	conn       *loop.Conn
	serving    *session    // while a session runs
	prev, next *serverConn // ring of the front

	tls         *message.TLS // nil in clear text
	id          uint64
	connectedAt int64          // loop time
	local       netip.AddrPort // once a request has come
	served      int            // requests so far
	lingerUntil int64          // loop time
	lingered    int            // bytes thrown away
	state       connState
}

// accept takes over a new connection.
func (f *front) accept(conn *loop.Conn, tls *message.TLS) {
	c := &serverConn{front: f, conn: conn, tls: tls, id: f.ids.Add(1), connectedAt: f.loop.Now()}
	c.prev, c.next = f.conns.prev, &f.conns
	c.prev.next, c.next.prev = c, c
	f.counts.Open.Add(1)
	conn.SetWatcher(c)
	conn.Gather()
	if conn.Readable() {
		c.serve()
		return
	}
	conn.SetIdleTimeout(c.patience())
}

// patience is how long the connection may be silent now.
func (c *serverConn) patience() time.Duration {
	f := c.front
	if c.served > 0 {
		return f.timeouts.Idle
	}
	// Under a layer the connection may seem to be readable again and again.
	return max(f.timeouts.Head-time.Duration(f.loop.Now()-c.connectedAt), 1)
}

// ConnEvent starts a session when a request comes in, or for a client that does not
// take the last answer at once. It tells a running one that its client has gone, and
// ends connections that are silent for too long.
func (c *serverConn) ConnEvent(_ *loop.Conn, e loop.Event) {
	switch {
	case c.state == waiting && (e == loop.Readable || e == loop.Stalled):
		c.serve()
	case e == loop.Hangup && c.state == serving:
		c.serving.clientGone()
	case e == loop.Expired && c.state == waiting:
		c.endWaiting()
	case e == loop.Expired && c.state == lingering:
		c.close()
	case e == loop.Readable && c.state == lingering:
		c.discard()
	}
}

// localAddr returns the near address; it asks the kernel once.
func (c *serverConn) localAddr() netip.AddrPort {
	if c.served == 0 {
		c.local = c.conn.LocalAddrPort()
	}
	return c.local
}

// serve starts a session.
func (c *serverConn) serve() {
	s := c.front.take()
	c.state = serving
	c.serving = s
	s.conn = c
	s.in.conn = c.conn
	c.front.loop.Start(s)
}

// wait makes the connection wait for its next request.
func (c *serverConn) wait() {
	c.state = waiting
	c.serving = nil
	if c.front.draining {
		c.waitLast()
		return
	}
	c.conn.SetIdleTimeout(c.patience())
}

// waitLast gives a waiting connection the quiet time for its last request.
func (c *serverConn) waitLast() {
	if c.front.quiet <= 0 {
		c.endWaiting()
		return
	}
	c.conn.SetIdleTimeout(c.front.quiet)
}

// endWaiting closes a waiting connection. Where the client has not taken the last
// answer yet, a session first gives it the time for that.
func (c *serverConn) endWaiting() {
	if c.conn.Pending() > 0 {
		c.serve()
		return
	}
	c.close()
}

func (c *serverConn) close() {
	if c.leave() {
		c.conn.Close()
	}
}

// abort ends the connection with a reset.
func (c *serverConn) abort() {
	if c.leave() {
		c.conn.Abort()
	}
}

// leave takes the connection off the front; it reports false if that has been
// done before.
func (c *serverConn) leave() bool {
	if c.state == closed {
		return false
	}
	c.state = closed
	c.serving = nil
	c.prev.next, c.next.prev = c.next, c.prev
	c.front.counts.Open.Add(-1)
	return true
}

// A connection that is closed while input is unread is reset, and the reset
// can overtake the answer and destroy it (RFC 9112 section 9.6). So the server
// closes its own side first and throws away what still comes.
const (
	// lingerPause is how long the client may be silent.
	lingerPause = 5 * time.Second
	// lingerTime and lingerBytes are how long and how much it may send.
	lingerTime  = 30 * time.Second
	lingerBytes = 16 << 20
)

// linger goes on without a coroutine. The connection's sending side has been
// closed.
func (c *serverConn) linger() {
	c.state = lingering
	c.serving = nil
	c.lingerUntil = c.front.loop.Now() + int64(lingerTime)
	c.conn.SetIdleTimeout(lingerPause)
	if c.conn.Readable() {
		c.discard()
	}
}

// discard throws away what has come, and closes at the end or when it was too
// much.
func (c *serverConn) discard() {
	l := c.front.loop
	scratch := l.Buffer(headBuffer)
	defer l.Release(scratch)
	for {
		n, err := c.conn.TryRead(scratch)
		if err == loop.ErrWouldBlock {
			c.conn.SetIdleTimeout(lingerPause)
			return
		}
		c.lingered += n
		if err != nil || c.lingered > lingerBytes || l.Now() > c.lingerUntil {
			c.close()
			return
		}
	}
}
