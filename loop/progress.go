package loop

import "sync/atomic"

// progress lets another goroutine see whether the loop turns: a number that
// changes with every turn, and is odd while the loop waits for events.
type progress struct {
	n atomic.Uint64
	// resting is a watchdog that wants to hear when the loop waits no longer.
	resting atomic.Pointer[Watchdog]
}

func (p *progress) turn()  { p.n.Add(2) }
func (p *progress) sleep() { p.n.Add(1) }

func (p *progress) awake() {
	p.n.Add(1)
	if w := p.resting.Load(); w != nil {
		w.rouse()
	}
}

// read returns the number and whether the loop waits.
func (p *progress) read() (n uint64, waiting bool) {
	n = p.n.Load()
	return n, n%2 == 1
}
