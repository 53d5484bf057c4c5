//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// The calls below are those of golang.org/x/sys: these systems want them made
// through their C library, or change their numbers.

func sysRead(fd int, p []byte) (int, syscall.Errno) { return again(unix.Read, fd, p) }

func sysWrite(fd int, p []byte) (int, syscall.Errno) { return again(unix.Write, fd, p) }

// again makes a call that a signal may interrupt.
func again(call func(int, []byte) (int, error), fd int, p []byte) (int, syscall.Errno) {
	for {
		n, err := call(fd, p)
		if err != unix.EINTR {
			return n, errnoOf(err)
		}
	}
}

func sysWritev(fd int, pieces [][]byte) (int, syscall.Errno) {
	for {
		n, err := unix.SendmsgBuffers(fd, pieces, nil, nil, 0)
		if err != unix.EINTR {
			return n, errnoOf(err)
		}
	}
}

func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return syscall.EIO
}

// sysAccept accepts a connection, non-blocking and close-on-exec, and leaves
// the peer's address in from.
func sysAccept(fd int, from *peerAddr) (int, syscall.Errno) {
	for {
		n, sa, err := accept(fd)
		from.sa = sa
		if err != unix.EINTR {
			return n, errnoOf(err)
		}
	}
}

func accept(fd int) (int, unix.Sockaddr, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, sa, err := unix.Accept(fd)
	if err != nil {
		return -1, nil, err
	}
	if err := prepare(n); err != nil {
		return -1, nil, err
	}
	return n, sa, nil
}

// peerAddr is the address of an accepted connection.
type peerAddr struct{ sa unix.Sockaddr }

// addrPort returns the TCP address, or the zero AddrPort.
func (p *peerAddr) addrPort() netip.AddrPort { return addrPortOf(p.sa) }

func sysSocket(family int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, err
	}
	return fd, prepare(fd)
}

// prepare makes a new socket close-on-exec and non-blocking, or closes it.
func prepare(fd int) error {
	unix.CloseOnExec(fd)
	err := unix.SetNonblock(fd, true)
	if err != nil {
		unix.Close(fd)
	}
	return err
}
