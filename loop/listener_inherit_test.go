package loop_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/loop/looptest"
)

// copyOf returns a second descriptor of a listener's socket, as another process
// would get it.
func copyOf(t *testing.T, ln *loop.Listener) int {
	t.Helper()
	fd, err := unix.Dup(ln.Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestInheritedListenerAcceptsWhenTheFirstOneIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	for _, at := range []loop.Addr{{TCP: netip.MustParseAddrPort("127.0.0.1:0")}, {Path: path}} {
		first, err := loop.Listen(at, loop.ListenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		second, err := loop.Inherit(copyOf(t, first))
		if err != nil {
			t.Fatal(err)
		}
		if second.Addr() != first.Addr() {
			t.Errorf("it is on %s, the first on %s", second.Addr(), first.Addr())
		}
		first.KeepPath(true)
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		l := looptest.New(t)
		accepted := make(chan struct{})
		looptest.Do(t, l, func() {
			if _, err := l.Accept(second, func(c *loop.Conn) { c.Close(); close(accepted) }, nil); err != nil {
				t.Error(err)
			}
		})
		network, address := "unix", path
		if at.Path == "" {
			network, address = "tcp", second.Addr().TCP.String()
		}
		c, err := net.DialTimeout(network, address, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		<-accepted
		c.Close()
		l.Stop()
		// It may belong to another process still, until this one is told.
		if at.Path != "" {
			another, err := loop.Inherit(copyOf(t, second))
			if err != nil {
				t.Fatal(err)
			}
			another.Close()
			if _, err := os.Lstat(path); err != nil {
				t.Errorf("the path of an inherited socket was removed: %v", err)
			}
			second.KeepPath(false)
		}
		second.Close()
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// The kernel wakes one of those that accept from a socket. When that one closes
// before it looks, nobody else hears of the connection.
func TestClosingAcceptorTakesTheConnectionsThatWait(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		taken := 0
		a, err := l.Accept(ln, func(c *loop.Conn) { taken++; c.Close() }, nil)
		if err != nil {
			t.Error(err)
			return
		}
		for range 3 { // this loop does not turn meanwhile
			c, err := net.Dial("tcp", ln.Addr().TCP.String())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
		}
		a.Close()
		if taken != 3 {
			t.Errorf("%d of 3 connections were taken", taken)
		}
	})
}

func TestWhatDoesNotListenIsNotInherited(t *testing.T) {
	file, err := os.Open(".")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	datagrams, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(datagrams)
	stream, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(stream)
	for _, fd := range []int{int(file.Fd()), datagrams, stream, 1 << 20} {
		if _, err := loop.Inherit(fd); err == nil || !strings.Contains(err.Error(), "inherit descriptor") {
			t.Errorf("descriptor %d: %v", fd, err)
		}
	}
}

func TestConfigureGivesNewConnectionsOtherOptions(t *testing.T) {
	ln, err := loop.Listen(loop.Addr{TCP: netip.MustParseAddrPort("127.0.0.1:0")}, loop.ListenOptions{Socket: loop.SocketOptions{KeepAliveIdle: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	get := func(level, opt int) int {
		t.Helper()
		v, err := unix.GetsockoptInt(ln.Descriptor(), level, opt)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if get(unix.SOL_SOCKET, unix.SO_KEEPALIVE) == 0 || get(unix.IPPROTO_TCP, unix.TCP_NODELAY) == 0 {
		t.Fatal("the options were not set at first")
	}
	if err := ln.Configure(loop.ListenOptions{Backlog: 1, Socket: loop.SocketOptions{Delay: true}}); err != nil {
		t.Fatal(err)
	}
	if get(unix.SOL_SOCKET, unix.SO_KEEPALIVE) != 0 || get(unix.IPPROTO_TCP, unix.TCP_NODELAY) != 0 {
		t.Error("options that were switched off are still on")
	}
}
