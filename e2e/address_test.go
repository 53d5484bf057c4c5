package e2e

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
)

// lastPort is the port that was given out last. The ports are below those that
// the kernel gives to outgoing connections.
var lastPort atomic.Uint32

// freeAddr returns an address that nobody uses or will be given. Each process
// has a loopback network of its own, named by its id, so that test runs side by
// side cannot take each other's ports.
func freeAddr(t testing.TB) string {
	t.Helper()
	pid := os.Getpid()
	host := fmt.Sprintf("127.%d.%d.1", 1+pid>>8&0x7f, pid&0xff)
	for range 1000 {
		addr := fmt.Sprintf("%s:%d", host, 10000+lastPort.Add(1)%20000)
		ln, err := net.Listen("tcp", addr)
		if err == nil {
			ln.Close()
			return addr
		}
	}
	t.Fatalf("no free port on %s", host)
	return ""
}
