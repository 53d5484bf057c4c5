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
// address; os.ErrDeadlineExceeded and the kernel's errno are wrapped. With fast
// open, to a peer that is known to take it, Dial returns at once, the
// connection is made by the first write, and it is that which may fail. o may
// be nil.
func (l *Loop) Dial(a Addr, o *DialOptions) (*Conn, error) {
	if o == nil {
		o = &DialOptions{}
	}
	c, err := l.dial(a, o)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", a, err)
	}
	return c, nil
}

func (l *Loop) dial(a Addr, o *DialOptions) (*Conn, error) {
	deadline := int64(0)
	if o.Timeout > 0 {
		deadline = l.after(o.Timeout)
	}
	fd, err := outgoingSocket(a.family(), o)
	if err != nil {
		return nil, err
	}
	if err := l.connect(fd, a, deadline); err != nil {
		unix.Close(fd)
		return nil, err
	}
	c := newConn(fd, a.TCP)
	if err := l.Attach(c); err != nil {
		return nil, err
	}
	if err := c.connected(deadline); err != nil {
		c.Abort()
		return nil, err
	}
	if c.toItself() {
		c.Abort()
		return nil, os.NewSyscallError("connect", unix.ECONNREFUSED)
	}
	return c, nil
}

// outgoingSocket makes a socket with its options set.
func outgoingSocket(family int, o *DialOptions) (int, error) {
	fd, err := sysSocket(family)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := o.Socket.apply(fd, family); err != nil {
		unix.Close(fd)
		return -1, err
	}
	if o.Socket.FastOpen > 0 && family != unix.AF_UNIX {
		setFastOpenConnect(fd)
	}
	return fd, nil
}

// backlogPause is how long to wait before asking a full Unix socket again.
const backlogPause = 10 * time.Millisecond

// connect begins to connect. A Unix socket whose backlog is full says EAGAIN
// where TCP would wait, and nothing tells when there is room again.
func (l *Loop) connect(fd int, a Addr, deadline int64) error {
	sa, err := a.sockaddr()
	if err != nil {
		return err
	}
	for {
		switch err := unix.Connect(fd, sa); {
		case err == nil, err == unix.EINPROGRESS, err == unix.EINTR:
			return nil
		case err != unix.EAGAIN || a.family() != unix.AF_UNIX:
			return os.NewSyscallError("connect", err)
		case deadline != 0 && l.now >= deadline:
			return os.ErrDeadlineExceeded
		}
		if err := l.Sleep(backlogPause); err != nil {
			return err
		}
	}
}

// connected parks until the kernel has made the connection or given up.
func (c *Conn) connected(deadline int64) error {
	c.writeDeadline = deadline
	for !c.writable {
		if err := c.waitWritable(); err != nil {
			return err
		}
	}
	c.writeDeadline = 0
	if !c.failed {
		return nil
	}
	code, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if code != 0 {
		return os.NewSyscallError("connect", unix.Errno(code))
	}
	return nil
}

// toItself reports whether a connection is one to its own near end: where nobody
// listens at a port of this machine, the kernel may choose just that port for the near
// end, and what is sent comes back.
func (c *Conn) toItself() bool {
	return c.remotePort != 0 && c.LocalAddrPort() == c.RemoteAddrPort()
}
