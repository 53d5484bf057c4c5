package upstream

import (
	"crypto/tls"

	"pingap/http1"
	"pingap/http2"
	"pingap/loop"
)

// peer is one server of an upstream, the same for all loops. It does not
// change.
type peer struct {
	index  int // in Upstream.peers
	addr   loop.Addr
	name   string // addr in words
	weight int
	http1  http1.ClientOptions
	http2  http2.ClientOptions
	// For either version of HTTP; nil for clear text.
	tls1, tls2 *tls.Config
}

func newPeer(index int, f found, s *Spec, once bool) *peer {
	name := f.addr.String()
	idle := s.IdleTimeout
	if once {
		idle = 0
	}
	p := &peer{
		index:  index,
		addr:   f.addr,
		name:   name,
		weight: f.weight,
		http1: http1.ClientOptions{
			Peer:          name,
			Limits:        s.Limits,
			ReadTimeout:   s.ReadTimeout,
			WriteTimeout:  s.WriteTimeout,
			TunnelTimeout: s.TunnelTimeout,
			Close:         once,
		},
		http2: http2.ClientOptions{
			Peer:         name,
			Secure:       s.TLS != nil,
			Limits:       http2.Limits{Head: s.Limits.Head, Fields: s.Limits.Fields},
			ReadTimeout:  s.ReadTimeout,
			WriteTimeout: s.WriteTimeout,
			IdleTimeout:  idle,
			MaxStreams:   max(s.MaxStreams, 1),
		},
	}
	p.secure(s)
	return p
}

// secure decides how connections to the peer are secured. It has its own
// sessions: crypto/tls keeps them by the name of the server, which all peers of an
// upstream share, while they need not take each other's tickets.
func (p *peer) secure(s *Spec) {
	if s.TLS == nil {
		return
	}
	p.tls1 = s.TLS.Clone()
	p.tls1.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	p.tls2 = p.tls1.Clone()
	p.tls1.NextProtos = []string{"http/1.1"}
	p.tls2.NextProtos = []string{"h2"}
	if s.Protocol == HTTP2OrHTTP1 {
		p.tls2.NextProtos = []string{"h2", "http/1.1"}
	}
}
