package loop

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below are raw: on a non-blocking socket they return at once, so
// the Go scheduler need not hear of them.

func sysRead(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

func sysWrite(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_NOSIGNAL, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// sysWritev sends up to four pieces.
func sysWritev(fd int, pieces [][]byte) (int, syscall.Errno) {
	var iov [4]unix.Iovec
	for i, p := range pieces {
		iov[i].Base = unsafe.SliceData(p)
		iov[i].SetLen(len(p))
	}
	for {
		// The Go runtime ignores SIGPIPE of descriptors other than 1 and 2.
		n, _, errno := syscall.RawSyscall(unix.SYS_WRITEV, uintptr(fd),
			uintptr(unsafe.Pointer(&iov[0])), uintptr(len(pieces)))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// sysAccept accepts a connection, non-blocking and close-on-exec, and leaves
// the peer's address in from.
func sysAccept(fd int, from *peerAddr) (int, syscall.Errno) {
	for {
		size := uint32(unix.SizeofSockaddrAny)
		n, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&from.raw)),
			uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// peerAddr is the address of an accepted connection, in the kernel's form.
type peerAddr struct{ raw unix.RawSockaddrAny }

// addrPort returns the TCP address, or the zero AddrPort.
func (p *peerAddr) addrPort() netip.AddrPort {
	switch p.raw.Addr.Family {
	case unix.AF_INET:
		in4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&p.raw))
		return netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), fromNetwork(in4.Port))
	case unix.AF_INET6:
		in6 := (*unix.RawSockaddrInet6)(unsafe.Pointer(&p.raw))
		return netip.AddrPortFrom(netip.AddrFrom16(in6.Addr).Unmap(), fromNetwork(in6.Port))
	}
	return netip.AddrPort{}
}

// fromNetwork converts a port from network byte order.
func fromNetwork(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}

func sysSocket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}
