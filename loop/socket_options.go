package loop

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// SocketOptions are settings of a TCP connection; the zero value leaves all as
// the kernel has it, except that small writes leave at once (TCP_NODELAY).
// None applies to Unix sockets.
type SocketOptions struct {
	// Delay lets the kernel wait for more before it sends a small segment
	// (Nagle's algorithm).
	Delay bool
	// KeepAlive: probes after KeepAliveIdle of silence, every
	// KeepAliveInterval, and the connection is dead after KeepAliveProbes.
	// Off unless KeepAliveIdle is set.
	KeepAliveIdle     time.Duration
	KeepAliveInterval time.Duration
	KeepAliveProbes   int
	// UserTimeout is how long sent bytes may stay unacknowledged (Linux).
	UserTimeout time.Duration
	// FastOpen sends data with the first packet (RFC 7413): the length of
	// the queue on a listener, any positive number on an outgoing connection.
	FastOpen int
	// ReceiveBuffer is the size of the kernel's receive buffer in bytes.
	ReceiveBuffer int
}

// option is one setsockopt call.
type option struct {
	name       string
	level, opt int
	value      int
}

// apply sets the options of a socket; accepted ones inherit those of their
// listener.
func (o *SocketOptions) apply(fd, family int) error {
	if family == unix.AF_UNIX {
		return nil
	}
	for _, s := range o.list() {
		if err := unix.SetsockoptInt(fd, s.level, s.opt, s.value); err != nil {
			return fmt.Errorf("set socket option %s to %d: %w", s.name, s.value, err)
		}
	}
	return nil
}

func (o *SocketOptions) list() []option {
	var list []option
	add := func(name string, level, opt, value int) {
		list = append(list, option{name, level, opt, value})
	}
	if !o.Delay {
		add("TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if o.KeepAliveIdle > 0 {
		add("SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		add("TCP_KEEPIDLE", unix.IPPROTO_TCP, tcpKeepIdle, seconds(o.KeepAliveIdle))
		if o.KeepAliveInterval > 0 {
			add("TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, seconds(o.KeepAliveInterval))
		}
		if o.KeepAliveProbes > 0 {
			add("TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, o.KeepAliveProbes)
		}
	}
	if o.ReceiveBuffer > 0 {
		add("SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, o.ReceiveBuffer)
	}
	return append(list, o.platformList()...)
}

// seconds rounds a duration up to the kernel's unit.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
