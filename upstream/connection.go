package upstream

import (
	"pingap/loop"
	"pingap/message"
)

// connection is one connection to a peer: idle in the pool, or in use by an
// exchange. An idle one has neither coroutine nor buffer.
type connection struct {
	conn  *loop.Conn
	place *place              // of the loop that it belongs to now
	made  int64               // that loop's time when it was made
	x     *message.Exchange   // that uses it; nil while idle
	ended func(reusable bool) // end, bound once

	used         bool // by an exchange before
	idle         bool
	newer, older *connection // while it is idle
}

// newConnection takes over conn, which has just been made.
func newConnection(conn *loop.Conn, s *place) *connection {
	c := &connection{conn: conn, place: s, made: s.pool.loop.Now()}
	c.ended = c.end
	conn.SetWatcher(c)
	return c
}

// carried implements carrier.
func (c *connection) carried() bool { return c.used }

// roundTrip implements carrier.
func (c *connection) roundTrip(x *message.Exchange) error {
	c.x = x
	s := c.place
	s.count(&s.inFlight, 1)
	return s.pool.clients.RoundTrip(x, c.conn, &s.peer.http1, c.ended)
}

// end is called when the exchange needs the connection no more. If it is not
// reusable, it is closed already.
func (c *connection) end(reusable bool) {
	s, x := c.place, c.x
	c.x = nil
	s.count(&s.inFlight, -1)
	x.Upstream.ConnectionTime = s.pool.loop.Now() - c.made
	c.used = true
	if reusable {
		s.keep(c)
		return
	}
	s.pool.upstream.open.Add(-1)
}

func (c *connection) close() {
	c.conn.Close()
	c.place.pool.upstream.open.Add(-1)
}

// ConnEvent closes an idle connection that has become too old, that the peer
// has closed, or that it has sent something on: nothing it could say belongs
// to a request yet to come (RFC 9112 section 9.2).
func (c *connection) ConnEvent(conn *loop.Conn, e loop.Event) {
	if c.idle && e != loop.Drained && !(e == loop.Readable && conn.Layer() != nil && silent(conn)) {
		c.place.drop(c)
	}
}

// silent reports whether what has come was for the layer alone, such as a
// session ticket of TLS.
func silent(conn *loop.Conn) bool {
	var probe [1]byte
	_, err := conn.TryRead(probe[:])
	return err == loop.ErrWouldBlock
}
