package loop

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Close sends pending output as far as it goes without waiting and closes the
// connection. Coroutines parked on it get net.ErrClosed, as does a Write that has sent
// a part and gives others a turn; what a layer says at the end is not said then, for
// what has been written is not whole.
func (c *Conn) Close() error {
	if c.closed {
		return net.ErrClosed
	}
	if c.writer == nil && !c.midWrite {
		if c.Pending() > 0 {
			c.flushNow()
		}
		if c.layer != nil && c.out == nil && c.sealEnd() == nil {
			c.flushNow()
		}
	}
	c.release()
	return nil
}

// Abort drops pending output, that which the kernel holds too, and closes the
// connection with a reset: the peer learns that what it got is not whole. On a
// Unix socket, which knows no reset, the peer sees the end. Coroutines parked
// on it get net.ErrClosed.
func (c *Conn) Abort() {
	if c.closed {
		return
	}
	// Closing with a linger time of zero sends RST.
	unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	c.release()
}

func (c *Conn) release() {
	c.loop.mustBeHere()
	c.closed = true
	c.leave()
	unix.Close(int(c.fd))
	if c.reader != nil {
		c.reader.Wake()
	}
	if c.writer != nil {
		c.writer.Wake()
	}
}

func (c *Conn) closeWithLoop() { c.Close() }

// CloseWrite sends what is pending, parking while that takes, and then a FIN.
func (c *Conn) CloseWrite() error {
	err := c.Flush()
	if err == nil && c.layer != nil {
		if err = c.sealEnd(); err == nil {
			err = c.Flush()
		}
	}
	if err != nil {
		return err
	}
	if c.closed {
		return net.ErrClosed // by somebody who had a turn meanwhile
	}
	return os.NewSyscallError("shutdown", unix.Shutdown(int(c.fd), unix.SHUT_WR))
}
