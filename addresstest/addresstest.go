// Package addresstest gives tests addresses for programs that must be told where
// to listen before they do.
//
// A port that the system has chosen and that is free again may be given to
// somebody else before the program binds it, or while it is restarted: to
// another test that looks for one, or to an outgoing connection.
package addresstest

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
)

// lastPort is the port that was given out last. The ports are below those that
// the kernel gives to whoever does not ask for one.
var lastPort atomic.Uint32

// Host returns the address of a loopback network that this process has for
// itself. It is named by the id of the process, so that test runs side by side
// cannot take each other's ports.
func Host() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.1", 1+pid>>8&0x7f, pid&0xff)
}

// Free returns an address at Host, with a port that nobody uses or will be
// given.
func Free(t testing.TB) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("%s:%d", Host(), 10000+lastPort.Add(1)%20000)
		ln, err := net.Listen("tcp", addr)
		if err == nil {
			ln.Close()
			return addr
		}
	}
	t.Fatalf("no free port on %s", Host())
	return ""
}
