package cache

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

func (s *shard) validate(t *testing.T) {
	t.Helper()
	seen := 0
	for _, q := range []*queue{&s.small, &s.main} {
		size := int64(0)
		for it := q.youngest; it != nil; it = it.next {
			if s.items[it.key] != it || it.inMain != (q == &s.main) || it.size != it.entry.size(it.key) {
				t.Fatalf("%s is in the wrong place", it.key)
			}
			size += it.size
			seen++
		}
		if size != q.size {
			t.Fatalf("a queue counts %d bytes and has %d", q.size, size)
		}
	}
	if seen != len(s.items) || s.small.size+s.main.size > s.limit {
		t.Fatalf("%d of %d items are in queues, %d of %d bytes", seen, len(s.items), s.small.size+s.main.size, s.limit)
	}
	if len(s.ghosts.places) > len(s.ghosts.order) {
		t.Fatalf("%d ghosts of %d", len(s.ghosts.places), len(s.ghosts.order))
	}
}

func TestMemoryStaysWithinItsBound(t *testing.T) {
	m := NewMemory(1<<20, 1<<14)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		key := fmt.Appendf(nil, "%d", r.IntN(2000))
		switch r.IntN(10) {
		case 0:
			m.Delete(key)
		case 1, 2, 3, 4:
			m.Put(key, &Entry{Status: 200, Body: make([]byte, r.IntN(1<<14))})
		default:
			m.Get(key)
		}
	}
	for i := range m.shards {
		m.shards[i].validate(t)
	}
	if n := m.Size(); n > 1<<20 || n < 1<<19 {
		t.Errorf("%d bytes", n)
	}
	if m.Put([]byte("large"), &Entry{Body: make([]byte, 2<<20)}); m.Get([]byte("large")) != nil {
		t.Error("what is larger than the store is in it")
	}
	if m.Clear(); m.Size() != 0 {
		t.Error("not empty")
	}
}

func TestAWalkThroughEverythingDisplacesNothingPopular(t *testing.T) {
	m := NewMemory(1<<20, 1<<20) // one shard
	body := make([]byte, 1000)
	popular := func(f func(key []byte)) {
		for i := range 100 {
			f(fmt.Appendf(nil, "popular %d", i))
		}
	}
	popular(func(key []byte) { m.Put(key, &Entry{Body: body}); m.Get(key) })
	for i := range 50000 {
		m.Put(fmt.Appendf(nil, "once %d", i), &Entry{Body: body})
	}
	lost := 0
	popular(func(key []byte) {
		if m.Get(key) == nil {
			lost++
		}
	})
	if lost > 0 {
		t.Errorf("%d of 100 entries that are wanted were lost to those that nobody wants", lost)
	}
}

func TestMemoryServesAllLoops(t *testing.T) {
	m := NewMemory(1<<18, 1<<10)
	var g sync.WaitGroup
	for w := range 4 {
		g.Go(func() {
			for i := range 3000 {
				key := fmt.Appendf(nil, "%d", i*(w+1)%500)
				if m.Get(key) == nil {
					m.Put(key, &Entry{Body: make([]byte, 500)})
				}
			}
		})
	}
	g.Wait()
	for i := range m.shards {
		m.shards[i].validate(t)
	}
}

func TestHitsDoNotAllocate(t *testing.T) {
	m := NewMemory(1<<20, 1<<10)
	key := []byte("key")
	m.Put(key, &Entry{})
	if n := testing.AllocsPerRun(100, func() { m.Get(key) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
