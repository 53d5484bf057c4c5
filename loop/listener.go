package loop

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ListenOptions are the settings of a listening socket.
type ListenOptions struct {
	// Backlog is how many connections may wait to be accepted; 0 means 4096
	// (the kernel lowers it to its own limit).
	Backlog int
	// ReusePort lets several listeners share the address, and the kernel
	// spread the connections over them.
	ReusePort bool
	// IPv6Only keeps a listener on [::] from taking IPv4 connections too.
	IPv6Only bool
	Socket   SocketOptions
}

// Listener is a listening socket that any number of loops accept from.
type Listener struct {
	addr     Addr
	fd       int
	keepPath bool
}

// Listen binds a and listens. A Unix socket that nobody listens on any more is
// replaced. Errors name the address.
func Listen(a Addr, o ListenOptions) (*Listener, error) {
	fd, err := listen(a, &o)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", a, err)
	}
	ln := &Listener{addr: a, fd: fd}
	if sa, err := unix.Getsockname(fd); err == nil && a.Path == "" {
		ln.addr.TCP = addrPortOf(sa) // port 0 has become a real one
	}
	return ln, nil
}

func listen(a Addr, o *ListenOptions) (int, error) {
	sa, err := a.sockaddr()
	if err != nil {
		return -1, err
	}
	fd, err := sysSocket(a.family())
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := o.bind(fd, a, sa); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (o *ListenOptions) bind(fd int, a Addr, sa unix.Sockaddr) error {
	family := a.family()
	if family == unix.AF_UNIX {
		removeStaleSocket(a.Path)
	} else {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return os.NewSyscallError("setsockopt SO_REUSEADDR", err)
		}
	}
	if o.ReusePort {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return os.NewSyscallError("setsockopt SO_REUSEPORT", err)
		}
	}
	if family == unix.AF_INET6 {
		only := 0
		if o.IPv6Only {
			only = 1
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return os.NewSyscallError("setsockopt IPV6_V6ONLY", err)
		}
	}
	if err := o.Socket.apply(fd, family); err != nil {
		return err
	}
	if o.Socket.FastOpen > 0 && family != unix.AF_UNIX {
		if err := setFastOpenListen(fd, o.Socket.FastOpen); err != nil {
			return os.NewSyscallError("setsockopt TCP_FASTOPEN", err)
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return os.NewSyscallError("bind", err)
	}
	return os.NewSyscallError("listen", unix.Listen(fd, o.backlog()))
}

const defaultBacklog = 4096

func (o *ListenOptions) backlog() int {
	if o.Backlog <= 0 {
		return defaultBacklog
	}
	return o.Backlog
}

// removeStaleSocket removes a Unix socket left behind by a process that is
// gone: one that refuses connections.
func removeStaleSocket(path string) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return
	}
	fd, err := sysSocket(unix.AF_UNIX)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if errors.Is(unix.Connect(fd, &unix.SockaddrUnix{Name: path}), unix.ECONNREFUSED) {
		os.Remove(path)
	}
}

// Addr returns where it listens, with the port that the kernel chose if it was
// asked to.
func (ln *Listener) Addr() Addr { return ln.addr }

// Close stops listening; connections that wait to be accepted are reset, unless
// another process listens on the same socket. Loops that accept from it must
// have stopped before. The path of a Unix socket is removed, unless KeepPath
// says otherwise.
func (ln *Listener) Close() error {
	if ln.addr.Path != "" && ln.addr.Path[0] != '@' && !ln.keepPath {
		os.Remove(ln.addr.Path)
	}
	return os.NewSyscallError("close", unix.Close(ln.fd))
}
