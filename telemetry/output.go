package telemetry

import (
	"fmt"
	"io"
	"slices"
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
// dropped, and their number is written when it goes on, as is the number of
// those that the sink did not take.
type output struct {
	queue   chan []byte
	queued  atomic.Int64 // bytes in the queue
	dropped atomic.Int64 // records since that was last written
	done    chan struct{}

	sending sync.RWMutex // held for writing to end the queue
	closed  bool

	gather int // how many bytes are written at once; 0 to write each record when it comes

	mu      sync.Mutex // held while writing
	w       sink
	lost    int64               // records that w did not take since that was last written
	failure error               // why it did not take the last of them
	note    func(string) []byte // gives what the output itself has to say its form
}

func newOutput(w sink, gather int, note func(string) []byte) *output {
	if gather < leastGathered {
		gather = 0
	}
	o := &output{w: w, gather: gather, note: note, queue: make(chan []byte, queueLength), done: make(chan struct{})}
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

// direct is the way past the queue, for those who may wait and want to know what
// has been written: they have a queue of their own, and would fill this one.
type direct struct{ *output }

// Write writes whole lines.
func (d direct) Write(lines []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.send(lines)
}

// batch is what is written at once.
type batch struct {
	bytes []byte
	ends  []int // of the records
}

func (b *batch) add(record []byte) {
	b.bytes = append(b.bytes, record...)
	b.ends = append(b.ends, len(b.bytes))
}

func (b *batch) reset() { b.bytes, b.ends = b.bytes[:0], b.ends[:0] }

// beyond returns how many records do not end in the first n bytes.
func (b *batch) beyond(n int) int64 {
	whole, _ := slices.BinarySearch(b.ends, n+1)
	return int64(len(b.ends) - whole)
}

// run is the life of the writer.
func (o *output) run() {
	defer close(o.done)
	var gathered batch
	late := time.NewTimer(0)
	<-late.C
	for {
		select {
		case record, ok := <-o.queue:
			if !ok {
				o.end(&gathered)
				return
			}
			o.queued.Add(-int64(len(record)))
			if len(gathered.ends) == 0 {
				late.Reset(gatherTime)
			}
			if gathered.add(record); len(gathered.bytes) < o.gather {
				continue
			}
		case <-late.C:
		}
		o.write(&gathered)
	}
}

// write writes the records that have been gathered, and counts those that are
// lost.
func (o *output) write(b *batch) {
	if len(b.ends) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if n, err := o.send(b.bytes); err != nil {
		o.lost += b.beyond(n)
		o.failure = err
	}
	b.reset()
}

// send writes lines or records after the number of those that are missing. It is
// called with mu held.
func (o *output) send(p []byte) (int, error) {
	if err := o.sayMissing(); err != nil {
		return 0, err
	}
	return o.w.Write(p)
}

// sayMissing writes how many records are missing that has not been written yet.
func (o *output) sayMissing() error {
	if o.lost > 0 {
		if err := o.say("... %d log records could not be written: %v", o.lost, o.failure); err != nil {
			return err
		}
		o.lost = 0
	}
	n := o.dropped.Swap(0)
	if n == 0 {
		return nil
	}
	err := o.say("... %d log records were dropped: they came faster than they could be written", n)
	if err != nil {
		o.dropped.Add(n)
	}
	return err
}

func (o *output) say(format string, values ...any) error {
	_, err := o.w.Write(o.note(fmt.Sprintf(format, values...)))
	return err
}

// end writes the last records and closes the sink.
func (o *output) end(b *batch) {
	o.write(b)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sayMissing()
	o.w.Close()
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
	}
}
