package loop

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

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
	taken   int // connections since it queued up last
	peer    peerAddr
}

// acceptBatch is how many connections one turn takes from a listener: other
// loops may want some, and those accepted want to be served.
const acceptBatch = 16

// acceptRest is how long an acceptor stays away after the kernel had no
// descriptor or memory for a connection. Trying at once would spin, since the
// connection goes on waiting.
const acceptRest = 100 * time.Millisecond

// acceptTurn is how many connections a loop takes before it queues up again
// behind the other loops that accept from the same listener. The kernel wakes
// the first in line that is idle, so that otherwise one loop would get all
// connections of a quiet server, and keep them when it gets busy.
const acceptTurn = 8

// Accept hands the listener's connections to accept, which runs on the loop and
// must not park; when it panics the connection is aborted. failed hears of
// errors, at most once in 100 ms for which the acceptor then rests; it may be
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

// Close stops accepting into this loop, after it has taken the connections that
// wait: the kernel may have woken this loop for them and nobody else, so that
// others that accept from the same socket would not hear of them.
func (a *Acceptor) Close() {
	if a.closed {
		return
	}
	if !a.resting {
		a.loop.poller.remove(a.ln.fd)
		a.resting = true
		for range acceptLast {
			if !a.takeOne() {
				break
			}
		}
	}
	a.leave()
}

// acceptLast bounds how many connections are taken at the end: where so many
// wait, others are busy accepting.
const acceptLast = 256

// leave ends it without a last look.
func (a *Acceptor) leave() {
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

func (a *Acceptor) closeWithLoop() { a.leave() }

func (a *Acceptor) deliver(eventBits) {
	for i := 0; i < acceptBatch && !a.closed && !a.resting; i++ {
		if !a.takeOne() {
			a.queueUp()
			return
		}
	}
}

// takeOne accepts a connection; it reports false when there is none.
func (a *Acceptor) takeOne() bool {
	fd, e := sysAccept(a.ln.fd, &a.peer)
	switch e {
	case 0:
		a.take(fd)
		return true
	case syscall.EAGAIN:
		return false
	case syscall.ECONNABORTED, syscall.EPROTO, syscall.ENOPROTOOPT, syscall.EOPNOTSUPP, syscall.ETIMEDOUT,
		syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH:
		return true // what has happened to one connection while it waited
	}
	a.backOff(os.NewSyscallError("accept", e))
	return false
}

func (a *Acceptor) take(fd int) {
	a.taken++
	c := newConn(fd, a.peer.addrPort())
	if err := a.loop.Attach(c); err != nil {
		a.backOff(err)
		return
	}
	defer a.loop.finish(c, c.key)
	a.accept(c)
}

// queueUp goes to the end of the line of loops after a number of connections.
func (a *Acceptor) queueUp() {
	if a.taken < acceptTurn || a.closed || a.resting {
		return
	}
	a.taken = 0
	a.loop.poller.remove(a.ln.fd)
	a.resume()
}

// backOff leaves the poller for a while.
func (a *Acceptor) backOff(err error) {
	if !a.resting {
		a.resting = true
		a.loop.poller.remove(a.ln.fd)
	}
	a.loop.Arm(&a.rest, acceptRest)
	if a.failed != nil {
		err = fmt.Errorf("accept from %s: %w", a.ln.addr, err)
		a.loop.call(func() { a.failed(err) })
	}
}

// resume comes back to the poller.
func (a *Acceptor) resume() {
	a.resting = false
	if err := a.loop.poller.addListener(a.ln.fd, a.key); err != nil {
		a.backOff(err)
	}
}
