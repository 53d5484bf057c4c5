package loop

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Event tells a Watcher what has happened on its connection.
type Event uint8

const (
	// Readable: there is something to read, or the end.
	Readable Event = iota
	// Hangup: the peer has closed its sending side or reset the connection
	// (Conn.Failed tells which). Bytes it sent before can still be read.
	Hangup
	// Expired: the time set by SetIdleTimeout is over.
	Expired
)

// Watcher hears of events on a connection that no coroutine is parked on
// reading. ConnEvent runs on the loop, not in a coroutine: it must not park.
type Watcher interface {
	ConnEvent(c *Conn, e Event)
}

// Conn is a connected socket that belongs to a loop. It is a net.Conn, except
// that its methods are called on the loop, and those that wait in a coroutine.
// One coroutine may read while another one writes; a second reader or writer is
// a mistake that panics.
//
// The poller reports readiness once, when it changes, so the connection keeps
// it in flags: a read that returns less than was asked for has emptied the
// socket, and no system call is made only to be told so.
type Conn struct {
	loop *Loop
	fd   int32
	key  uint64

	readable   bool // a read may find something
	writable   bool // a write may find room
	peerClosed bool // the peer's FIN, or worse, has been reported
	failed     bool // the kernel reported an error or both directions ended
	closed     bool // Close was called
	corked     bool // stands in the loop's list of connections to flush

	reader, writer              *Coroutine // parked
	readDeadline, writeDeadline int64      // loop time; 0 for none

	out  []byte // output not yet taken by the kernel: a Buffer of the loop, or nil
	sent int    // bytes at the start of out that are done

	watcher Watcher
	idle    Timer

	remote netip.AddrPort
}

// newConn makes a connection of fd, a non-blocking socket, and takes it over.
func (l *Loop) newConn(fd int, remote netip.AddrPort) *Conn {
	c := &Conn{fd: int32(fd), remote: remote}
	c.idle.Fire = c.expire
	return c
}

// Attach makes a detached connection belong to this loop. On error it is
// closed.
func (l *Loop) Attach(c *Conn) error {
	c.loop = l
	c.key = l.slots.take(c)
	// The poller reports the state of both directions at once.
	c.readable, c.writable = false, false
	if err := l.poller.addConn(int(c.fd), c.key); err != nil {
		l.slots.release(c.key)
		c.loop = nil
		c.closed = true
		unix.Close(int(c.fd))
		return err
	}
	l.stats.Conns++
	return nil
}

// Detach takes an idle connection from its loop, so that another one can
// Attach it. Nothing may be parked on it and no output pending; its watcher,
// deadlines and idle timeout are gone afterwards.
func (c *Conn) Detach() error {
	if c.closed {
		return net.ErrClosed
	}
	if c.reader != nil || c.writer != nil || c.pending() > 0 {
		panic("loop: detaching a connection in use")
	}
	if err := c.loop.poller.remove(int(c.fd)); err != nil {
		return err
	}
	c.leave()
	c.watcher = nil
	c.readDeadline, c.writeDeadline = 0, 0
	c.loop = nil
	return nil
}

// leave takes the connection off the loop's lists.
func (c *Conn) leave() {
	c.loop.slots.release(c.key)
	c.loop.Disarm(&c.idle)
	c.loop.stats.Conns--
}

// Loop returns the loop that the connection belongs to.
func (c *Conn) Loop() *Loop { return c.loop }

// SetWatcher says who hears of events; nil for nobody.
func (c *Conn) SetWatcher(w Watcher) { c.watcher = w }

// SetIdleTimeout makes the watcher hear Expired once, d from now; 0 cancels.
// Each call replaces the last.
func (c *Conn) SetIdleTimeout(d time.Duration) {
	if d <= 0 {
		c.loop.Disarm(&c.idle)
		return
	}
	c.loop.Arm(&c.idle, d)
}

func (c *Conn) expire() { c.notify(Expired) }

func (c *Conn) notify(e Event) {
	if c.watcher != nil && !c.closed {
		c.watcher.ConnEvent(c, e)
	}
}

// deliver takes what the poller reports. Each step may close the connection or
// hand it to another loop, after which the rest concerns nobody.
func (c *Conn) deliver(bits eventBits) {
	l, key := c.loop, c.key
	hungUp := false
	if bits&eventError != 0 {
		hungUp = !c.failed
		c.failed, c.readable, c.writable = true, true, true
	}
	if bits&eventHangup != 0 {
		hungUp = hungUp || !c.peerClosed
		c.peerClosed, c.readable = true, true
	}
	if bits&eventRead != 0 {
		c.readable = true
	}
	if bits&eventWrite != 0 {
		c.writable = true
	}
	if c.writable {
		if c.writer != nil {
			c.writer.wakeNow()
		} else if c.pending() > 0 {
			c.flushNow()
		}
	}
	if hungUp && c.reader == nil && l.slots.lookup(key) == c {
		c.notify(Hangup)
	}
	if !c.readable || l.slots.lookup(key) != c {
		return
	}
	if c.reader != nil {
		c.reader.wakeNow()
	} else {
		c.notify(Readable)
	}
}

// PeerClosed reports whether the peer has closed its sending side or reset the
// connection, as far as the poller has said.
func (c *Conn) PeerClosed() bool { return c.peerClosed || c.failed }

// Failed reports whether the connection is broken in both directions.
func (c *Conn) Failed() bool { return c.failed }

// Readable reports whether TryRead may find something; false is certain until
// the next event.
func (c *Conn) Readable() bool { return c.readable }

// SetReadDeadlineAt bounds every park of Read: at loop time ns it returns
// os.ErrDeadlineExceeded. 0 means for ever. It applies from the next park on.
func (c *Conn) SetReadDeadlineAt(ns int64) { c.readDeadline = ns }

// SetWriteDeadlineAt is SetReadDeadlineAt for writes.
func (c *Conn) SetWriteDeadlineAt(ns int64) { c.writeDeadline = ns }

// SetDeadline, SetReadDeadline and SetWriteDeadline are those of net.Conn, in
// wall time.
func (c *Conn) SetDeadline(t time.Time) error {
	c.readDeadline, c.writeDeadline = c.loop.fromWall(t), c.loop.fromWall(t)
	return nil
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

// Close sends pending output as far as it goes without waiting and closes the
// connection. Coroutines parked on it get net.ErrClosed.
func (c *Conn) Close() error {
	if c.closed {
		return net.ErrClosed
	}
	if c.pending() > 0 && c.writer == nil {
		c.flushNow()
	}
	c.release()
	return nil
}

// Abort closes the connection with a reset: the peer learns that what it got
// is not whole.
func (c *Conn) Abort() {
	if c.closed {
		return
	}
	// Closing with a linger time of zero sends RST.
	unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	c.release()
}

func (c *Conn) release() {
	if c.closed {
		return
	}
	c.closed = true
	c.leave()
	unix.Close(int(c.fd))
	c.dropOutput()
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
	if err := c.Flush(); err != nil {
		return err
	}
	return os.NewSyscallError("shutdown", unix.Shutdown(int(c.fd), unix.SHUT_WR))
}

// RemoteAddrPort returns the peer's address; the zero AddrPort on a Unix socket.
func (c *Conn) RemoteAddrPort() netip.AddrPort { return c.remote }

// LocalAddrPort asks the kernel for the near address; the zero AddrPort on a
// Unix socket.
func (c *Conn) LocalAddrPort() netip.AddrPort {
	sa, err := unix.Getsockname(int(c.fd))
	if err != nil {
		return netip.AddrPort{}
	}
	return addrPortOf(sa)
}

// RemoteAddr is RemoteAddrPort for net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return netAddr(c.remote) }

// LocalAddr is LocalAddrPort for net.Conn.
func (c *Conn) LocalAddr() net.Addr { return netAddr(c.LocalAddrPort()) }

func netAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return &net.UnixAddr{Net: "unix"}
	}
	return net.TCPAddrFromAddrPort(a)
}

// errno makes an error of a failed system call. Two of them have a meaning
// that callers ask for.
func errno(call string, e syscall.Errno) error {
	if e == syscall.EAGAIN {
		return ErrWouldBlock
	}
	return os.NewSyscallError(call, e)
}
