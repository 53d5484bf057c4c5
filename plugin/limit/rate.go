package limit

import (
	"sync"
	"time"

	"pingap/message"
)

// slices are the parts of an interval. What a client has done is known for each
// of them, so that a place is free again when the interval has passed, and at most
// one slice later.
const slices = 15

// window is what a client has done in the present slice and the whole ones of an
// interval before it.
type window struct {
	key    uint64
	newest int64 // number of the present slice, counted since 1970; 0: nobody's
	counts [slices + 1]uint32
}

// advance makes a slice the present one. Time that goes back a little, as from
// one loop to another, stands still.
func (w *window) advance(slice int64) {
	if slice-w.newest > slices {
		w.counts = [slices + 1]uint32{}
		w.newest = slice
	}
	for w.newest < slice {
		w.newest++
		*w.at(w.newest) = 0
	}
}

func (w *window) at(slice int64) *uint32 { return &w.counts[slice%(slices+1)] }

// sum is how many requests are counted. They are at least those of an interval.
func (w *window) sum() (n int64) {
	for _, c := range w.counts {
		n += int64(c)
	}
	return n
}

// frees returns the slice with which the first of what is counted is not any more.
func (w *window) frees() int64 {
	slice := w.newest - slices
	for slice < w.newest && *w.at(slice) == 0 {
		slice++
	}
	return slice + slices + 1
}

// The memory of a plugin is bounded: windows are kept in sets, and a set that is
// full forgets the client that has not been let through for longest. All of them
// take five megabytes.
const (
	shards  = 64
	sets    = 128 // of a shard
	perSet  = 8
	clients = shards * sets * perSet
)

// rate limits requests within an interval.
type rate struct {
	max    int64
	width  int64 // of a slice, ns
	shards [shards]shard
}

// shard is a part of the clients. It has memory when it has had one.
type shard struct {
	mu      sync.Mutex // held for less than a microsecond
	windows []window
}

func newRate(most int64, interval time.Duration) *rate {
	return &rate{max: most, width: (int64(interval) + slices - 1) / slices}
}

// enter counts an exchange now.
func (r *rate) enter(x *message.Exchange, key uint64) (count int64, wait time.Duration) {
	return r.take(x.Loop.WallTime(x.Loop.Now()).UnixNano(), key)
}

// take counts a request at a time, in ns since 1970. One that is refused does not
// count: who asks too often is let through as often as who does not.
func (r *rate) take(now int64, key uint64) (count int64, wait time.Duration) {
	s := &r.shards[key%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.windows == nil {
		s.windows = make([]window, sets*perSet)
	}
	w := s.find(key)
	w.advance(now / r.width)
	count = w.sum() + 1
	if count > r.max {
		return count, time.Duration(w.frees()*r.width - now)
	}
	*w.at(w.newest)++
	return count, 0
}

// find returns the window of a client. One that is new takes the place of who has
// been quiet for longest.
func (s *shard) find(key uint64) *window {
	start := key / shards % sets * perSet
	set := s.windows[start : start+perSet]
	oldest := &set[0]
	for i := range set {
		w := &set[i]
		if w.newest != 0 && w.key == key {
			return w
		}
		if w.newest < oldest.newest {
			oldest = w
		}
	}
	*oldest = window{key: key}
	return oldest
}
