package loop

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Peek copies what has come to p and leaves it to be read. It never parks: it
// returns ErrWouldBlock when there is nothing, and 0 at the end. It looks at the
// socket, whatever layer there is.
func (c *Conn) Peek(p []byte) (int, error) {
	c.loop.mustBeHere()
	if c.closed {
		return 0, net.ErrClosed
	}
	n, _, err := unix.Recvfrom(int(c.fd), p, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if e, ok := err.(syscall.Errno); ok {
		if e == syscall.EAGAIN {
			c.readable = false
		}
		return 0, errno("read", e)
	}
	return n, err
}
