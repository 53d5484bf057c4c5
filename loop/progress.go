package loop

import "sync/atomic"

// progress lets another goroutine see whether the loop turns: a number that
// changes with every turn, and is odd while the loop waits for events.
type progress struct{ n atomic.Uint64 }

func (p *progress) turn()  { p.n.Add(2) }
func (p *progress) sleep() { p.n.Add(1) }
func (p *progress) awake() { p.n.Add(1) }

// read returns the number and whether the loop waits.
func (p *progress) read() (n uint64, waiting bool) {
	n = p.n.Load()
	return n, n%2 == 1
}
