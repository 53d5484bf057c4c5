package limit

import (
	"sync"
	"time"

	"pingap/message"
)

// inflight limits the exchanges in flight. It knows as many clients as have one.
type inflight struct {
	max    int64
	shards [shards]present
	places sync.Pool // of *place
}

// present are the clients of a shard with exchanges in flight.
type present struct {
	mu     sync.Mutex // held for less than a microsecond
	counts map[uint64]int64
}

// place is what an exchange takes until its end. Each limit that an exchange passes
// has one of its own.
type place struct {
	key   uint64
	ended func(*message.Exchange)
}

func newInflight(most int64) *inflight {
	f := &inflight{max: most}
	f.places.New = func() any {
		p := &place{}
		p.ended = func(*message.Exchange) {
			f.leave(p.key)
			f.places.Put(p)
		}
		return p
	}
	return f
}

// enter counts an exchange until its end, unless there are too many.
func (f *inflight) enter(x *message.Exchange, key uint64) (count int64, wait time.Duration) {
	s := &f.shards[key%shards]
	s.mu.Lock()
	count = s.counts[key] + 1
	if count <= f.max {
		if s.counts == nil {
			s.counts = make(map[uint64]int64)
		}
		s.counts[key] = count
	}
	s.mu.Unlock()
	if count <= f.max {
		p := f.places.Get().(*place)
		p.key = key
		x.OnEnd(p.ended)
	}
	return count, time.Second // nobody knows when one ends
}

func (f *inflight) leave(key uint64) {
	s := &f.shards[key%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts[key]--; s.counts[key] == 0 {
		delete(s.counts, key)
	}
}
