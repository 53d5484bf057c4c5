package loop

import "net/netip"

// What tests need to see of the inside.

// FD returns the connection's descriptor.
func (c *Conn) FD() int { return int(c.fd) }

// Waits reports whether the loop waits for events, from any goroutine.
func (l *Loop) Waits() bool {
	_, waiting := l.progress.read()
	return waiting
}

// DropSurplus does at once what the loop does when it has not needed something
// for a while.
func (l *Loop) DropSurplus() { l.dropSurplus() }

// Kept returns how many bytes the loop keeps in free buffers.
func (l *Loop) Kept() (bytes int) {
	for class, free := range l.buffers.free {
		bytes += len(free) * bufferClasses[class]
	}
	return bytes
}

// Unwatched reports whether the loop's watchdog rests.
func (l *Loop) Unwatched() bool { return l.progress.resting.Load() != nil }

// NewWatchdog makes a watchdog that looks only when it is told to.
func NewWatchdog(report func(Stall), loops ...*Loop) *Watchdog {
	w := &Watchdog{report: report}
	for _, l := range loops {
		w.watched = append(w.watched, watched{loop: l})
	}
	return w
}

// Check looks at all loops once.
func (w *Watchdog) Check() { w.check() }

// Stuck reports whether a coroutine waits for room on the connection.
func (c *Conn) Stuck() bool { return c.writer != nil }

// ToItself reports whether the connection's far end is its near end.
func (c *Conn) ToItself() bool { return c.toItself() }

// Adopt makes a connection of a descriptor that is connected.
func (l *Loop) Adopt(fd int, remote netip.AddrPort) (*Conn, error) {
	c := newConn(fd, remote)
	return c, l.Attach(c)
}
