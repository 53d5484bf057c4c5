package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
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
)

// pacer chooses, after each collection, when the next one is due.
type pacer struct {
	heap    [3]metrics.Sample // what a collection has found in use, and what it looks at beside it
	percent int
}

// paceCollections has the heap collected as is said above, where GOGC does not
// say otherwise.
func paceCollections() {
	if os.Getenv("GOGC") != "" {
		return
	}
	p := &pacer{}
	p.heap[0].Name, p.heap[1].Name, p.heap[2].Name = "/gc/heap/live:bytes", "/gc/scan/stack:bytes", "/gc/scan/globals:bytes"
	p.set()
}

// set chooses for the heap as it is now, and has itself called after the next
// collection, by being the finalizer of something that nobody holds.
func (p *pacer) set() {
	metrics.Read(p.heap[:])
	var used uint64
	for _, s := range p.heap {
		used += s.Value.Uint64()
	}
	if percent := growth(used); percent != p.percent {
		p.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.SetFinalizer(&collection{}, func(*collection) { p.set() })
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
