package loop_test

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/loop/looptest"
)

// The kernel connects a socket to itself when its near port is the one that it asks
// for, as one in many thousands that it chooses is. Dial takes that for nobody there.
func TestAConnectionToItselfIsKnown(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		own, err := unix.Getsockname(fd)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Connect(fd, own); err != nil {
			t.Fatal(err)
		}
		unix.SetNonblock(fd, true)
		at := netip.AddrPortFrom(netip.AddrFrom4(own.(*unix.SockaddrInet4).Addr), uint16(own.(*unix.SockaddrInet4).Port))
		c, err := l.Adopt(fd, at)
		if err != nil {
			t.Fatal(err)
		}
		if !c.ToItself() {
			t.Errorf("%v and %v are not found to be the same", c.LocalAddrPort(), c.RemoteAddrPort())
		}
		c.Close()
		near, far := looptest.Both(t, l)
		if near.ToItself() || far.ToItself() {
			t.Error("the ends of a connection are taken for one")
		}
		near.Close()
		far.Close()
	})
}
