package looptest

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"pingap/loop"
)

// Loopback is where tests listen: a port that the kernel chooses.
var Loopback = loop.Addr{TCP: netip.MustParseAddrPort("127.0.0.1:0")}

// Pair connects a TCP connection of l with one of the net package, for use on
// ordinary goroutines. It is called in a coroutine of l. The far end is closed
// with the test, the near end is the caller's to close.
func Pair(t testing.TB, l *loop.Loop) (*loop.Conn, net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	near, err := l.Dial(loop.Addr{TCP: ln.Addr().(*net.TCPAddr).AddrPort()}, &loop.DialOptions{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var far net.Conn
	l.Await(func() { far, err = ln.Accept() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return near, far
}

// Both connects two TCP connections of l with each other. It is called in a
// coroutine of l; both ends are the caller's to close.
func Both(t testing.TB, l *loop.Loop) (dialed, accepted *loop.Conn) {
	t.Helper()
	return BothAt(t, l, Loopback)
}

// BothAt is Both by way of any address, a Unix socket's too.
func BothAt(t testing.TB, l *loop.Loop, at loop.Addr) (dialed, accepted *loop.Conn) {
	t.Helper()
	ln, err := loop.Listen(at, loop.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return Connect(t, l, ln, nil)
}

// Connect is Both by way of a listener, on which nothing else accepts.
func Connect(t testing.TB, l *loop.Loop, ln *loop.Listener, o *loop.DialOptions) (dialed, accepted *loop.Conn) {
	t.Helper()
	co := l.Current()
	a, err := l.Accept(ln, func(c *loop.Conn) { accepted = c; co.Wake() }, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	dialed, err = l.Dial(ln.Addr(), o)
	if err != nil {
		t.Fatal(err)
	}
	for accepted == nil {
		if err := l.Park(); err != nil {
			t.Fatal(err)
		}
	}
	return dialed, accepted
}
