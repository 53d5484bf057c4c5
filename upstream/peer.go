package upstream

import (
	"pingap/http1"
	"pingap/loop"
)

// peer is one server of an upstream, the same for all loops. It does not
// change.
type peer struct {
	index   int // in Upstream.peers
	addr    loop.Addr
	name    string // addr in words
	weight  int
	options http1.ClientOptions
}

func newPeer(index int, f found, s *Spec, once bool) *peer {
	name := f.addr.String()
	return &peer{
		index:  index,
		addr:   f.addr,
		name:   name,
		weight: f.weight,
		options: http1.ClientOptions{
			Peer:         name,
			Limits:       s.Limits,
			ReadTimeout:  s.ReadTimeout,
			WriteTimeout: s.WriteTimeout,
			Close:        once,
		},
	}
}
