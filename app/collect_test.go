package app

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
)

// paced runs a test with collections as the program has them.
func paced(t *testing.T) *pacer {
	t.Setenv("GOGC", "")
	p := theOnly()
	runtime.GC()
	return p
}

// theOnly is the pacer of all tests, as a process has one: each goes on for good.
var theOnly = sync.OnceValue(paceCollections)

var garbage []byte

// churn allocates so many bytes that nobody keeps, and returns how often the
// heap was collected meanwhile.
func churn(bytes int) uint32 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const piece = 32 << 10
	for range bytes / piece {
		garbage = make([]byte, piece)
	}
	runtime.ReadMemStats(&after)
	return after.NumGC - before.NumGC
}

func TestSmallHeapIsSeldomCollected(t *testing.T) {
	paced(t)
	if n := churn(128 << 20); n > 32 {
		t.Errorf("128 MiB of garbage were collected in %d times", n)
	}
}

func TestLargeHeapGrowsByHalf(t *testing.T) {
	paced(t)
	large := make([]byte, 64<<20)
	percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	// The choice is made soon after a collection, on another goroutine.
	for metrics.Read(percent); percent[0].Value.Uint64() != largeHeap; metrics.Read(percent) {
		runtime.GC()
	}
	runtime.KeepAlive(large)
}

func TestHeapOfAReloadIsCollectedInTheEnd(t *testing.T) {
	p := paced(t)
	large := make([]byte, 64<<20)
	percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	p.spare(func() {
		runtime.GC() // which chooses again, and must not choose less
		if n := churn(128 << 20); n > 0 {
			t.Errorf("while it is spared the heap is collected %d times", n)
		}
	})
	if metrics.Read(percent); percent[0].Value.Uint64() != largeHeap {
		t.Errorf("after that it grows by %d %%, want %d", percent[0].Value.Uint64(), largeHeap)
	}
	runtime.KeepAlive(large)
}

func TestHeapGrowsByWhatItsSizeAllows(t *testing.T) {
	for used, want := range map[uint64]int{0: 400, 1 << 20: 400, 4 << 20: 400, 8 << 20: 200, 20 << 20: 80, 33 << 20: 50, 1 << 40: 50} {
		if got := growth(used); got != want {
			t.Errorf("%d bytes in use: grows by %d %%, want %d", used, got, want)
		}
	}
}
