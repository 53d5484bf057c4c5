package upstream

import (
	"time"

	"pingap/loop"
)

// A loop that has no idle connection to a peer asks the loop that has most for
// one of its own. The asking coroutine parks; the other loop detaches a
// connection and posts it back, where it is attached. Each side only touches
// what is its own.

// usualPatience is how long an exchange waits for another loop's connection. That
// loop may be busy; connecting anew does not take much longer.
const usualPatience = 10 * time.Millisecond

// request asks for a connection.
type request struct {
	from, to *place
	co       *loop.Coroutine // waits for the answer
	waiting  bool

	// The answer, if there is one: written by the loop that is asked, until it
	// posts it.
	c   *connection
	age time.Duration
}

// takeOver returns an idle connection of another loop, or nil if there is none.
// The error is that of a canceled coroutine.
func (s *place) takeOver() (*connection, error) {
	from := s.donor()
	if from == nil {
		return nil, nil
	}
	l := s.pool.loop
	r := &request{from: from, to: s, co: l.Current(), waiting: true}
	if !from.pool.loop.Post(r.give) {
		return nil, nil
	}
	until := l.Now() + int64(s.pool.upstream.patience)
	for r.waiting {
		if l.ParkUntil(until) != nil {
			break
		}
	}
	canceled := r.co.Canceled()
	if r.waiting {
		// The answer is the other loop's until receive has run; then it
		// goes to the pool.
		r.waiting = false
		return nil, canceled
	}
	if canceled != nil && r.c != nil {
		s.keep(r.c)
		return nil, canceled
	}
	return r.c, canceled
}

// donor returns the place of another loop that has most idle connections to
// the same peer, or nil.
func (s *place) donor() *place {
	var best *place
	most := int32(0)
	for _, p := range *s.pool.upstream.pools.Load() {
		if p == nil || p == s.pool {
			continue
		}
		other := &p.places[s.peer.index]
		if n := other.idle.Load(); n > most {
			best, most = other, n
		}
	}
	return best
}

// give runs on the loop that is asked.
func (r *request) give() {
	if c := r.from.take(); c != nil {
		r.age = time.Duration(r.from.pool.loop.Now() - c.made)
		if c.conn.Detach() == nil {
			r.c = c
		} else {
			c.close()
		}
	}
	if !r.to.pool.loop.Post(r.receive) && r.c != nil {
		r.settle(r.from) // the asking loop has ended
	}
}

// receive runs on the loop that has asked.
func (r *request) receive() {
	waiting := r.waiting
	r.waiting = false
	if r.c != nil && !r.attach(r.to) {
		r.c = nil
	}
	switch {
	case waiting:
		r.co.Wake()
	case r.c != nil:
		r.to.keep(r.c)
	}
}

// settle puts the connection into the pool of s.
func (r *request) settle(s *place) {
	if r.attach(s) {
		s.keep(r.c)
	}
}

// attach makes the connection belong to the loop of s; it reports whether that
// worked.
func (r *request) attach(s *place) bool {
	c := r.c
	if s.pool.loop.Attach(c.conn) != nil {
		s.pool.upstream.open.Add(-1)
		return false
	}
	c.place = s
	c.made = s.pool.loop.Now() - int64(r.age)
	c.conn.SetWatcher(c)
	return true
}
