package accesslog

import (
	"bytes"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"pingap/logfile"
	"pingap/loop"
	"pingap/message"
)

// Log takes the lines of any number of lanes to one place. One goroutine
// writes; between it and the loops stands a bounded queue.
type Log struct {
	name   string // for messages
	out    io.WriteCloser
	logger *slog.Logger
	flush  time.Duration
	queue  *queue
	spare  chan *chunk   // empty chunks
	done   chan struct{} // closed when the last line is written

	dropped atomic.Int64 // lines that found the queue full, or the log closed
	lost    atomic.Int64 // lines that could not be written
	told    int64        // of both, when the writer last spoke of them
}

// Open opens a target and starts its writer. output is where a target without
// a file goes; logger hears of lines that are lost.
func Open(t Target, output io.Writer, logger *slog.Logger) (*Log, error) {
	if t.Path == "" {
		return newLog("the log output", keepOpen{output}, t, logger), nil
	}
	file, err := logfile.Open(t.Series, func(err error) {
		logger.Error("access log: cannot begin a new file", "error", err)
	})
	if err != nil {
		return nil, err
	}
	return newLog(t.Path, file, t, logger), nil
}

// keepOpen is an output that the process goes on to use.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }

func newLog(name string, out io.WriteCloser, t Target, logger *slog.Logger) *Log {
	l := &Log{
		name:   name,
		out:    out,
		logger: logger,
		flush:  t.FlushTimeout,
		queue:  newQueue(t.Capacity),
		spare:  make(chan *chunk, t.Capacity/chunkSize),
		done:   make(chan struct{}),
	}
	go l.write()
	return l
}

// Dropped returns how many lines have been dropped because the disk was too
// slow or the log closed, and how many could not be written.
func (l *Log) Dropped() (dropped, lost int64) { return l.dropped.Load(), l.lost.Load() }

// Reopen makes the writer open its file anew before the next line, after it has
// been moved away.
func (l *Log) Reopen() { l.queue.askReopen() }

// Close writes what is queued and what closed lanes have handed over, and
// closes the file. Lines that a lane gets later are dropped. It returns after
// timeout at the latest, when the disk stands still.
func (l *Log) Close(timeout time.Duration) {
	l.queue.close()
	select {
	case <-l.done:
	case <-time.After(timeout):
		l.logger.Error("access log: the disk did not take the last lines", "log", l.name, "waited", timeout)
	}
}

// write is the life of the writer.
func (l *Log) write() {
	defer close(l.done)
	defer l.out.Close()
	for {
		c, reopen := l.queue.take()
		if reopen {
			l.reopenFile()
		}
		switch {
		case c != nil:
			l.writeChunk(c)
		case !reopen:
			l.tellMissing()
			return
		}
	}
}

func (l *Log) reopenFile() {
	file, ok := l.out.(*logfile.File)
	if !ok {
		return
	}
	if err := file.Reopen(); err != nil {
		l.logger.Error("access log: cannot open the file again", "log", l.name, "error", err)
	}
}

func (l *Log) writeChunk(c *chunk) {
	n, err := l.out.Write(c.bytes)
	if err != nil {
		// The disk may be full for hours: one message at the first line, and
		// then whenever their number has doubled.
		before := l.lost.Load()
		after := l.lost.Add(int64(bytes.Count(c.bytes[n:], newline)))
		if doubles(before, after) {
			l.logger.Error("access log: lines are lost", "log", l.name, "lost", after, "error", err)
		}
	}
	if all := l.queue.written(len(c.bytes)); all && err == nil {
		l.tellMissing()
	}
	if cap(c.bytes) > 2*chunkSize {
		return // grown for a line of rare length, which is no reason to keep so much
	}
	c.empty()
	select {
	case l.spare <- c:
	default:
	}
}

// tellMissing says how many lines the disk does not have: when it has taken all
// that was left, and at the end.
func (l *Log) tellMissing() {
	dropped, lost := l.Dropped()
	if dropped+lost > l.told {
		l.told = dropped + lost
		l.logger.Warn("access log: lines are missing", "log", l.name, "dropped", dropped, "lost", lost)
	}
}

var newline = []byte{'\n'}

// doubles reports whether a power of two lies in (before, after].
func doubles(before, after int64) bool {
	power := int64(1)
	for power <= before {
		power *= 2
	}
	return power <= after
}

// pass gives a chunk to the writer, or drops its lines. It returns a chunk to go
// on with, if there is one.
func (l *Log) pass(c *chunk, end bool) *chunk {
	rest, err := l.queue.put(c, end)
	if err != nil {
		l.drop(c, err)
	}
	return rest
}

// drop counts the lines of a chunk that is not taken, says so, and empties it.
func (l *Log) drop(c *chunk, why error) {
	after := l.dropped.Add(c.lines)
	if doubles(after-c.lines, after) {
		l.logger.Error("access log: lines are dropped", "log", l.name, "dropped", after, "error", why)
	}
	c.empty()
}

// Lane is the part of a Log that belongs to one loop. Its methods are called on
// that loop.
type Lane struct {
	log    *Log
	loop   *loop.Loop
	format *Format
	chunk  *chunk
	timer  loop.Timer // runs while there are lines in the chunk
}

// Lane makes a lane for a loop, whose lines have the format.
func (l *Log) Lane(on *loop.Loop, format *Format) *Lane {
	lane := &Lane{log: l, loop: on, format: format}
	lane.timer.Fire = lane.Flush
	return lane
}

// Record adds the line of an exchange that has ended.
func (n *Lane) Record(x *message.Exchange) {
	if n.chunk == nil {
		n.chunk = n.log.emptyChunk()
	}
	c := n.chunk
	c.bytes = append(n.format.Append(c.bytes, x), '\n')
	c.lines++
	if len(c.bytes) >= chunkSize-maxLine {
		n.Flush()
		return
	}
	if !n.timer.Armed() {
		n.loop.Arm(&n.timer, n.log.flush)
	}
}

// maxLine is the room that is left in a chunk for one more line, so that most
// do not make it grow.
const maxLine = 4 << 10

func (l *Log) emptyChunk() *chunk {
	select {
	case c := <-l.spare:
		return c
	default:
		return &chunk{bytes: make([]byte, 0, chunkSize)}
	}
}

// Flush passes the lines on to the writer. It never waits: when the queue is
// full they are dropped.
func (n *Lane) Flush() { n.pass(false) }

// Close passes the lines on to be written by Log.Close, however full the queue
// is. It is for the end, when no more exchanges come.
func (n *Lane) Close() { n.pass(true) }

func (n *Lane) pass(end bool) {
	n.loop.Disarm(&n.timer)
	if c := n.chunk; c != nil && c.lines > 0 {
		n.chunk = n.log.pass(c, end)
	}
}
