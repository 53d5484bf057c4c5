package store

import (
	"context"
	"sync"

	"google.golang.org/grpc/stats"
)

// interruptions tells of connections that have ended, which the client of etcd
// replaces without a word. It is told by gRPC.
type interruptions struct {
	mu   sync.Mutex
	wait chan struct{} // closed at the next one; nil when nobody waits
}

// next returns what is closed when the next connection ends.
func (i *interruptions) next() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.wait == nil {
		i.wait = make(chan struct{})
	}
	return i.wait
}

// HandleConn implements stats.Handler.
func (i *interruptions) HandleConn(_ context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnEnd); !ok {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.wait != nil {
		close(i.wait)
		i.wait = nil
	}
}

// TagConn, TagRPC and HandleRPC implement the rest of stats.Handler.
func (*interruptions) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (*interruptions) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (*interruptions) HandleRPC(context.Context, stats.RPCStats)                         {}
