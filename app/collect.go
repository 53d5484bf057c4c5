package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// What serves a request allocates next to nothing, so that collecting a large
// heap twice as often as usual costs little; but what a TLS handshake leaves
// behind, some 55 KiB, would otherwise stay for each connection. A small heap is
// another matter: the 2 MB that it may grow by then are used up by a few dozen
// handshakes, and collecting took a fifth of their time.
const (
	// largeHeap is by how many percent a large heap grows before it is
	// collected.
	largeHeap = 50
	// smallHeap is that for a small one. It also makes 16 MB of the least that
	// the heap grows to: 4 MB are that of Go with 100 percent.
	smallHeap = 400
	// allowance is how much a heap between the two grows by, in bytes.
	allowance = 16 << 20
	// sparedHeap is largeHeap while a new configuration is made: enough that
	// what this leaves behind is collected once, in the end.
	sparedHeap = 400
)

// pacer chooses, after each collection, when the next one is due.
type pacer struct {
	mu      sync.Mutex        // held while it chooses
	heap    [3]metrics.Sample // what a collection has found in use, and what it looks at beside it
	percent int
	least   int // while spare works
}

// paceCollections has the heap collected as is said above, where GOGC does not
// say otherwise: it returns nil then.
func paceCollections() *pacer {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	p := &pacer{}
	p.heap[0].Name, p.heap[1].Name, p.heap[2].Name = "/gc/heap/live:bytes", "/gc/scan/stack:bytes", "/gc/scan/globals:bytes"
	p.set()
	return p
}

// set chooses for the heap as it is now, and has itself called after the next
// collection, by being the finalizer of something that nobody holds.
func (p *pacer) set() {
	p.choose()
	runtime.SetFinalizer(&collection{}, func(*collection) { p.set() })
}

func (p *pacer) choose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	metrics.Read(p.heap[:])
	var used uint64
	for _, s := range p.heap {
		used += s.Value.Uint64()
	}
	if percent := max(growth(used), p.least); percent != p.percent {
		p.percent = percent
		debug.SetGCPercent(percent)
	}
}

// spare runs work that leaves much behind, and puts collections off meanwhile.
// A collector at work takes the threads of event loops that wait for a moment,
// which they then have to wait for: with 10,000 locations the slowest hundredth
// of exchanges took ten times as long during a reload.
func (p *pacer) spare(work func()) {
	if p == nil {
		work()
		return
	}
	p.demand(sparedHeap)
	defer p.demand(0)
	work()
}

// demand has the heap grow by at least so many percent.
func (p *pacer) demand(percent int) {
	p.mu.Lock()
	p.least = percent
	p.mu.Unlock()
	p.choose()
}

// collection is larger than what the runtime puts together with others, whose
// finalizers may never run.
type collection struct{ _ [32]byte }

// growth returns by how many percent a heap grows of which so many bytes are in
// use. It is whole tens, since every change stops the program for a moment.
func growth(used uint64) int {
	const step = 10
	percent := allowance * 100 / max(used, 1) / step * step
	return int(min(max(percent, largeHeap), smallHeap))
}
