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
	// Stalled: of the output of a connection that gathers, not all could be sent when
	// it was to leave.
	Stalled
	// Drained: output that had to wait for the peer is gone.
	Drained
)

// Watcher hears of events on a connection that no coroutine is parked on
// reading. ConnEvent runs on the loop, not in a coroutine: it must not park.
// When it panics, its connection is aborted, since nobody looks after it then.
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
//
// Most connections are idle, so their number times the size of this struct is
// what a proxy is made of: a test bounds it.
type Conn struct {
	loop    *Loop // nil while detached
	watcher Watcher
	out     *output // not yet taken by the kernel or the layer; nil when there is none
	layer   *layered

	reader, writer              *Coroutine // parked
	readDeadline, writeDeadline int64      // loop time; 0 for none

	key  uint64
	idle Timer

	remote     [16]byte // IPv4 as IPv6-mapped; zero on a Unix socket
	remotePort uint16
	writeErrno uint8 // what ended writing for good, 0 if nothing has; no system has 256 of them
	reprieved  bool  // the idle time was over, but for what had come
	fd         int32

	readable   bool // a read may find something
	writable   bool // a write may find room
	peerClosed bool // the peer's FIN, or worse, has been reported
	failed     bool // the kernel reported an error or both directions ended
	closed     bool // Close was called
	corked     corked
	gathers    bool // output waits for the end of the turn
	midWrite   bool // a Write has sent a part and will send the rest
}

// newConn makes a connection of fd, a non-blocking socket, and takes it over.
func newConn(fd int, remote netip.AddrPort) *Conn {
	c := &Conn{fd: int32(fd)}
	if remote.IsValid() {
		c.remote, c.remotePort = remote.Addr().As16(), remote.Port()
	}
	c.idle.conn = c
	return c
}

// Attach makes a detached connection belong to this loop. On error it is
// closed.
func (l *Loop) Attach(c *Conn) error {
	l.mustBeHere()
	c.loop = l
	c.key = l.slots.take(c)
	// The poller reports the state of both directions at once, an end that
	// has been seen before included.
	c.readable, c.writable, c.peerClosed, c.failed = false, false, false, false
	if err := l.poller.addConn(int(c.fd), c.key); err != nil {
		l.slots.release(c.key)
		c.closed = true
		unix.Close(int(c.fd))
		return err
	}
	l.stats.Conns++
	return nil
}

// Detach takes an idle connection from its loop, so that another one can
// Attach it. Nothing may be parked on it and no output pending; its watcher,
// deadlines and idle timeout are gone afterwards, and until it is attached none
// of its methods may be called.
func (c *Conn) Detach() error {
	if c.closed {
		return net.ErrClosed
	}
	if c.reader != nil || c.writer != nil || c.midWrite || c.Pending() > 0 {
		panic("loop: detaching a connection in use")
	}
	if err := c.loop.poller.remove(int(c.fd)); err != nil {
		return err
	}
	c.leave()
	c.watcher = nil
	c.gathers = false
	c.readDeadline, c.writeDeadline = 0, 0
	c.loop = nil
	return nil
}

// leave takes the connection off the loop's lists.
func (c *Conn) leave() {
	l := c.loop
	c.dropOutput()
	if c.layer != nil {
		c.dropSealed()
	}
	c.uncork()
	l.slots.release(c.key)
	l.Disarm(&c.idle)
	l.stats.Conns--
}

// Loop returns the loop that the connection belongs to.
func (c *Conn) Loop() *Loop { return c.loop }

// SetWatcher says who hears of events; nil for nobody.
func (c *Conn) SetWatcher(w Watcher) { c.watcher = w }

// SetIdleTimeout makes the watcher hear Expired once, d from now; 0 cancels.
// Each call replaces the last. On a closed connection it does nothing.
func (c *Conn) SetIdleTimeout(d time.Duration) {
	c.reprieved = false
	switch {
	case c.closed:
	case d <= 0:
		c.idle.suspend()
	default:
		c.loop.Arm(&c.idle, d)
	}
}

// notify tells the watcher.
func (c *Conn) notify(e Event) {
	if c.watcher == nil || c.closed {
		return
	}
	defer c.loop.finish(c, c.key)
	c.watcher.ConnEvent(c, e)
}

// finish ends a callback that was about the connection c with this key. A panic
// in it is recovered, and c aborted, since nobody looks after it then. What the
// callback wrote is sent.
func (l *Loop) finish(c *Conn, key uint64) {
	if r := recover(); r != nil {
		l.panicked(r)
		if l.slots.holds(c, key) {
			c.Abort()
		}
	}
	l.flushDirty()
}

// deliver takes what the poller reports. Each step may close the connection or
// hand it to another loop, after which the rest concerns nobody.
func (c *Conn) deliver(bits eventBits) {
	l, key := c.loop, c.key
	wasFull := !c.writable
	hungUp := c.note(bits)
	switch {
	case !c.writable:
	case c.writer != nil:
		c.writer.wakeNow()
	case c.Pending() > 0 && (wasFull || c.corked == uncorked):
		c.flushNow()
		if c.Pending() == 0 {
			c.notify(Drained)
		}
	}
	if hungUp && l.slots.holds(c, key) && c.reader == nil {
		c.notify(Hangup)
	}
	if l.slots.holds(c, key) && c.readable {
		if c.reader != nil {
			c.reader.wakeNow()
		} else {
			c.notify(Readable)
		}
	}
}

// note keeps what the poller reports and tells whether a hangup is news.
func (c *Conn) note(bits eventBits) (hungUp bool) {
	if bits&eventError != 0 {
		hungUp = !c.failed
		c.failed, c.readable, c.writable = true, true, true
	}
	if bits&eventHangup != 0 {
		hungUp = hungUp || !c.peerClosed
		c.peerClosed, c.readable = true, true
	}
	c.readable = c.readable || bits&eventRead != 0
	c.writable = c.writable || bits&eventWrite != 0
	return hungUp
}

// PeerClosed reports whether the peer has closed its sending side or reset the
// connection, as far as the poller has said.
func (c *Conn) PeerClosed() bool { return c.peerClosed || c.failed }

// Failed reports whether the connection is broken in both directions.
func (c *Conn) Failed() bool { return c.failed }

// Readable reports whether TryRead may find something; false is certain until
// the next event.
func (c *Conn) Readable() bool { return c.readable || c.layer != nil && c.layer.more }

// SetReadDeadlineAt bounds every park of Read: at loop time ns it returns
// os.ErrDeadlineExceeded. 0 means for ever. It applies from the next park on.
func (c *Conn) SetReadDeadlineAt(ns int64) { c.readDeadline = ns }

// SetWriteDeadlineAt is SetReadDeadlineAt for writes.
func (c *Conn) SetWriteDeadlineAt(ns int64) { c.writeDeadline = ns }

// errno makes an error of a failed system call. Two of them have a meaning
// that callers ask for.
func errno(call string, e syscall.Errno) error {
	if e == syscall.EAGAIN {
		return ErrWouldBlock
	}
	return os.NewSyscallError(call, e)
}
