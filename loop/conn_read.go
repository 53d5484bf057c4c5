package loop

import (
	"io"
	"net"
	"os"
	"syscall"
)

// TryRead reads what is there into p and never parks: it returns ErrWouldBlock
// when there is nothing, io.EOF at the end.
func (c *Conn) TryRead(p []byte) (int, error) {
	if c.layer != nil {
		return c.tryOpen(p)
	}
	return c.TryReadRaw(p)
}

// TryReadRaw is TryRead below the layer, for the layer itself.
func (c *Conn) TryReadRaw(p []byte) (int, error) {
	c.loop.mustBeHere()
	if c.closed {
		return 0, net.ErrClosed
	}
	if !c.readable {
		return 0, ErrWouldBlock
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, e := sysRead(int(c.fd), p)
	switch {
	case e == syscall.EAGAIN:
		c.readable = false
		return 0, ErrWouldBlock
	case e != 0:
		return 0, errno("read", e)
	case n == 0:
		return 0, c.readEnd()
	}
	// A read that does not fill p has emptied the socket, and whatever comes
	// will be reported, except for an end that has been reported already.
	if n < len(p) && !c.peerClosed && !c.failed {
		c.readable = false
	}
	return n, nil
}

// readEnd tells the end that the peer made from the one that a reset made: the
// kernel reports a reset once, and when a write was told, a read finds nothing
// but an end that looks clean.
func (c *Conn) readEnd() error {
	c.peerClosed = true
	if e := syscall.Errno(c.writeErrno); e != 0 && e != syscall.EPIPE {
		return errno("read", e)
	}
	return io.EOF
}

// Read reads into p, parking until there is something.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		n, err := c.TryRead(p)
		if err != ErrWouldBlock {
			c.loop.Spend(n)
			return n, err
		}
		if err := c.WaitReadable(); err != nil {
			return 0, err
		}
	}
}

// WaitReadable parks until a read may find something (or the end), for a
// caller that takes a buffer only then. Like every park it may return early.
func (c *Conn) WaitReadable() error {
	if c.closed {
		return net.ErrClosed
	}
	if c.Readable() {
		return nil
	}
	if c.reader != nil {
		panic("loop: two coroutines read one connection")
	}
	late := c.readDeadline != 0 && c.readDeadline <= c.loop.now
	c.reader = c.loop.running()
	err := c.loop.ParkUntil(c.readDeadline)
	c.reader = nil
	if c.closed {
		return net.ErrClosed
	}
	if err == os.ErrDeadlineExceeded && !late && c.overlooked() {
		return nil
	}
	return err
}

// overlooked looks, when a time is over, for what has come in time: of a loop that was
// held up more may have happened than the poller tells in one turn.
func (c *Conn) overlooked() bool {
	if !c.readable {
		var one [1]byte
		_, err := c.Peek(one[:])
		c.readable = err != ErrWouldBlock
	}
	return c.readable
}
