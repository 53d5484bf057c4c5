package http1

import (
	"sync"
	"sync/atomic"
	"time"

	"pingap/loop"
	"pingap/loop/fronts"
	"pingap/message"
)

// Server answers clients. Its exported fields are settings, fixed before the
// first call of Acceptor and changed by Adopt alone after that; a zero stands
// for the default. The methods may be called from any goroutine.
//
// An idle connection costs its loop.Conn and one small struct. When a request
// comes in, a pooled coroutine takes a buffer, parses the head in place and
// calls Handler, then writes the answer; it goes on with the requests that are
// there already and ends when there are none.
type Server struct {
	// Handler answers the exchanges. When it returns an error, x.Failed
	// holds it, and x.Response is sent all the same if its Status is set. The
	// server answers itself, with a short page, where there is no response or
	// one that HTTP does not allow, and after a panic. Nothing is sent to a
	// client that has gone (message.ErrClientGone); such an exchange ends with
	// Status 499.
	Handler message.Handler
	// Refuse gives x.Response a header and content for a bad request, for
	// which Handler is not called; why.Status is set already, and the
	// connection is closed afterwards. It may register x.OnEnd. x.Request
	// holds what was understood, which may be nothing. nil: a short page.
	Refuse func(x *message.Exchange, why *Error)

	Limits   Limits
	Timeouts Timeouts
	// KeepAliveRequests is how many requests a connection may carry.
	// Default 1000.
	KeepAliveRequests int
	// LeastBodyRate is how many bytes a second the content of a request with
	// Content-Length must come with on average, once it has taken a minute.
	// Default 64; negative for any.
	LeastBodyRate int
	// Strangers closes a connection whose first line is not one of HTTP at
	// all, instead of answering: for where another protocol is spoken too,
	// whose clients could make nothing of an answer.
	Strangers bool
	// IDs numbers connections, across servers when they share it. nil: the
	// server counts for itself.
	IDs *atomic.Uint64

	mu       sync.Mutex
	fronts   fronts.Set[*front]
	draining bool
	quiet    time.Duration // while draining
}

// Timeouts bound how long a client may take.
type Timeouts = message.Timeouts

// settings are the exported fields of a Server with their defaults, as its
// fronts use them. They do not change: an exchange ends with those it began
// with.
type settings struct {
	handler   message.Handler
	refuse    func(x *message.Exchange, why *Error)
	limits    Limits
	timeouts  Timeouts
	requests  int // a connection may carry
	leastRate int64
	strangers bool
	ids       *atomic.Uint64
}

// front is a server's part on one loop; what it holds belongs to the loop.
type front struct {
	*settings

	loop     *loop.Loop
	conns    serverConn // head of the ring of open connections
	spares   message.Spares[session]
	date     message.Date
	draining bool
	quiet    time.Duration // while draining, see Drain

	counts fronts.Counts
}

// Acceptor returns what takes a client's connection on loop l; tls is nil in
// clear text. The connection then belongs to the server.
func (s *Server) Acceptor(l *loop.Loop) func(conn *loop.Conn, tls *message.TLS) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fronts.On(l, func() *front { return s.newFront(l) }).accept
}

// settings returns the settings as of now.
func (s *Server) settings() *settings {
	if s.IDs == nil {
		s.IDs = new(atomic.Uint64)
	}
	made := &settings{
		handler:   s.Handler,
		refuse:    s.Refuse,
		limits:    s.Limits.withDefaults(),
		timeouts:  s.Timeouts.WithDefaults(),
		requests:  s.KeepAliveRequests,
		leastRate: int64(max(s.LeastBodyRate, 0)),
		strangers: s.Strangers,
		ids:       s.IDs,
	}
	if made.refuse == nil {
		made.refuse = message.ShortPage
	}
	if made.requests <= 0 {
		made.requests = 1000
	}
	if s.LeastBodyRate == 0 {
		made.leastRate = 64
	}
	return made
}

func (s *Server) newFront(l *loop.Loop) *front {
	f := &front{settings: s.settings(), loop: l, draining: s.draining, quiet: s.quiet}
	f.conns.prev, f.conns.next = &f.conns, &f.conns
	return f
}

// Adopt gives the server the settings of another one, but for IDs. Connections
// stay open, and follow with their next request; an exchange in flight ends as
// it began. It returns at once, and each loop follows in its next turn.
func (s *Server) Adopt(other *Server) {
	s.mu.Lock()
	s.Handler, s.Refuse = other.Handler, other.Refuse
	s.Limits, s.Timeouts = other.Limits, other.Timeouts
	s.KeepAliveRequests, s.LeastBodyRate = other.KeepAliveRequests, other.LeastBodyRate
	s.Strangers = other.Strangers
	made := s.settings()
	s.mu.Unlock()
	s.fronts.Each(func(f *front) { f.settings = made })
}

// Drain ends the server's connections as soon as can be done without harm: the
// next answer of each says that it is the last, and those on which no request
// comes for the time quiet end without one. A request that is on its way when
// an idle connection is closed fails for its client: with some seconds of quiet
// that happens to no client that is active, with 0 the end comes sooner. It
// returns at once; Open tells when all are gone.
func (s *Server) Drain(quiet time.Duration) {
	s.mu.Lock()
	s.draining, s.quiet = true, quiet
	s.mu.Unlock()
	s.fronts.Each(func(f *front) { f.drain(quiet) })
}

// Close cuts all connections that are left.
func (s *Server) Close() {
	s.Drain(0)
	s.fronts.Each((*front).cut)
}

// Open returns how many connections are open.
func (s *Server) Open() int64 { return s.fronts.Open() }

// Active returns how many exchanges are in flight.
func (s *Server) Active() int64 { return s.fronts.Active() }

// Home implements fronts.Front.
func (f *front) Home() *loop.Loop { return f.loop }

// Tally implements fronts.Front.
func (f *front) Tally() *fronts.Counts { return &f.counts }

func (f *front) drain(quiet time.Duration) {
	f.draining, f.quiet = true, quiet
	f.eachConn(func(c *serverConn) {
		if c.state == waiting {
			c.waitLast()
		}
	})
}

func (f *front) cut() {
	f.eachConn(func(c *serverConn) {
		if s := c.serving; s != nil {
			s.clientGone()
			if s.response.endsWithConnection() {
				c.abort() // the client would take what it got for all
				return
			}
		}
		c.close()
	})
}

// eachConn calls do for each open connection; do may close it.
func (f *front) eachConn(do func(*serverConn)) {
	for c := f.conns.next; c != &f.conns; {
		next := c.next
		do(c)
		c = next
	}
}

// take returns a session that is free.
func (f *front) take() *session {
	if s := f.spares.Take(); s != nil {
		return s
	}
	return newSession(f)
}
