package loop

import (
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// What net.Conn asks for beyond Read, Write and Close.
var _ net.Conn = (*Conn)(nil)

// RemoteAddrPort returns the peer's address, without the zone of a link-local
// one; the zero AddrPort on a Unix socket.
func (c *Conn) RemoteAddrPort() netip.AddrPort {
	if c.remote == [16]byte{} { // which is nobody's address
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom16(c.remote).Unmap(), c.remotePort)
}

// SetRemoteAddrPort makes RemoteAddrPort return another address: that of the
// client for whom a proxy in front has made the connection.
func (c *Conn) SetRemoteAddrPort(a netip.AddrPort) {
	c.remote, c.remotePort = a.Addr().As16(), a.Port()
}

// LocalAddrPort asks the kernel for the near address; the zero AddrPort on a
// Unix socket and on a connection that is closed.
func (c *Conn) LocalAddrPort() netip.AddrPort {
	if c.closed {
		return netip.AddrPort{}
	}
	sa, err := unix.Getsockname(int(c.fd))
	if err != nil {
		return netip.AddrPort{}
	}
	return addrPortOf(sa)
}

// RemoteAddr is RemoteAddrPort for net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return netAddr(c.RemoteAddrPort()) }

// LocalAddr is LocalAddrPort for net.Conn.
func (c *Conn) LocalAddr() net.Addr { return netAddr(c.LocalAddrPort()) }

func netAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return &net.UnixAddr{Net: "unix"}
	}
	return net.TCPAddrFromAddrPort(a)
}

// SetDeadline sets both deadlines in wall time, the zero Time for none.
func (c *Conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets the read deadline in wall time.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.readDeadline = c.loop.fromWall(t)
	return nil
}

// SetWriteDeadline sets the write deadline in wall time.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.writeDeadline = c.loop.fromWall(t)
	return nil
}

// fromWall converts a wall time to loop time, the zero Time to 0.
func (l *Loop) fromWall(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(int64(t.Sub(l.started)), 1)
}
