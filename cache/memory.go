package cache

import (
	"hash/maphash"
	"strings"
	"sync"
)

// Memory keeps entries in memory, up to a number of bytes. Which ones go when that
// is used up is decided as in S3-FIFO (Yang and others, SOSP 2023): what is new
// waits in a small queue and leaves it soon, unless it is asked for again. So a
// client that walks through all there is does not displace what many want. It is
// safe for use by all loops.
type Memory struct {
	seed   maphash.Seed
	shards []shard
}

// mostShards is how many parts with a lock of their own a store is divided into.
const mostShards = 16

// NewMemory returns a store that takes at most size bytes, entries of up to largest
// among them. It takes memory as entries come.
func NewMemory(size, largest int64) *Memory {
	n := 1
	for n < mostShards && size/int64(2*n) >= 8*largest {
		n *= 2
	}
	m := &Memory{seed: maphash.MakeSeed(), shards: make([]shard, n)}
	for i := range m.shards {
		m.shards[i].limit = size / int64(n)
		m.shards[i].items = make(map[string]*item)
		m.shards[i].ghosts.places = make(map[uint64]uint64)
	}
	return m
}

// Get returns what is stored under key, or nil.
func (m *Memory) Get(key []byte) *Entry {
	s, _ := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[string(key)]
	if it == nil {
		return nil
	}
	it.uses = min(it.uses+1, maxUses)
	return it.entry
}

// Put stores an entry in the place of what was there. One that is larger than its
// part of the store is not kept.
func (m *Memory) Put(key []byte, e *Entry) {
	s, hash := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	uses := s.drop(string(key))
	it := &item{key: strings.Clone(string(key)), hash: hash, entry: e, uses: uses}
	it.size = e.size(it.key)
	if it.size > s.limit {
		return
	}
	for s.small.size+s.main.size+it.size > s.limit {
		s.evict()
	}
	s.items[it.key] = it
	if uses > 0 || s.ghosts.take(hash) {
		s.main.push(it)
		it.inMain = true
	} else {
		s.small.push(it)
	}
}

// Delete removes what is stored under key, and reports whether there was any.
func (m *Memory) Delete(key []byte) bool {
	s, _ := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.items[string(key)]
	s.drop(string(key))
	return ok
}

// Clear removes everything and returns how many entries that were.
func (m *Memory) Clear() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += len(s.items)
		s.items = make(map[string]*item)
		s.small, s.main = queue{}, queue{}
		s.mu.Unlock()
	}
	return n
}

// Size returns how many bytes the entries take.
func (m *Memory) Size() int64 {
	n := int64(0)
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += s.small.size + s.main.size
		s.mu.Unlock()
	}
	return n
}

func (m *Memory) shard(key []byte) (*shard, uint64) {
	hash := maphash.Bytes(m.seed, key)
	return &m.shards[hash>>32%uint64(len(m.shards))], hash
}

// shard is a part of the store.
type shard struct {
	mu          sync.Mutex // held for as long as a few entries take to be thrown out
	limit       int64
	items       map[string]*item
	small, main queue
	ghosts      ghosts
	_           [64]byte // locks on lines of the cache of their own
}

// maxUses is up to which number the uses of an item are counted.
const maxUses = 3

// item is an entry in a queue.
type item struct {
	key        string
	hash       uint64
	entry      *Entry
	size       int64
	uses       int // since it came, or was last let off
	inMain     bool
	prev, next *item // prev is younger
}

// drop removes an item, if it is there, and returns how often it was used.
func (s *shard) drop(key string) int {
	it := s.items[key]
	if it == nil {
		return 0
	}
	delete(s.items, key)
	if it.inMain {
		s.main.remove(it)
		return max(it.uses, 1) // it has earned its place before
	}
	s.small.remove(it)
	return it.uses
}

// evict throws one item out, or moves it on. It comes to an end, since each move
// costs the item a use.
func (s *shard) evict() {
	const share = 10 // of the bytes, one in so many is for what is new
	if it := s.small.oldest; it != nil && (s.small.size*share > s.limit || s.main.oldest == nil) {
		s.small.remove(it)
		if it.uses > 0 {
			it.uses, it.inMain = 0, true
			s.main.push(it)
			return
		}
		delete(s.items, it.key)
		s.ghosts.add(it.hash, len(s.items)+1)
		return
	}
	it := s.main.oldest
	s.main.remove(it)
	if it.uses > 0 {
		it.uses--
		s.main.push(it)
		return
	}
	delete(s.items, it.key)
}

// queue is a list of items by age.
type queue struct {
	youngest, oldest *item
	size             int64
}

func (q *queue) push(it *item) {
	it.prev, it.next = nil, q.youngest
	if q.youngest != nil {
		q.youngest.prev = it
	} else {
		q.oldest = it
	}
	q.youngest = it
	q.size += it.size
}

func (q *queue) remove(it *item) {
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		q.youngest = it.next
	}
	if it.next != nil {
		it.next.prev = it.prev
	} else {
		q.oldest = it.prev
	}
	it.prev, it.next = nil, nil
	q.size -= it.size
}

// ghosts are the hashes of what has left the small queue unused not long ago. What
// comes back belongs into the main queue.
type ghosts struct {
	places map[uint64]uint64 // when each was added, counted in additions
	order  []ghost           // oldest first; some are not in places any more
	added  uint64
}

type ghost struct{ hash, added uint64 }

// add remembers a hash, and forgets the oldest beyond most.
func (g *ghosts) add(hash uint64, most int) {
	g.added++
	g.places[hash] = g.added
	g.order = append(g.order, ghost{hash, g.added})
	for len(g.order) > most {
		if oldest := g.order[0]; g.places[oldest.hash] == oldest.added {
			delete(g.places, oldest.hash)
		}
		g.order = g.order[1:]
	}
}

// take forgets a hash and reports whether it was there.
func (g *ghosts) take(hash uint64) bool {
	_, ok := g.places[hash]
	delete(g.places, hash)
	return ok
}
