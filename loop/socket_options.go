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
	// the queue on a listener (Linux, FreeBSD), any positive number on an
	// outgoing connection (Linux).
	FastOpen int
	// ReceiveBuffer is the size of the kernel's receive buffer in bytes.
	ReceiveBuffer int
}

// option is one setsockopt call. A number of 0 means that this system does not
// know the option: it is left out.
type option struct {
	name       string
	level, opt int
	value      int
	off        bool // 0 switches it off; to the others it means nothing
}

// apply sets the options of a new socket; accepted ones inherit those of their
// listener.
func (o *SocketOptions) apply(fd, family int) error { return o.set(fd, family, false) }

// reapply sets the options of a socket that has had others.
func (o *SocketOptions) reapply(fd, family int) error { return o.set(fd, family, true) }

func (o *SocketOptions) set(fd, family int, again bool) error {
	if family == unix.AF_UNIX {
		return nil
	}
	for _, s := range o.list() {
		if s.opt == 0 || s.value == 0 && !(again && s.off) {
			continue
		}
		if err := unix.SetsockoptInt(fd, s.level, s.opt, s.value); err != nil {
			return fmt.Errorf("set socket option %s to %d: %w", s.name, s.value, err)
		}
	}
	return nil
}

// list returns all options; those with the value 0 stay as the kernel has them.
func (o *SocketOptions) list() [7]option {
	var noDelay, keepAlive, interval, probes int
	if !o.Delay {
		noDelay = 1
	}
	if o.KeepAliveIdle > 0 {
		keepAlive, interval, probes = 1, seconds(o.KeepAliveInterval), o.KeepAliveProbes
	}
	return [...]option{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, noDelay, true},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, keepAlive, true},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, tcpKeepIdle, seconds(o.KeepAliveIdle), false},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, tcpKeepInterval, interval, false},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, tcpKeepProbes, probes, false},
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, tcpUserTimeout, int(o.UserTimeout.Milliseconds()), true},
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, o.ReceiveBuffer, false},
	}
}

// seconds rounds a duration up to the kernel's unit.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// setFastOpenConnect lets connect return at once and the first write carry data
// in the SYN, for peers that gave a cookie before. Where the kernel does not
// know it, connections are made as usual.
func setFastOpenConnect(fd int) {
	if tcpFastOpenConnect != 0 {
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, tcpFastOpenConnect, 1)
	}
}

// setFastOpenListen sets how many connections may wait that came with data.
func setFastOpenListen(fd, queue int) error {
	if tcpFastOpen == 0 {
		return nil
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, tcpFastOpen, queue)
}
