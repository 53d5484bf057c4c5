// Package fronts keeps the parts that a server has on each of its loops, and adds
// up what they count.
package fronts

import (
	"sync"
	"sync/atomic"

	"pingap/loop"
)

// Front is a server's part on one loop; what it holds belongs to the loop.
type Front interface {
	// Home returns the loop.
	Home() *loop.Loop
	// Tally returns what the front counts.
	Tally() *Counts
}

// Counts is what a front counts. It is written on the loop, and read anywhere.
type Counts struct {
	Open   atomic.Int64 // connections
	Active atomic.Int64 // exchanges in flight
}

// Set is the fronts of a server. The zero value has none. Its methods may be
// called from any goroutine.
type Set[F Front] struct {
	mu  sync.Mutex
	all []F
}

// On returns the front on loop l, which is made if there is none yet.
func (s *Set[F]) On(l *loop.Loop, made func() F) F {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.all {
		if f.Home() == l {
			return f
		}
	}
	f := made()
	s.all = append(s.all, f)
	return f
}

// Each runs do for each front, on its loop. It does not wait for that.
func (s *Set[F]) Each(do func(F)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.all {
		f.Home().Post(func() { do(f) })
	}
}

// Open returns how many connections are open.
func (s *Set[F]) Open() int64 { return s.sum(func(c *Counts) int64 { return c.Open.Load() }) }

// Active returns how many exchanges are in flight.
func (s *Set[F]) Active() int64 { return s.sum(func(c *Counts) int64 { return c.Active.Load() }) }

func (s *Set[F]) sum(count func(*Counts) int64) (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.all {
		n += count(f.Tally())
	}
	return n
}
