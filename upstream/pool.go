package upstream

import (
	"sync/atomic"
	"time"

	"pingap/http1"
	"pingap/loop"
	"pingap/message"
)

// pool is what an upstream has on one loop. Only that loop uses it, except for
// the counters of its places, which anyone may read.
type pool struct {
	upstream *Upstream
	loop     *loop.Loop
	clients  http1.Clients
	rotation rotation
	places   []place // by index of the peer
	idle     int     // connections in all places
}

// place is a peer as one loop sees it.
type place struct {
	peer *peer
	pool *pool

	// The idle connections, a list from the one used last to the oldest.
	newest, oldest *connection

	idle     atomic.Int32 // length of that list; written by the loop alone
	inFlight atomic.Int32 // exchanges; written by the loop alone

	// Connections that speak HTTP/2; and one that is being made, which others
	// wait for.
	shared []*sharedConn
	coming *coming
	// onlyHTTP1 is set when the peer has chosen HTTP/1.1 although it could
	// have HTTP/2.
	onlyHTTP1 bool

	// avoidUntil is the loop time up to which others are tried first, since
	// connecting has just failed.
	avoidUntil int64
}

// avoidFor is how long a peer that could not be connected to is tried last: a
// dead peer then costs one exchange a second on each loop, and one that is
// back waits no longer.
const avoidFor = time.Second

func newPool(u *Upstream, l *loop.Loop) *pool {
	p := &pool{upstream: u, loop: l, rotation: newRotation(u.cycle, l.ID())}
	p.places = make([]place, len(u.peers))
	for i := range p.places {
		p.places[i].peer, p.places[i].pool = u.peers[i], p
	}
	return p
}

// pick returns the place whose turn it is, of those that a has not tried and
// that have not just failed, if there are any; otherwise of those that a has
// not tried; otherwise of all.
func (p *pool) pick(a *attempts) *place {
	s := &p.places[p.rotation.next()]
	now := p.loop.Now()
	if s.avoidUntil <= now && !a.tried(s) {
		return s
	}
	best := s
	for range p.rotation.cycle {
		if !a.tried(s) {
			if s.avoidUntil <= now {
				return s
			}
			if a.tried(best) {
				best = s
			}
		}
		s = &p.places[p.rotation.next()]
	}
	return best
}

// connect returns a connection to a place's peer for x: an idle one of this
// loop, or of another one, unless it must be fresh; or a new one.
func (s *place) connect(x *message.Exchange, fresh bool) (carrier, error) {
	if s.speaksHTTP2(x) {
		return s.share(x)
	}
	if !fresh {
		if c := s.take(); c != nil {
			return c, nil
		}
		if c, err := s.takeOver(); c != nil || err != nil {
			return c, err
		}
	}
	return s.dial(x)
}

// carrier is a connection that carries an exchange.
type carrier interface {
	// roundTrip sends x; see http1.Clients.RoundTrip.
	roundTrip(x *message.Exchange) error
	// carried reports whether it has carried another exchange before.
	carried() bool
}

// take returns the idle connection that was used last, or nil: those used
// longest ago get the chance to grow too old.
func (s *place) take() *connection {
	c := s.newest
	if c != nil {
		s.unlink(c)
		c.conn.SetIdleTimeout(0)
	}
	return c
}

// surplusIdle is how long connections are kept beyond those that may be: under
// load one that is let go of is wanted again at once, and closing it each time
// would cost more than all else.
const surplusIdle = time.Second

// keep makes a connection idle. Where as many are kept as may be, a place that
// has its share of them keeps the connection for a moment only, and one that
// has less takes the place of another's.
func (s *place) keep(c *connection) {
	p, u := s.pool, s.pool.upstream
	if u.maxIdle == 0 || u.closed.Load() {
		c.close()
		return
	}
	idle := u.idle
	if p.idle >= u.maxIdle {
		if int(s.idle.Load()) >= u.maxIdle/len(p.places) {
			idle = min(idle, surplusIdle)
		} else {
			p.evict()
		}
	}
	s.link(c)
	c.conn.SetIdleTimeout(idle)
}

// evict closes the oldest connection of the place that has most.
func (p *pool) evict() {
	most := &p.places[0]
	for i := range p.places {
		if p.places[i].idle.Load() > most.idle.Load() {
			most = &p.places[i]
		}
	}
	most.drop(most.oldest)
}

// drop closes an idle connection.
func (s *place) drop(c *connection) {
	s.unlink(c)
	c.close()
}

// drain closes all idle connections.
func (p *pool) drain() {
	for i := range p.places {
		s := &p.places[i]
		for s.newest != nil {
			s.drop(s.newest)
		}
		for _, c := range s.shared {
			c.client.Close()
		}
	}
}

func (s *place) link(c *connection) {
	c.idle = true
	c.older = s.newest
	if s.newest != nil {
		s.newest.newer = c
	} else {
		s.oldest = c
	}
	s.newest = c
	s.count(&s.idle, 1)
	s.pool.idle++
}

func (s *place) unlink(c *connection) {
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		s.newest = c.older
	}
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		s.oldest = c.newer
	}
	c.newer, c.older = nil, nil
	c.idle = false
	s.count(&s.idle, -1)
	s.pool.idle--
}

// count changes a counter that only this loop writes.
func (s *place) count(n *atomic.Int32, by int32) { n.Store(n.Load() + by) }
