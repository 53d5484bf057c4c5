//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxEvents is how many events one turn takes at most; the rest stays in the
// kernel for the next.
const maxEvents = 256

// eventBits say what an event reports.
type eventBits uint8

const (
	eventRead eventBits = 1 << iota
	eventWrite
	eventHangup
	eventError
)

// event is one report of the kernel, with the key that its descriptor had at
// the time.
type event struct {
	reported uint64
	what     eventBits
}

func (e *event) key() uint64     { return e.reported }
func (e *event) bits() eventBits { return e.what }

// poller is a kqueue with edge-triggered filters, and a pipe that ends its wait.
type poller struct {
	kqueue   int
	pipe     [2]int // its reading end is registered
	keys     []uint64
	reported [maxEvents]unix.Kevent_t
	events   [maxEvents]event
}

// wakeKey is the key of the pipe: no slot's generation comes near it.
const wakeKey = ^uint64(0)

func (p *poller) open() error {
	kqueue, err := unix.Kqueue()
	if err != nil {
		return os.NewSyscallError("kqueue", err)
	}
	unix.CloseOnExec(kqueue)
	p.kqueue, p.pipe = kqueue, [2]int{-1, -1}
	if err := p.openPipe(); err != nil {
		p.close()
		return err
	}
	return nil
}

func (p *poller) openPipe() error {
	if err := unix.Pipe(p.pipe[:]); err != nil {
		return os.NewSyscallError("pipe", err)
	}
	for _, fd := range p.pipe {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return os.NewSyscallError("fcntl", err)
		}
	}
	return p.add(p.pipe[0], wakeKey, unix.EV_CLEAR, unix.EVFILT_READ)
}

func (p *poller) close() {
	for _, fd := range [...]int{p.pipe[0], p.pipe[1], p.kqueue} {
		unix.Close(fd)
	}
}

// add registers a descriptor's filters.
func (p *poller) add(fd int, key uint64, flags int, filters ...int) error {
	for fd >= len(p.keys) {
		p.keys = append(p.keys, 0)
	}
	p.keys[fd] = key
	return p.change(fd, unix.EV_ADD|flags, filters...)
}

func (p *poller) change(fd, flags int, filters ...int) error {
	changes := make([]unix.Kevent_t, len(filters))
	for i, filter := range filters {
		unix.SetKevent(&changes[i], fd, filter, flags)
	}
	_, err := unix.Kevent(p.kqueue, changes, nil, nil)
	return os.NewSyscallError("kevent", err)
}

// addConn registers a socket for both directions, edge-triggered, for good.
func (p *poller) addConn(fd int, key uint64) error {
	return p.add(fd, key, unix.EV_CLEAR, unix.EVFILT_READ, unix.EVFILT_WRITE)
}

// addListener registers a listening socket, level-triggered.
func (p *poller) addListener(fd int, key uint64) error {
	return p.add(fd, key, 0, unix.EVFILT_READ)
}

// remove takes a descriptor out; closing one does that too.
func (p *poller) remove(fd int) error {
	for _, filter := range [...]int{unix.EVFILT_READ, unix.EVFILT_WRITE} {
		// A listener has but one of them.
		if err := p.change(fd, unix.EV_DELETE, filter); err != nil && filter == unix.EVFILT_READ {
			return err
		}
	}
	return nil
}

// poll returns what is there without waiting.
func (p *poller) poll() []event { return p.wait(0) }

// wait returns what is there, waiting for it up to timeout (negative: for
// ever). Interrupted by a signal it returns nothing.
func (p *poller) wait(timeout time.Duration) []event {
	var limit *unix.Timespec
	if timeout >= 0 {
		t := unix.NsecToTimespec(int64(timeout))
		limit = &t
	}
	n, err := unix.Kevent(p.kqueue, nil, p.reported[:], limit)
	if err != nil {
		return nil
	}
	for i := range p.reported[:n] {
		p.events[i] = p.translate(&p.reported[i])
	}
	return p.events[:n]
}

// translate is done at once for all that were reported: a descriptor closed
// while they are delivered may be another's by the next one's turn.
func (p *poller) translate(k *unix.Kevent_t) event {
	fd := int(k.Ident)
	if fd == p.pipe[0] {
		p.drain()
	}
	e := event{reported: p.keys[fd]}
	ended := k.Flags&unix.EV_EOF != 0
	if k.Filter == unix.EVFILT_READ {
		e.what = eventRead
		if ended {
			e.what |= eventHangup
		}
	} else {
		// The end of the writing side alone is our own CloseWrite.
		e.what = eventWrite
	}
	if ended && k.Fflags != 0 {
		e.what |= eventError
	}
	return e
}

// wake ends the wait; it may be called from any goroutine.
func (p *poller) wake() { unix.Write(p.pipe[1], []byte{1}) }

// drain empties the pipe, so that it never is too full for a wake.
func (p *poller) drain() {
	var waste [64]byte
	for {
		if n, _ := unix.Read(p.pipe[0], waste[:]); n < len(waste) {
			return
		}
	}
}
