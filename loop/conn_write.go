package loop

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Output to a connection is corked: Append gathers it in a buffer, which leaves
// in one system call with the next Write, or when the coroutine parks or ends.

// outputLimit is how much Append gathers before it waits for the peer.
const outputLimit = 64 << 10

func (c *Conn) pending() int { return len(c.out) - c.sent }

// Pending returns how many bytes wait for the kernel to take them.
func (c *Conn) Pending() int { return c.pending() }

// Append adds p to the output, to leave with what follows. It parks only when
// more is pending than a connection may hold.
func (c *Conn) Append(p []byte) (int, error) {
	if c.pending()+len(p) > outputLimit {
		return c.Write(p)
	}
	c.SetOutput(append(c.Output(len(p)), p...))
	return len(p), nil
}

// Output returns the pending output with room for n more bytes. The caller
// appends to it and hands it back with SetOutput, before anything else is done
// with the connection: writing in place saves a copy.
func (c *Conn) Output(n int) []byte {
	if c.out == nil {
		c.out = c.loop.Buffer(n)[:0]
		return c.out
	}
	if cap(c.out)-len(c.out) < n {
		grown := append(c.loop.Buffer(c.pending() + n)[:0], c.out[c.sent:]...)
		c.loop.Release(c.out)
		c.out, c.sent = grown, 0
	}
	return c.out
}

// SetOutput takes back what Output returned, longer.
func (c *Conn) SetOutput(out []byte) {
	c.out = out
	if !c.corked {
		c.corked = true
		c.loop.dirty = append(c.loop.dirty, c)
	}
}

// flushDirty sends what coroutines have appended, as far as it goes without
// waiting. What remains goes when the poller says that there is room.
func (l *Loop) flushDirty() {
	for i, c := range l.dirty {
		l.dirty[i] = nil
		c.corked = false
		if !c.closed && c.writer == nil && c.pending() > 0 {
			c.flushNow()
		}
	}
	l.dirty = l.dirty[:0]
}

// flushNow sends pending output without waiting. An error shows at the next
// write.
func (c *Conn) flushNow() {
	if !c.writable {
		return
	}
	n, err := c.trySend(c.out[c.sent:], nil, nil)
	if err != nil && err != ErrWouldBlock {
		c.failed = true
		c.dropOutput()
		return
	}
	c.consume(n)
}

// Flush sends all that is pending, parking while the peer is slow.
func (c *Conn) Flush() error {
	_, err := c.Writev(nil, nil)
	return err
}

// Write sends what is pending and then p, all of it, parking while the peer is
// slow.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.Writev(p, nil)
	return int(n), err
}

// Writev sends what is pending, a and b, together in one system call where the
// kernel takes it, parking until all is sent. It returns how many bytes of a
// and b are gone.
func (c *Conn) Writev(a, b []byte) (int64, error) {
	if c.closed {
		return 0, net.ErrClosed
	}
	if c.writer != nil {
		panic("loop: two coroutines write one connection")
	}
	var done int64
	for c.pending()+len(a)+len(b) > 0 {
		n, err := c.trySend(c.out[c.sent:], a, b)
		if err == ErrWouldBlock {
			err = c.waitWritable()
		}
		if err != nil {
			return done, err
		}
		moved := n
		n = c.consume(n)
		done += int64(n)
		a, n = advance(a, n)
		b, _ = advance(b, n)
		// Last: this may yield, and whoever runs then flushes what is pending.
		c.loop.spend(moved)
	}
	return done, nil
}

// advance drops up to n bytes from the start of p; it returns the rest of both.
func advance(p []byte, n int) ([]byte, int) {
	k := min(n, len(p))
	return p[k:], n - k
}

// consume takes n sent bytes off the pending output, gives its buffer back when
// it is empty, and returns what is left of n.
func (c *Conn) consume(n int) int {
	k := min(n, c.pending())
	c.sent += k
	if c.out != nil && c.pending() == 0 {
		c.dropOutput()
	}
	return n - k
}

func (c *Conn) dropOutput() {
	if c.out != nil {
		c.loop.Release(c.out)
		c.out, c.sent = nil, 0
	}
}

// trySend sends up to three pieces in one system call, without waiting.
func (c *Conn) trySend(head, a, b []byte) (int, error) {
	if c.closed {
		return 0, net.ErrClosed
	}
	if !c.writable {
		return 0, ErrWouldBlock
	}
	n, e := c.sendPieces(head, a, b)
	if e != 0 {
		if e == syscall.EAGAIN {
			c.writable = false
		}
		return 0, errno("write", e)
	}
	// Less than all means that the socket's buffer is full.
	if n < len(head)+len(a)+len(b) {
		c.writable = false
	}
	return n, nil
}

func (c *Conn) sendPieces(head, a, b []byte) (int, syscall.Errno) {
	var iov [3]unix.Iovec
	pieces := 0
	var only []byte
	for _, p := range [...][]byte{head, a, b} {
		if len(p) > 0 {
			iov[pieces].Base = &p[0]
			iov[pieces].SetLen(len(p))
			pieces++
			only = p
		}
	}
	if pieces == 1 {
		return sysWrite(int(c.fd), only)
	}
	return sysWritev(int(c.fd), iov[:pieces])
}

// waitWritable parks until a write may find room.
func (c *Conn) waitWritable() error {
	c.writer = c.loop.current
	err := c.loop.ParkUntil(c.writeDeadline)
	c.writer = nil
	if c.closed {
		return net.ErrClosed
	}
	return err
}
