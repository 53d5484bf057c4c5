package upstream

import (
	"errors"
	"time"

	"pingap/message"
)

// Retry says how an exchange goes on when connecting to a peer fails. Nothing
// has been sent by then, so any request may be tried again, with the peer whose
// turn is next.
type Retry struct {
	// Max is how many more times to try; 0 for none.
	Max int
	// Window ends it when so much time has passed since the exchange began;
	// 0 for never.
	Window time.Duration
}

// Asking says how exchanges are sent to an upstream, whichever it is.
type Asking struct {
	Retry
	// Connected, unless nil, is called for each attempt when there is a
	// connection for it, and before the head of the request is sent: what
	// x.Upstream tells of peer and connection may go into it.
	Connected func(x *message.Exchange)
}

// attempts are what an exchange has tried.
type attempts struct {
	asking *Asking
	places [8]*place // tried in vain; more are forgotten
	count  int
}

func (a *attempts) tried(s *place) bool {
	for _, t := range a.places[:min(a.count, len(a.places))] {
		if t == s {
			return true
		}
	}
	return false
}

// failed notes that s could not be connected to.
func (a *attempts) failed(s *place) {
	if a.count < len(a.places) {
		a.places[a.count] = s
	}
	a.count++
}

// again reports whether there may be another attempt for x.
func (a *attempts) again(x *message.Exchange) bool {
	r := &a.asking.Retry
	return a.count <= r.Max && (r.Window == 0 || x.Loop.Now()-x.Started < int64(r.Window))
}

// Ask sends the exchange to a peer and takes its answer: it tries peers until
// one has answered or there is no use in going on. Where it is the upstream that
// has failed, the error is a *message.UpstreamError.
func (u *Upstream) Ask(x *message.Exchange, asking *Asking) error {
	// A connection on which a peer takes this for the beginning of a tunnel
	// would not be one for other requests any more.
	if x.Request.Method == "CONNECT" {
		return message.ErrConnect
	}
	x.Upstream.Name = u.name
	if len(u.peers) == 0 {
		return &message.UpstreamError{Failure: message.NoPeer, Err: errors.New(u.noPeers)}
	}
	p := u.pool(x.Loop)
	a := attempts{asking: asking}
	for {
		s := p.pick(&a)
		x.Upstream.Addr = s.peer.name
		err := s.serve(x, asking.Connected)
		if !neverConnected(err) {
			return err
		}
		a.failed(s)
		if !a.again(x) {
			return err
		}
	}
}

func neverConnected(err error) bool {
	e, ok := errors.AsType[*message.UpstreamError](err)
	return ok && (e.Failure == message.ConnectFailed || e.Failure == message.ConnectTimeout)
}

// mostSends is how often a request is sent to one peer: a connection of HTTP/2
// that takes the place of another may be on its way to its end as well.
const mostSends = 3

// serve sends x to the place's peer. A connection from the pool may be one that
// the peer is just closing; then the request goes out again on a fresh one.
func (s *place) serve(x *message.Exchange, connected func(*message.Exchange)) error {
	err := s.attempt(x, false, connected)
	for n := 1; n < mostSends && err != nil && repeatable(x, err); n++ {
		err = s.attempt(x, true, connected)
	}
	return err
}

// attempt sends x once, over a connection that must be fresh or need not.
func (s *place) attempt(x *message.Exchange, fresh bool, connected func(*message.Exchange)) error {
	x.Upstream.Reused = false
	c, err := s.connect(x, fresh)
	if err != nil {
		return err
	}
	x.Upstream.Connected = s.pool.upstream.open.Load()
	x.Upstream.Reused = c.carried()
	if connected != nil {
		connected(x)
	}
	return c.roundTrip(x)
}

// repeatable reports whether a request that was lost with a connection may be
// sent again: nothing of it can have been acted upon, which a peer of HTTP/2 may
// have said, or doing so twice is as good as once (RFC 9110 section 9.2.2) and the
// connection was an old one. The peer had not begun to answer, and the content is
// still there.
func repeatable(x *message.Exchange, err error) bool {
	e, ok := errors.AsType[*message.UpstreamError](err)
	return ok && e.Failure == message.ConnectionLost && !e.Received && !e.Consumed &&
		(!e.Sent || x.Upstream.Reused && x.Request.Idempotent())
}
