//go:build linux

package loop

import (
	"math"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxEvents is how many events one turn takes at most; the rest stays in the
// kernel for the next.
const maxEvents = 256

// eventBits say what an event reports.
type eventBits uint32

const (
	eventRead   eventBits = unix.EPOLLIN
	eventWrite  eventBits = unix.EPOLLOUT
	eventHangup eventBits = unix.EPOLLRDHUP | unix.EPOLLHUP
	eventError  eventBits = unix.EPOLLERR | unix.EPOLLHUP
)

// event is one report of the kernel.
type event struct{ raw unix.EpollEvent }

func (e *event) key() uint64     { return uint64(uint32(e.raw.Fd)) | uint64(uint32(e.raw.Pad))<<32 }
func (e *event) bits() eventBits { return eventBits(e.raw.Events) }

// poller is an epoll instance with edge-triggered sockets, and an eventfd that
// ends its wait.
type poller struct {
	epoll   int
	eventfd int
	events  [maxEvents]event
}

// wakeKey is the key of the eventfd: no slot's generation comes near it.
const wakeKey = ^uint64(0)

func (p *poller) open() error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	eventfd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(epoll)
		return os.NewSyscallError("eventfd", err)
	}
	p.epoll, p.eventfd = epoll, eventfd
	// Edge-triggered, each write reports anew: the counter is never read.
	if err := p.control(unix.EPOLL_CTL_ADD, eventfd, unix.EPOLLIN|unix.EPOLLET, wakeKey); err != nil {
		p.close()
		return err
	}
	return nil
}

func (p *poller) close() {
	unix.Close(p.epoll)
	unix.Close(p.eventfd)
}

func (p *poller) control(op, fd int, events uint32, key uint64) error {
	e := unix.EpollEvent{Events: events, Fd: int32(uint32(key)), Pad: int32(uint32(key >> 32))}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.epoll, op, fd, &e))
}

// addConn registers a socket for both directions, edge-triggered, for good.
func (p *poller) addConn(fd int, key uint64) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET, key)
}

// addListener registers a listening socket, level-triggered; of the loops that
// share it one is woken for a connection rather than all.
func (p *poller) addListener(fd int, key uint64) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN|unix.EPOLLEXCLUSIVE, key)
}

// remove takes a descriptor out; closing one does that too.
func (p *poller) remove(fd int) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, fd, nil))
}

// poll returns what is there without waiting.
func (p *poller) poll() []event {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll),
		uintptr(unsafe.Pointer(&p.events[0])), maxEvents, 0, 0, 0)
	if errno != 0 {
		return nil
	}
	return p.events[:n]
}

// wait returns what is there, waiting for it up to timeout (negative: for
// ever). Interrupted by a signal it returns nothing.
func (p *poller) wait(timeout time.Duration) []event {
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll),
		uintptr(unsafe.Pointer(&p.events[0])), maxEvents, uintptr(milliseconds(timeout)), 0, 0)
	if errno != 0 {
		return nil
	}
	return p.events[:n]
}

// milliseconds rounds a timeout up to the kernel's unit, as far as the 32 bits
// reach that it looks at.
func milliseconds(timeout time.Duration) int {
	if timeout < 0 {
		return -1
	}
	return int(min((timeout+time.Millisecond-1)/time.Millisecond, math.MaxInt32))
}

// wake ends the wait; it may be called from any goroutine.
func (p *poller) wake() {
	one := [8]byte{0: 1}
	unix.Write(p.eventfd, one[:])
}
