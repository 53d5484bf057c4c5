package app

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// keepPorts prepares for a change of the user after which ports below 1024 can
// still be opened, as a reload may want to. What it returns has to be called
// after the change.
//
// Capabilities belong to threads. Programs that contain C cannot change those of
// all threads; the releases contain none.
func keepPorts() (after func() error, err error) {
	if _, _, e := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1, 0); e != 0 {
		return nil, fmt.Errorf("prctl PR_SET_KEEPCAPS: %w", e)
	}
	return limitToPorts, nil
}

// limitToPorts gives up all capabilities but the one to open any port, which
// processes that this one starts will have too.
func limitToPorts() error {
	const ports = 1 << unix.CAP_NET_BIND_SERVICE
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Effective: ports, Permitted: ports, Inheritable: ports}}
	if _, _, e := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0); e != 0 {
		return fmt.Errorf("capset: %w", e)
	}
	if _, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_NET_BIND_SERVICE, 0, 0, 0); e != 0 {
		return fmt.Errorf("prctl PR_CAP_AMBIENT: %w", e)
	}
	return nil
}
