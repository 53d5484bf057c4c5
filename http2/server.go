package http2

import (
	"sync"
	"sync/atomic"
	"time"

	"pingap/loop"
	"pingap/loop/fronts"
	"pingap/message"
)

// Server answers clients. Its exported fields are settings, fixed before the
// first call of Acceptor; a zero stands for the default. The methods may be
// called from any goroutine.
type Server struct {
	// Handler answers the exchanges. When it returns an error, x.Failed
	// holds it, and x.Response is sent all the same if its Status is set. The
	// server answers itself, with a short page, where there is no response or
	// one that HTTP does not allow, and after a panic. Nothing is sent on a
	// stream that is over (message.ErrClientGone); such an exchange ends with
	// Status 499.
	Handler message.Handler
	// Refuse gives x.Response a header and content for a bad request, for
	// which Handler is not called; why.Status is set already. It may register
	// x.OnEnd. nil: a short page.
	Refuse func(x *message.Exchange, why *message.Refusal)

	Limits   Limits
	Timeouts Timeouts
	// MaxStreams is how many exchanges a connection may have at a time.
	// Default 128.
	MaxStreams int
	// KeepAliveRequests is how many requests a connection may carry.
	// Default 1000.
	KeepAliveRequests int
	// IDs numbers connections, across servers when they share it. nil: the
	// server counts for itself.
	IDs *atomic.Uint64

	mu       sync.Mutex
	fronts   fronts.Set[*front]
	draining bool
	quiet    time.Duration // while draining, see Drain
}

// Timeouts bound how long a client may take.
type Timeouts = message.Timeouts

// settings are the exported fields of a Server with their defaults, as its
// fronts use them. They do not change: an exchange ends with those it began
// with.
type settings struct {
	handler    message.Handler
	refuse     func(x *message.Exchange, why *message.Refusal)
	limits     Limits
	timeouts   Timeouts
	maxStreams int
	requests   int // a connection may carry
	ids        *atomic.Uint64
}

// front is a server's part on one loop; what it holds belongs to the loop.
type front struct {
	*settings

	loop     *loop.Loop
	conns    map[*serverConn]struct{}
	spares   message.Spares[exchange]
	date     message.Date
	draining bool
	quiet    time.Duration
	notice   time.Duration // announceTime

	counts fronts.Counts
}

// Acceptor returns what takes a client's connection on loop l, on which HTTP/2
// has been agreed on; tls is nil in clear text. The connection then belongs to
// the server.
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
		handler:    s.Handler,
		refuse:     s.Refuse,
		limits:     s.Limits.withDefaults(),
		timeouts:   s.Timeouts.WithDefaults(),
		maxStreams: s.MaxStreams,
		requests:   s.KeepAliveRequests,
		ids:        s.IDs,
	}
	if made.refuse == nil {
		made.refuse = message.ShortPage
	}
	if made.maxStreams <= 0 {
		made.maxStreams = 128
	}
	if made.requests <= 0 {
		made.requests = 1000
	}
	return made
}

func (s *Server) newFront(l *loop.Loop) *front {
	return &front{
		settings: s.settings(), loop: l, conns: map[*serverConn]struct{}{},
		draining: s.draining, quiet: s.quiet, notice: announceTime,
	}
}

// Adopt gives the server the settings of another one, but for IDs. Connections
// stay open, and follow with their next request; those settings that were told
// to the client stay. It returns at once, and each loop follows in its next
// turn.
func (s *Server) Adopt(other *Server) {
	s.mu.Lock()
	s.Handler, s.Refuse = other.Handler, other.Refuse
	s.Limits, s.Timeouts = other.Limits, other.Timeouts
	s.MaxStreams, s.KeepAliveRequests = other.MaxStreams, other.KeepAliveRequests
	made := s.settings()
	s.mu.Unlock()
	s.fronts.Each(func(f *front) { f.settings = made })
}

// Drain ends the server's connections as soon as can be done without harm: it
// tells the clients to open no more streams (RFC 9113 section 6.8), and ends
// each connection with its last exchange. One that has not carried an exchange
// yet may bring its first for the time quiet: its client could not tell that it
// was not served. It returns at once; Open tells when all are gone.
func (s *Server) Drain(quiet time.Duration) {
	s.mu.Lock()
	s.draining, s.quiet = true, quiet
	s.mu.Unlock()
	s.fronts.Each(func(f *front) {
		f.draining, f.quiet = true, quiet
		for c := range f.conns {
			c.drain(quiet)
		}
	})
}

// Close cuts all connections that are left.
func (s *Server) Close() {
	s.Drain(0)
	s.fronts.Each(func(f *front) {
		for c := range f.conns {
			c.lose(message.ErrClientGone)
		}
	})
}

// Open returns how many connections are open.
func (s *Server) Open() int64 { return s.fronts.Open() }

// Active returns how many exchanges are in flight.
func (s *Server) Active() int64 { return s.fronts.Active() }

// Home implements fronts.Front.
func (f *front) Home() *loop.Loop { return f.loop }

// Tally implements fronts.Front.
func (f *front) Tally() *fronts.Counts { return &f.counts }

// take returns an exchange that is free.
func (f *front) take() *exchange {
	if e := f.spares.Take(); e != nil {
		return e
	}
	return newExchange(f)
}

// give takes one back.
func (f *front) give(e *exchange) {
	e.x.Reset()
	e.conn, e.co = nil, nil
	f.spares.Keep(e)
}
