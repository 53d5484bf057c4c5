package loop

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Dump describes the loop and up to most of what is registered with it, a line
// each: for logs, failing tests and the admin. It takes time for each line, so
// that most is what keeps it from holding the loop up.
func (l *Loop) Dump(w io.Writer, most int) {
	s := l.Stats()
	fmt.Fprintf(w, "loop %d after %v: %d connections, %d coroutines (%d pooled, %d ready, %d in await), %d buffers out, %d timers, %d panics\n",
		l.id, time.Duration(l.now).Round(tick), s.Conns, s.Coroutines, s.Pooled, l.ready.len(), l.awaiting, s.Buffers, l.wheel.count, s.Panics)
	shown, more := 0, 0
	for i := range l.slots.table {
		switch tenant := l.slots.table[i].tenant; {
		case tenant == nil:
		case shown == most:
			more++
		default:
			fmt.Fprintln(w, tenant)
			shown++
		}
	}
	if more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
}

// String describes the connection in a line.
func (c *Conn) String() string {
	peer := "unix peer"
	if remote := c.RemoteAddrPort(); remote.IsValid() {
		peer = remote.String()
	}
	facts := []string{fmt.Sprintf("connection %d with %s", c.fd, peer)}
	for _, flag := range [...]struct {
		set  bool
		name string
	}{
		{c.closed, "closed"},
		{!c.closed && c.loop == nil, "detached"},
		{c.readable, "readable"},
		{c.writable, "writable"},
		{c.peerClosed, "closed by peer"},
		{c.failed, "failed"},
		{c.corked != uncorked, "corked"},
		{c.midWrite, "in the middle of a write"},
		{c.idle.Armed(), "idle timeout armed"},
	} {
		if flag.set {
			facts = append(facts, flag.name)
		}
	}
	if c.reader != nil {
		facts = append(facts, "reader parked"+c.until(c.readDeadline))
	}
	if c.writer != nil {
		facts = append(facts, "writer parked"+c.until(c.writeDeadline))
	}
	if n := c.Pending(); n > 0 {
		facts = append(facts, fmt.Sprintf("%d bytes pending", n))
	}
	if c.writeErrno != 0 {
		facts = append(facts, "no longer written: "+c.mayWrite().Error())
	}
	if c.watcher != nil {
		facts = append(facts, fmt.Sprintf("watched by %T", c.watcher))
	}
	return strings.Join(facts, ", ")
}

// until says how far a deadline is away.
func (c *Conn) until(deadline int64) string {
	if deadline == 0 {
		return ""
	}
	return fmt.Sprintf(" for up to %v", time.Duration(deadline-c.loop.now).Round(tick))
}

// String describes the acceptor in a line.
func (a *Acceptor) String() string {
	state := "accepting"
	switch {
	case a.closed:
		state = "closed"
	case a.resting:
		state = "resting after a failure"
	}
	return fmt.Sprintf("acceptor of %s, %s", a.ln.addr, state)
}
