package loop

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

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
	addr Addr
	fd   int
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
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, o.Socket.FastOpen); err != nil {
			return os.NewSyscallError("setsockopt TCP_FASTOPEN", err)
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return os.NewSyscallError("bind", err)
	}
	backlog := o.Backlog
	if backlog <= 0 {
		backlog = defaultBacklog
	}
	return os.NewSyscallError("listen", unix.Listen(fd, backlog))
}

const defaultBacklog = 4096

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

// Close stops listening; connections that wait to be accepted are reset. Loops
// that accept from it must have stopped before. A Unix socket is removed.
func (ln *Listener) Close() error {
	if ln.addr.Path != "" && ln.addr.Path[0] != '@' {
		os.Remove(ln.addr.Path)
	}
	return os.NewSyscallError("close", unix.Close(ln.fd))
}

// Acceptor takes a listener's connections into one loop.
type Acceptor struct {
	loop    *Loop
	ln      *Listener
	key     uint64
	accept  func(*Conn)
	failed  func(error)
	closed  bool
	resting bool // out of the poller after an error
	rest    Timer
	from    unix.RawSockaddrAny
}

// acceptBatch is how many connections one turn takes from a listener: others
// may want some, and those accepted want to be served.
const acceptBatch = 64

// acceptRest is how long an acceptor stays away after the kernel had no
// descriptor or memory for a connection. Trying at once would spin, since the
// connection goes on waiting.
const acceptRest = 100 * time.Millisecond

// Accept hands the listener's connections to accept, which runs on the loop and
// must not park. failed hears of errors, at most once in acceptRest; it may be
// nil.
func (l *Loop) Accept(ln *Listener, accept func(*Conn), failed func(error)) (*Acceptor, error) {
	a := &Acceptor{loop: l, ln: ln, accept: accept, failed: failed}
	a.rest.Fire = a.resume
	a.key = l.slots.take(a)
	if err := l.poller.addListener(ln.fd, a.key); err != nil {
		l.slots.release(a.key)
		return nil, fmt.Errorf("accept from %s: %w", ln.addr, err)
	}
	return a, nil
}

// Close stops accepting into this loop.
func (a *Acceptor) Close() {
	if a.closed {
		return
	}
	a.closed = true
	a.loop.Disarm(&a.rest)
	if !a.resting {
		a.loop.poller.remove(a.ln.fd)
	}
	a.loop.slots.release(a.key)
}

func (a *Acceptor) closeWithLoop() { a.Close() }

func (a *Acceptor) deliver(eventBits) {
	for i := 0; i < acceptBatch && !a.closed; i++ {
		fd, e := sysAccept(a.ln.fd, &a.from)
		switch e {
		case 0:
			a.take(fd)
		case syscall.EAGAIN:
			return
		case syscall.ECONNABORTED:
			// The client left before it was accepted; the next may be there.
		default:
			a.backOff(os.NewSyscallError("accept", e))
			return
		}
	}
}

func (a *Acceptor) take(fd int) {
	c := a.loop.newConn(fd, rawAddrPort(&a.from))
	if err := a.loop.Attach(c); err != nil {
		a.backOff(err)
		return
	}
	a.accept(c)
}

// backOff leaves the poller for a while.
func (a *Acceptor) backOff(err error) {
	if !a.resting {
		a.resting = true
		a.loop.poller.remove(a.ln.fd)
		a.loop.Arm(&a.rest, acceptRest)
	}
	if a.failed != nil {
		a.failed(fmt.Errorf("accept from %s: %w", a.ln.addr, err))
	}
}

func (a *Acceptor) resume() {
	a.resting = false
	if err := a.loop.poller.addListener(a.ln.fd, a.key); err != nil {
		a.backOff(err)
	}
}
