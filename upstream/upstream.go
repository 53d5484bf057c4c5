// Package upstream sends exchanges to the servers behind the proxy. An
// Upstream is a named set of peers; for each exchange it picks one, takes a
// connection to it from a pool or makes one, and sends the request over it.
//
// Whatever an exchange touches belongs to its loop: each loop has its own pool
// and its own place in the rotation of the peers, so nothing is locked. Only a
// loop that has no idle connection to a peer looks at what the others have, and
// asks for one of theirs before it connects anew.
//
// The package knows nothing of who asks, or of how it is configured.
package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"pingap/http1"
	"pingap/loop"
	"pingap/message"
)

// Spec says what an upstream is. Times of 0 mean no limit unless said
// otherwise.
type Spec struct {
	// Name is for logs and errors.
	Name string
	// Peers are the servers, at least one unless NoPeers says why there is none:
	// exchanges then fail with message.NoPeer.
	Peers   []PeerSpec
	NoPeers string
	// IPv4Only leaves IPv6 addresses of host names out.
	IPv4Only bool

	// ConnectTimeout bounds the making of a connection, TotalConnectTimeout
	// that of one that is ready for requests.
	ConnectTimeout, TotalConnectTimeout time.Duration
	// ReadTimeout bounds each wait for a response or its next part,
	// WriteTimeout each write.
	ReadTimeout, WriteTimeout time.Duration
	// TunnelTimeout is how long what has switched protocols may be silent in
	// both directions; 0 leaves it to the client's side, less is for ever.
	TunnelTimeout time.Duration

	// MaxIdle is how many idle connections each loop keeps (more for a moment,
	// see surplusIdle), and IdleTimeout for how long. If either is 0, each
	// connection carries one exchange.
	MaxIdle     int
	IdleTimeout time.Duration

	// TLS secures the connections; nil for clear text. Its NextProtos and its
	// ClientSessionCache are set here.
	TLS *tls.Config
	// TLSDigest is that of all that TLS was made of: two Specs that differ in
	// nothing else but TLS itself mean the same.
	TLSDigest [32]byte
	// Protocol is the version of HTTP that the peers speak.
	Protocol Protocol
	// MaxStreams is how many exchanges share a connection of HTTP/2, if the
	// peer allows as many. 0 means 1.
	MaxStreams int

	// ProxyProtocol is the version of the PROXY protocol, 1 or 2, in which
	// each connection says for whom it is made; 0 for none. Such a connection
	// carries one exchange, since the next may be for somebody else.
	ProxyProtocol int

	// Socket are the settings of the connections.
	Socket loop.SocketOptions
	// Limits bound the heads of responses.
	Limits http1.Limits
}

// Protocol is which versions of HTTP are spoken with peers.
type Protocol uint8

// The protocols.
const (
	HTTP1        Protocol = iota
	HTTP2                 // by ALPN under TLS, by prior knowledge in clear text
	HTTP2OrHTTP1          // whichever the peer chooses by ALPN; in clear text HTTP/1.1
)

// tlsConfig keeps a name free for the method that uses it.
type tlsConfig = tls.Config

// PeerSpec names one server, or several if Host has more than one address.
type PeerSpec struct {
	Host   string // IP address or name
	Port   uint16
	Path   string // of a Unix socket, instead of Host and Port
	Weight int    // share of the exchanges compared with others; 0 means 1
}

// Upstream sends exchanges to its peers. It is a message.Handler that may be
// used on any number of loops.
type Upstream struct {
	name       string
	peers      []*peer
	noPeers    string  // why there are none
	cycle      []int32 // the order in which peers take turns
	dialing    loop.DialOptions
	maxIdle    int
	idle       time.Duration
	patience   time.Duration // with another loop that is asked for a connection
	unresolved []error

	introduce   int // version of the PROXY protocol; 0 for none
	protocol    Protocol
	connectTime time.Duration // for a connection that is ready for requests; 0 for any

	pools  atomic.Pointer[[]*pool] // by loop ID
	mu     sync.Mutex              // held to replace pools
	closed atomic.Bool
	open   atomic.Int64 // connections
}

// New makes an upstream. Host names are looked up now, once, for at most
// resolveTimeout, so it must not be called on a loop. Names that cannot be
// resolved are left out, see Unresolved; it is an error if no peer is left.
func New(ctx context.Context, s Spec) (*Upstream, error) {
	u := &Upstream{
		name:     s.Name,
		dialing:  loop.DialOptions{Timeout: shorter(s.ConnectTimeout, s.TotalConnectTimeout), Socket: s.Socket},
		maxIdle:  s.MaxIdle,
		idle:     s.IdleTimeout,
		patience: usualPatience,
	}
	if s.IdleTimeout == 0 || s.ProxyProtocol != 0 {
		u.maxIdle = 0
	}
	if s.ProxyProtocol != 0 {
		s.MaxStreams = 1
	}
	u.speak(&s)
	found, unresolved, err := s.lookUp(ctx)
	if err != nil {
		return nil, err
	}
	u.unresolved = unresolved
	u.noPeers = s.NoPeers
	weights := make([]int, len(found))
	for i, f := range found {
		weights[i] = f.weight
		u.peers = append(u.peers, newPeer(i, f, &s, u.maxIdle == 0))
	}
	u.cycle = smoothCycle(weights)
	u.pools.Store(new([]*pool))
	return u, nil
}

// speak decides what is spoken with the peers.
func (u *Upstream) speak(s *Spec) {
	u.protocol, u.connectTime, u.introduce = s.Protocol, s.TotalConnectTimeout, s.ProxyProtocol
	if s.TLS == nil && u.protocol == HTTP2OrHTTP1 {
		u.protocol = HTTP1
	}
}

// Try looks the peers up as New does: unresolved are those that New would leave
// out, and err is that of New.
func Try(ctx context.Context, s Spec) (unresolved []error, err error) {
	_, unresolved, err = s.lookUp(ctx)
	return unresolved, err
}

// lookUp finds the peers, at least one unless there is to be none.
func (s *Spec) lookUp(ctx context.Context) (peers []found, unresolved []error, err error) {
	peers, unresolved = resolve(ctx, s.Peers, s.IPv4Only)
	switch {
	case len(peers) > 0 || s.NoPeers != "":
		return peers, unresolved, nil
	case len(unresolved) == 0:
		return nil, nil, fmt.Errorf("upstream %q has no peers", s.Name)
	}
	return nil, unresolved, fmt.Errorf("upstream %q has no peer that can be reached: %w", s.Name, unresolved[0])
}

// shorter returns the shorter of two limits, of which 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Name returns the name given in the Spec.
func (u *Upstream) Name() string { return u.name }

// Unresolved returns an error for each host that was left out because it has
// no usable address.
func (u *Upstream) Unresolved() []error { return u.unresolved }

// Serve asks once, see Ask.
func (u *Upstream) Serve(x *message.Exchange) error { return u.Ask(x, &Asking{}) }

// Handler returns a handler that asks u.
func (u *Upstream) Handler(a Asking) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error { return u.Ask(x, &a) })
}

// Close closes the idle connections, now, and those in use as they become
// idle. Exchanges in flight are not disturbed, and those still to come are
// served as if connections were not to be kept.
func (u *Upstream) Close() {
	u.closed.Store(true)
	for _, p := range *u.pools.Load() {
		if p != nil {
			p.loop.Post(p.drain)
		}
	}
}

// pool returns the pool of a loop.
func (u *Upstream) pool(l *loop.Loop) *pool {
	pools := *u.pools.Load()
	if id := l.ID(); id < len(pools) && pools[id] != nil && pools[id].loop == l {
		return pools[id]
	}
	return u.addPool(l)
}

// addPool publishes a pool for a loop that has none.
func (u *Upstream) addPool(l *loop.Loop) *pool {
	u.mu.Lock()
	defer u.mu.Unlock()
	old := *u.pools.Load()
	pools := make([]*pool, max(len(old), l.ID()+1))
	copy(pools, old)
	pools[l.ID()] = newPool(u, l)
	u.pools.Store(&pools)
	return pools[l.ID()]
}

// PeerStatus is what a peer is doing.
type PeerStatus struct {
	Addr     string
	Weight   int
	InFlight int // exchanges that have a connection to it
	Idle     int // connections kept for reuse
}

// Peers returns the state of each peer, summed over the loops. It may be
// called from any goroutine.
func (u *Upstream) Peers() []PeerStatus {
	status := make([]PeerStatus, len(u.peers))
	for i, p := range u.peers {
		status[i] = PeerStatus{Addr: p.name, Weight: p.weight}
	}
	for _, p := range *u.pools.Load() {
		if p == nil {
			continue
		}
		for i := range p.places {
			status[i].InFlight += int(p.places[i].inFlight.Load())
			status[i].Idle += int(p.places[i].idle.Load())
		}
	}
	return status
}

// Open returns how many connections there are.
func (u *Upstream) Open() int64 { return u.open.Load() }
