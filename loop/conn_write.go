package loop

import (
	"net"
	"syscall"
)

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
// and b are gone. After an error the rest of a message cannot follow any more:
// the connection is to be closed.
func (c *Conn) Writev(a, b []byte) (int64, error) {
	if c.closed {
		return 0, net.ErrClosed
	}
	if c.writer != nil || c.midWrite {
		panic("loop: two coroutines write one connection")
	}
	var done int64
	var err error
	if c.layer != nil {
		done, err = c.sendSealed(a, b)
	} else {
		done, err = c.sendAll(a, b)
	}
	c.midWrite = false
	return done, err
}

func (c *Conn) sendAll(a, b []byte) (done int64, err error) {
	for more := c.Pending()+len(a)+len(b) > 0; more; {
		n, err := c.trySend(c.unsent(), a, b)
		if err == ErrWouldBlock {
			c.midWrite = len(a)+len(b) > 0
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
		c.midWrite = len(a)+len(b) > 0
		more = c.midWrite || c.Pending() > 0
		// Last: this may yield, and whoever runs then flushes what is pending, or
		// closes the connection.
		c.loop.Spend(moved)
	}
	return done, nil
}

// advance drops up to n bytes from the start of p; it returns the rest, and
// what is left of n.
func advance(p []byte, n int) ([]byte, int) {
	k := min(n, len(p))
	return p[k:], n - k
}

// trySend sends up to three pieces in one system call, without waiting.
func (c *Conn) trySend(head, a, b []byte) (int, error) {
	if err := c.mayWrite(); err != nil {
		return 0, err
	}
	n, e := sendPieces(int(c.fd), [...][]byte{head, a, b})
	return c.sent(n, len(head)+len(a)+len(b), e)
}

// sent keeps what a system call that was to send a number of bytes has said.
// Less than all means that the socket's buffer is full.
func (c *Conn) sent(n, of int, e syscall.Errno) (int, error) {
	if e != 0 {
		return 0, c.writeFailed("write", e)
	}
	if n < of {
		c.writable = false
	}
	return n, nil
}

// mayWrite returns why a write need not be tried.
func (c *Conn) mayWrite() error {
	c.loop.mustBeHere()
	switch {
	case c.closed:
		return net.ErrClosed
	case c.writeErrno != 0:
		return errno("write", syscall.Errno(c.writeErrno))
	case !c.writable:
		return ErrWouldBlock
	}
	return nil
}

// writeFailed keeps what a system call that writes has said. After an error a
// part may be lost, so nothing may follow.
func (c *Conn) writeFailed(call string, e syscall.Errno) error {
	switch e {
	case syscall.EAGAIN, syscall.EINPROGRESS: // the latter: fast open, connecting
		c.writable = false
		return ErrWouldBlock
	}
	c.writeErrno = uint8(e)
	return errno(call, e)
}

func sendPieces(fd int, pieces [3][]byte) (int, syscall.Errno) {
	var some [len(pieces)][]byte
	n := 0
	for _, p := range pieces {
		if len(p) > 0 {
			some[n] = p
			n++
		}
	}
	if n == 1 {
		return sysWrite(fd, some[0])
	}
	return sysWritev(fd, some[:n])
}

// waitWritable parks until a write may find room.
func (c *Conn) waitWritable() error {
	c.writer = c.loop.running()
	err := c.loop.ParkUntil(c.writeDeadline)
	c.writer = nil
	if c.closed {
		return net.ErrClosed
	}
	return err
}
