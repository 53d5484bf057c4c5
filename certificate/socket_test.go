package certificate

import (
	"net"
	"os"
	"syscall"
	"testing"
)

// socketPair returns both ends of a connection, the far one as a file to hand to
// another process.
func socketPair(t testing.TB) (near net.Conn, far *os.File) {
	t.Helper()
	// No process that is started meanwhile may get them.
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return fileConn(t, os.NewFile(uintptr(fds[0]), "near")), os.NewFile(uintptr(fds[1]), "far")
}

// fileConn makes a connection of a file, which it closes.
func fileConn(t testing.TB, f *os.File) net.Conn {
	t.Helper()
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
