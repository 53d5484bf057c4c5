package loop

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// DialOptions are the settings of an outgoing connection.
type DialOptions struct {
	Timeout time.Duration // 0: as long as the kernel tries
	Socket  SocketOptions
}

// Dial connects to a, parking until the connection is there. Errors name the
// address; os.ErrDeadlineExceeded and the kernel's errno are wrapped.
func (l *Loop) Dial(a Addr, o *DialOptions) (*Conn, error) {
	c, err := l.dial(a, o)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", a, err)
	}
	return c, nil
}

func (l *Loop) dial(a Addr, o *DialOptions) (*Conn, error) {
	sa, err := a.sockaddr()
	if err != nil {
		return nil, err
	}
	fd, err := sysSocket(a.family())
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := o.Socket.apply(fd, a.family()); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	c := l.newConn(fd, a.TCP)
	if err := l.Attach(c); err != nil {
		return nil, err
	}
	if err := c.connected(o.Timeout); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

// connected parks until the kernel has made the connection or given up.
func (c *Conn) connected(timeout time.Duration) error {
	if timeout > 0 {
		c.writeDeadline = c.loop.now + int64(timeout)
	}
	for !c.writable {
		if err := c.waitWritable(); err != nil {
			return err
		}
	}
	c.writeDeadline = 0
	code, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if code != 0 {
		return os.NewSyscallError("connect", unix.Errno(code))
	}
	return nil
}
