package http1

import (
	"errors"
	"time"

	"pingap/loop"
)

// headBuffer is what is taken to read a message: a head and, mostly, all of
// its content.
const headBuffer = 16 << 10

// bodyBuffer is the largest buffer that content is read into. For 10 MB from an
// upstream it costs a fifth less than one of 64 KiB.
const bodyBuffer = 256 << 10

// pace is the time in which a buffer full of content should go: who takes less
// gets a larger one, who takes much longer a smaller one. So a slow client
// holds little memory, however fast its upstream is.
const pace = 20 * time.Millisecond

// leastRead is the room below which reading on is not worth a system call.
const leastRead = 4 << 10

// errInterrupted is what a reader gets whose body was closed by another
// coroutine.
var errInterrupted = errors.New("body is closed")

// input is a connection's incoming side: what has come and is not consumed is
// buf[start:end]. Messages are views of buf, so bytes before floor stay where
// they are until unpin.
type input struct {
	conn *loop.Conn
	// timeout bounds each wait for more; 0 for ever. When deadline is not 0,
	// no wait goes beyond it.
	timeout  time.Duration
	deadline int64

	buf        []byte // nil, or a buffer of the loop
	start, end int
	floor      int
	pinned     [][]byte // buffers before buf, while views of them are in use
	filled     bool     // the last read took all the room there was
	readAt     int64    // loop time of the last read

	waiting     *loop.Coroutine // parked in more
	interrupted bool
}

// unread returns what has come and is not consumed. It is valid until more is
// called.
func (in *input) unread() []byte { return in.buf[in.start:in.end] }

// consume takes n bytes as read. They stay in place until more is called, and
// longer when they are pinned.
func (in *input) consume(n int) { in.start += n }

// pin keeps what has been consumed in place until unpin.
func (in *input) pin() { in.floor = in.start }

// unpin ends the life of all views but those of what is unread.
func (in *input) unpin() {
	in.floor = 0
	for i, b := range in.pinned {
		in.conn.Loop().Release(b)
		in.pinned[i] = nil
	}
	in.pinned = in.pinned[:0]
}

// release gives the buffers back; what is unread is lost.
func (in *input) release() {
	in.unpin()
	if in.buf != nil {
		in.conn.Loop().Release(in.buf)
	}
	in.buf, in.start, in.end, in.filled, in.interrupted = nil, 0, 0, false, false
}

// rushing reports whether more comes in than reads of a good size take: then it
// is worth a pipe of the kernel's to move it without a copy.
func (in *input) rushing() bool {
	return in.filled && len(in.buf) > headBuffer && in.start == in.end
}

// interrupt makes the coroutine that is parked in more return.
func (in *input) interrupt() {
	if in.waiting != nil {
		in.interrupted = true
		in.waiting.Wake()
	}
}

// next takes what comes next, as much as there is.
func (in *input) next() ([]byte, error) {
	for {
		if view := in.unread(); len(view) > 0 {
			in.consume(len(view))
			return view, nil
		}
		if err := in.rest(); err != nil {
			return nil, err
		}
		if _, err := in.more(); err != nil {
			return nil, err
		}
	}
}

// rest parks until there may be something to read, without a buffer of its own:
// many may wait for long.
func (in *input) rest() error {
	if len(in.unread()) > 0 || in.conn.Readable() {
		return nil
	}
	if in.buf != nil && in.floor == 0 {
		in.conn.Loop().Release(in.buf)
		in.buf, in.start, in.end, in.filled = nil, 0, 0, false
	}
	return in.wait()
}

// more reads on behind what is unread, parking until something comes. It
// reports whether it moved the unread bytes: views of them are then wrong.
// What was consumed and is not pinned is lost.
func (in *input) more() (moved bool, err error) {
	moved = in.makeRoom()
	room := in.buf[in.end:]
	n, err := in.read(room)
	in.took(n, room)
	return moved, err
}

func (in *input) took(n int, room []byte) {
	in.end += n
	in.filled = n == len(room)
	in.readAt = in.conn.Loop().Now()
}

// tryMore is more for when there may be nothing: it does not park but returns
// loop.ErrWouldBlock.
func (in *input) tryMore() error {
	in.makeRoom()
	room := in.buf[in.end:]
	n, err := in.conn.TryRead(room)
	in.took(n, room)
	return err
}

// makeRoom makes room for a read worth its system call. It reports whether it
// moved what is unread.
func (in *input) makeRoom() (moved bool) {
	if in.buf == nil {
		in.buf = in.conn.Loop().Buffer(headBuffer)
		return false
	}
	if in.start == in.end {
		in.makeRoomAnew()
		return false
	}
	if len(in.buf)-in.end >= leastRead {
		return false
	}
	if in.start > in.floor {
		in.end = in.floor + copy(in.buf[in.floor:], in.unread())
		in.start = in.floor
	}
	if len(in.buf)-in.end < leastRead {
		in.replace(max(headBuffer, 4*len(in.unread())))
	}
	return true
}

// makeRoomAnew is makeRoom when nothing is unread: the buffer can be of another
// size then.
func (in *input) makeRoomAnew() {
	in.start, in.end = in.floor, in.floor
	size := len(in.buf)
	took := time.Duration(in.conn.Loop().Now() - in.readAt)
	switch {
	case in.filled && took < pace && size < bodyBuffer:
		size *= 4
	case (!in.filled || took > 4*pace) && size > headBuffer:
		size /= 4
	}
	if size != len(in.buf) || size-in.floor < leastRead {
		in.replace(size)
	}
}

// replace goes on in a new buffer. The present one is kept if views of it are
// in use.
func (in *input) replace(size int) {
	l := in.conn.Loop()
	other := l.Buffer(size)
	end := copy(other, in.unread())
	if in.floor > 0 {
		in.pinned = append(in.pinned, in.buf)
	} else {
		l.Release(in.buf)
	}
	in.buf, in.start, in.end, in.floor = other, 0, end, 0
}

// read reads into p, parking until there is something. It is Conn.Read, except
// that interrupt ends it.
func (in *input) read(p []byte) (int, error) {
	for {
		if in.interrupted {
			return 0, errInterrupted
		}
		n, err := in.conn.TryRead(p)
		if err == nil {
			in.conn.Loop().Spend(n)
			return n, nil
		}
		if err != loop.ErrWouldBlock {
			return 0, err
		}
		if err := in.wait(); err != nil {
			return 0, err
		}
	}
}

func (in *input) wait() error {
	l := in.conn.Loop()
	until := in.deadline
	if in.timeout > 0 {
		if t := l.Now() + int64(in.timeout); until == 0 || t < until {
			until = t
		}
	}
	in.conn.SetReadDeadlineAt(until)
	in.waiting = l.Current()
	err := in.conn.WaitReadable()
	in.waiting = nil
	return err
}
