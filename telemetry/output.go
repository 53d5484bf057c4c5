package telemetry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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

// output takes records from anybody, event loops too, and never makes them
// wait: a goroutine writes them to a file or another writer. When that stands
// still records are dropped, and their number is written when it goes on.
type output struct {
	path string

	queue   chan []byte
	queued  atomic.Int64 // bytes in the queue
	dropped atomic.Int64 // records since that was last written
	done    chan struct{}

	sending sync.RWMutex // held for writing to end the queue
	closed  bool

	mu   sync.Mutex // held while writing
	w    io.Writer
	file *os.File
}

func newOutput(path string, w io.Writer) (*output, error) {
	o := &output{path: path, w: w, queue: make(chan []byte, queueLength), done: make(chan struct{})}
	if err := o.reopen(); err != nil {
		return nil, err
	}
	go o.run()
	return o, nil
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

func (o *output) run() {
	defer close(o.done)
	for record := range o.queue {
		o.queued.Add(-int64(len(record)))
		if n := o.dropped.Swap(0); n > 0 {
			record = fmt.Appendf(record, "... %d log records were dropped: they came faster than they could be written\n", n)
		}
		o.mu.Lock()
		o.w.Write(record)
		o.mu.Unlock()
	}
}

// reopen opens the file anew; the old one stays in use if that fails.
func (o *output) reopen() error {
	if o.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(o.path), 0o755); err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	file, err := os.OpenFile(o.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("open log: %w; the proxy runs as user %d: give it the right to write there", err, os.Geteuid())
	}
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		o.file.Close()
	}
	o.file, o.w = file, file
	return nil
}

// close writes what is queued, for closeTimeout at most, and closes the file.
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
	if o.file != nil {
		o.file.Close()
	}
}
