package upstream

import (
	"errors"
	"fmt"
	"slices"

	"pingap/http2"
	"pingap/loop"
	"pingap/message"
)

// sharedConn is a connection that speaks HTTP/2, and carries several exchanges
// at a time. It stays with its loop.
type sharedConn struct {
	client *http2.Client
	place  *place
	made   int64  // loop time
	ended  func() // end, bound once
	used   bool   // by an exchange before
}

// coming is a connection that is being made, and those who wait for it.
type coming struct {
	place   *place
	room    int // for how many more exchanges
	waiting []*loop.Coroutine
	done    bool
	err     error // of the peer, when there is no connection for that
}

// end tells those who wait that the connection is there, or is not.
func (k *coming) end() {
	if k.place.coming == k {
		k.place.coming = nil
	}
	k.done = true
	for _, co := range k.waiting {
		co.Wake()
	}
}

// speaksHTTP2 reports whether x is to go over a connection that speaks HTTP/2.
// What wants to switch protocols needs one of HTTP/1.1, where there may be such.
func (s *place) speaksHTTP2(x *message.Exchange) bool {
	switch s.pool.upstream.protocol {
	case HTTP2:
		return true
	case HTTP2OrHTTP1:
		return !s.onlyHTTP1 && x.Request.Upgrade == ""
	}
	return false
}

// share returns a connection that has room for x: one that there is, one that
// is being made, or a new one.
func (s *place) share(x *message.Exchange) (carrier, error) {
	for {
		for _, c := range s.shared {
			if c.client.Room() > 0 {
				return c, nil
			}
		}
		if s.onlyHTTP1 {
			return s.connect(x, false)
		}
		k := s.coming
		if k == nil || k.room <= 0 {
			return s.dialShared(x)
		}
		if err := s.await(k); err != nil {
			return nil, err
		}
	}
}

// await parks until a connection that is being made is there, or is not. What
// has gone wrong for the one who makes it has gone wrong for all: if each of them
// tried in turn, the last would wait as often as there are exchanges. Who leaves
// before gives the room back.
func (s *place) await(k *coming) error {
	k.room--
	l := s.pool.loop
	k.waiting = append(k.waiting, l.Current())
	until := s.pool.upstream.readyBy(l.Now())
	for !k.done {
		if err := l.ParkUntil(until); err != nil {
			k.room++
			k.waiting = slices.DeleteFunc(k.waiting, func(co *loop.Coroutine) bool { return co == l.Current() })
			return s.dialError(fmt.Errorf("wait for HTTP/2 to be spoken: %w", err))
		}
	}
	return k.err
}

// readyBy is when a connection that is made from now on has to be ready for
// requests; 0 for never. HTTP/2 is ready when the peer has said how many it takes.
func (u *Upstream) readyBy(now int64) int64 {
	switch {
	case u.connectTime > 0:
		return now + int64(u.connectTime)
	case u.dialing.Timeout > 0:
		return now + int64(u.dialing.Timeout+handshakeTime)
	}
	return 0
}

// dialShared makes a connection that others wait for. It is x that uses it
// first; the others come when the peer has said how many it takes.
func (s *place) dialShared(x *message.Exchange) (carrier, error) {
	k := &coming{place: s, room: s.peer.http2.MaxStreams - 1}
	s.coming = k
	conn, shared, err := s.openShared(x)
	if err != nil {
		if _, ofPeer := errors.AsType[*message.UpstreamError](err); ofPeer {
			k.err = err
		}
		k.end()
		return nil, err
	}
	if !shared {
		k.end()
		return newConnection(conn, s), nil
	}
	c := &sharedConn{place: s, made: s.pool.loop.Now()}
	c.ended = c.end
	s.shared = append(s.shared, c)
	c.client = http2.NewClient(conn, &s.peer.http2, k.end, c.gone)
	return c, nil
}

// openShared connects to a peer that is to speak HTTP/2. It reports whether that
// does; otherwise it has chosen HTTP/1.1.
func (s *place) openShared(x *message.Exchange) (conn *loop.Conn, shared bool, err error) {
	conn, err = s.open(x)
	u := s.pool.upstream
	if err != nil || s.peer.tls2 == nil {
		return conn, true, err
	}
	secured, err := s.secure(x, conn, s.peer.tls2)
	switch {
	case err != nil:
		return nil, false, err
	case secured.State().NegotiatedProtocol == "h2":
		return conn, true, nil
	case u.protocol == HTTP2OrHTTP1:
		s.onlyHTTP1 = true
		return conn, false, nil
	}
	conn.Close()
	u.open.Add(-1)
	return nil, false, s.dialError(errNoHTTP2)
}

// errNoHTTP2 is what a peer fails with that agrees to nothing else.
var errNoHTTP2 = errors.New("the peer does not agree on HTTP/2 in its TLS handshake: alpn would have to be h2h1 or h1")

// roundTrip implements carrier.
func (c *sharedConn) roundTrip(x *message.Exchange) error {
	c.used = true
	s := c.place
	s.count(&s.inFlight, 1)
	x.Upstream.ConnectionTime = s.pool.loop.Now() - c.made
	err := c.client.RoundTrip(x, c.ended)
	if e, ok := errors.AsType[*message.UpstreamError](err); ok && e.Failure == message.ReadTimeout {
		// The peer may have gone without a word: then every other exchange
		// would wait as long.
		c.client.Close()
	}
	return err
}

// carried implements carrier.
func (c *sharedConn) carried() bool { return c.used }

// end is called when an exchange needs the connection no more.
func (c *sharedConn) end() {
	s := c.place
	s.count(&s.inFlight, -1)
	if s.pool.upstream.closed.Load() {
		c.client.Close()
	}
}

// gone is called when the connection has ended.
func (c *sharedConn) gone() {
	s := c.place
	s.pool.upstream.open.Add(-1)
	s.shared = slices.DeleteFunc(s.shared, func(other *sharedConn) bool { return other == c })
}
