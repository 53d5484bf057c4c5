package telemetry

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// queueLength is how many records may wait to be written, maxQueued how many
// bytes they may have together.
const (
	queueLength = 4096
	maxQueued   = 4 << 20
)

// closeTimeout is how long Close lets the last records be written.
const closeTimeout = 5 * time.Second

// Records may be gathered before they are written: from leastGathered bytes on,
// for gatherTime at most.
const (
	leastGathered = 4 << 10
	gatherTime    = time.Second
)

// sink is where records end up.
type sink interface {
	io.WriteCloser
	// Reopen opens it anew, or leaves it as it is when that fails.
	Reopen() error
}

// output takes records from anybody, event loops too, and never makes them
// wait: a goroutine writes them to the sink. When that stands still records are
// dropped, and their number is written when it goes on.
type output struct {
	queue   chan []byte
	queued  atomic.Int64 // bytes in the queue
	dropped atomic.Int64 // records since that was last written
	done    chan struct{}

	sending sync.RWMutex // held for writing to end the queue
	closed  bool

	gather int // how many bytes are written at once; 0 to write each record when it comes

	mu sync.Mutex // held while writing
	w  sink
}

func newOutput(w sink, gather int) *output {
	if gather < leastGathered {
		gather = 0
	}
	o := &output{w: w, gather: gather, queue: make(chan []byte, queueLength), done: make(chan struct{})}
	go o.run()
	return o
}

// Write queues a record, or drops it. It reports success either way: there is
// nothing that a caller could do.
func (o *output) Write(p []byte) (int, error) {
	o.sending.RLock()
	defer o.sending.RUnlock()
	if o.closed || o.queued.Load() > maxQueued {
		o.dropped.Add(1)
		return len(p), nil
	}
	record := append([]byte(nil), p...)
	select {
	case o.queue <- record:
		o.queued.Add(int64(len(record)))
	default:
		o.dropped.Add(1)
	}
	return len(p), nil
}

// run is the life of the writer.
func (o *output) run() {
	defer close(o.done)
	var gathered []byte
	late := time.NewTimer(0)
	<-late.C
	for {
		select {
		case record, ok := <-o.queue:
			if !ok {
				o.write(append(gathered, o.missed()...))
				return
			}
			if len(gathered) == 0 {
				late.Reset(gatherTime)
			}
			if gathered = append(gathered, o.taken(record)...); len(gathered) < o.gather {
				continue
			}
		case <-late.C:
		}
		o.write(gathered)
		gathered = gathered[:0]
	}
}

// taken counts a record as taken from the queue, and adds how many there was no
// room for.
func (o *output) taken(record []byte) []byte {
	o.queued.Add(-int64(len(record)))
	return append(record, o.missed()...)
}

// missed says how many records there was no room for since it was last asked.
func (o *output) missed() []byte {
	if n := o.dropped.Swap(0); n > 0 {
		return fmt.Appendf(nil, "... %d log records were dropped: they came faster than they could be written\n", n)
	}
	return nil
}

func (o *output) write(records []byte) {
	if len(records) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w.Write(records)
}

// reopen opens the sink anew.
func (o *output) reopen() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Reopen()
}

// close writes what is queued, for closeTimeout at most, and closes the sink.
func (o *output) close() {
	o.sending.Lock()
	ended := o.closed
	o.closed = true
	o.sending.Unlock()
	if ended {
		return
	}
	close(o.queue)
	select {
	case <-o.done:
	case <-time.After(closeTimeout):
		return // the writer holds mu
	}
	o.w.Close()
}
