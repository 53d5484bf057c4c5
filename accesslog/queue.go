package accesslog

import (
	"errors"
	"sync"
)

// chunkSize is how many bytes a lane gathers before it passes them on.
const chunkSize = 64 << 10

// chunk is a number of whole lines.
type chunk struct {
	bytes []byte
	lines int64
	next  *chunk // in the queue
}

func (c *chunk) empty() { c.bytes, c.lines = c.bytes[:0], 0 }

// queue is what stands between the lanes and the writer. It is bounded by the
// bytes that wait, however many chunks they come in: chunks of few lines are put
// together, so that no two neighbours would fit in one. The memory is thus less
// than twice what waits.
type queue struct {
	capacity int

	mu          sync.Mutex // held for moments only
	changed     sync.Cond  // one of what follows, for the writer
	first, last *chunk
	bytes       int // that wait, those that are being written included
	reopen      bool
	closed      bool
}

// Why a queue takes no more lines.
var (
	errFull   = errors.New("the disk is too slow for them")
	errClosed = errors.New("the log has been closed")
)

func newQueue(capacity int) *queue {
	q := &queue{capacity: capacity}
	q.changed.L = &q.mu
	return q
}

// put adds a chunk, and returns it empty when its lines have been copied, or nil
// when it is the queue's now. A lane that ends is let in however full the queue
// is; and so is a line of any length when nothing waits.
func (q *queue) put(c *chunk, end bool) (*chunk, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return c, errClosed
	case !end && q.bytes > 0 && q.bytes+len(c.bytes) > q.capacity:
		return c, errFull
	}
	q.bytes += len(c.bytes)
	if t := q.last; t != nil && len(t.bytes)+len(c.bytes) <= chunkSize {
		t.bytes = append(t.bytes, c.bytes...)
		t.lines += c.lines
		c.empty()
		return c, nil
	}
	if q.first == nil {
		q.first = c
	} else {
		q.last.next = c
	}
	q.last = c
	q.changed.Signal()
	return nil, nil
}

// take waits for something to do: a chunk to write, the file to open again
// before that, or, when there is neither, the end.
func (q *queue) take() (c *chunk, reopen bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.first == nil && !q.reopen && !q.closed {
		q.changed.Wait()
	}
	reopen, q.reopen = q.reopen, false
	if c = q.first; c != nil {
		if q.first = c.next; q.first == nil {
			q.last = nil
		}
		c.next = nil
	}
	return c, reopen
}

// written makes room for as many bytes, and reports whether nothing waits.
func (q *queue) written(bytes int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= bytes
	return q.bytes == 0
}

func (q *queue) askReopen() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reopen = true
	q.changed.Signal()
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Signal()
}
