package upstream

import (
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
}

func newPeer(index int, f found, s *Spec, once bool) *peer {
	name := f.addr.String()
	idle := s.IdleTimeout
	if once {
		idle = 0
	}
	return &peer{
		index:  index,
		addr:   f.addr,
		name:   name,
		weight: f.weight,
		http1: http1.ClientOptions{
			Peer:         name,
			Limits:       s.Limits,
			ReadTimeout:  s.ReadTimeout,
			WriteTimeout: s.WriteTimeout,
			Close:        once,
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
}
