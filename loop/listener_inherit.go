package loop

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Inherit makes a listener of a TCP or Unix socket that listens already: one
// that another process has handed over, or systemd has opened. The descriptor
// belongs to the listener from then on; it stays the caller's with an error,
// which says what it is instead. Its path, if it has one, is kept when it is
// closed; see KeepPath.
func Inherit(fd int) (*Listener, error) {
	addr, err := listeningAt(fd)
	if err != nil {
		return nil, fmt.Errorf("inherit descriptor %d: %w", fd, err)
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("inherit the listener on %s: %w", addr, err)
	}
	return &Listener{addr: addr, fd: fd, keepPath: true}, nil
}

// listeningAt returns where a descriptor listens.
func listeningAt(fd int) (Addr, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return Addr{}, os.NewSyscallError("getsockopt SO_TYPE", err)
	}
	listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return Addr{}, os.NewSyscallError("getsockopt SO_ACCEPTCONN", err)
	}
	if kind != unix.SOCK_STREAM || listening == 0 {
		return Addr{}, errors.New("it is not a socket that listens for connections")
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return Addr{}, os.NewSyscallError("getsockname", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4, *unix.SockaddrInet6:
		return Addr{TCP: addrPortOf(sa)}, nil
	case *unix.SockaddrUnix:
		if sa.Name != "" {
			return Addr{Path: sa.Name}, nil
		}
	}
	return Addr{}, errors.New("it listens neither on a TCP port nor at a path")
}

// Configure gives a listener those of the options that can change while it is
// open: the backlog, and what its connections inherit. Connections that have
// been made already keep theirs.
func (ln *Listener) Configure(o ListenOptions) error {
	family := ln.addr.family()
	err := o.Socket.reapply(ln.fd, family)
	if err == nil && family != unix.AF_UNIX {
		err = os.NewSyscallError("setsockopt TCP_FASTOPEN", setFastOpenListen(ln.fd, o.Socket.FastOpen))
	}
	if err == nil {
		err = os.NewSyscallError("listen", unix.Listen(ln.fd, o.backlog()))
	}
	if err != nil {
		return fmt.Errorf("set the options of the listener on %s: %w", ln.addr, err)
	}
	return nil
}

// Descriptor returns the socket, to be handed to another process. It stays the
// listener's.
func (ln *Listener) Descriptor() int { return ln.fd }

// KeepPath decides whether Close leaves the path of a Unix socket in place, as
// it has to while another process listens there, or owns it.
func (ln *Listener) KeepPath(keep bool) { ln.keepPath = keep }

// KeepsPath reports what KeepPath has decided.
func (ln *Listener) KeepsPath() bool { return ln.keepPath }

// Share decides whether another listener with ReusePort may bind the address,
// or one that overlaps it, while this one is open: so one takes over from the
// other and no client is refused in between. (Linux; elsewhere only listeners
// that began with ReusePort share.)
func (ln *Listener) Share(on bool) error {
	value := 0
	if on {
		value = 1
	}
	return os.NewSyscallError("setsockopt SO_REUSEPORT", unix.SetsockoptInt(ln.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, value))
}
