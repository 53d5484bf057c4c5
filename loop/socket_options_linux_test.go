package loop_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/loop/looptest"
)

func option(t *testing.T, c *loop.Conn, level, opt int) int {
	t.Helper()
	value, err := unix.GetsockoptInt(c.FD(), level, opt)
	if err != nil {
		t.Error(err)
	}
	return value
}

func TestSocketOptionsReachDialedAndAcceptedConnections(t *testing.T) {
	options := loop.SocketOptions{
		KeepAliveIdle:     90 * time.Second,
		KeepAliveInterval: 7 * time.Second,
		KeepAliveProbes:   3,
		UserTimeout:       11 * time.Second,
		FastOpen:          16,
		ReceiveBuffer:     64 << 10,
	}
	looptest.Run(t, func(l *loop.Loop) {
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{Socket: options})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		dialed, accepted := looptest.Connect(t, l, ln, &loop.DialOptions{Socket: options})
		defer dialed.Close()
		defer accepted.Close()
		for name, c := range map[string]*loop.Conn{"dialed": dialed, "accepted": accepted} {
			for _, o := range []struct {
				name             string
				level, opt, want int
			}{
				{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
				{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
				{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 90},
				{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 7},
				{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
				{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 11_000},
				{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, 2 * 64 << 10}, // the kernel doubles it
			} {
				if got := option(t, c, o.level, o.opt); got != o.want {
					t.Errorf("%s connection: %s is %d, want %d", name, o.name, got, o.want)
				}
			}
		}
		if option(t, dialed, unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT) != 1 {
			t.Error("fast open is not set on the dialed connection")
		}
	})
}

func TestDelayLeavesNagleOn(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{Socket: loop.SocketOptions{Delay: true}})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		dialed, accepted := looptest.Connect(t, l, ln, nil)
		defer dialed.Close()
		defer accepted.Close()
		if option(t, accepted, unix.IPPROTO_TCP, unix.TCP_NODELAY) != 0 {
			t.Error("TCP_NODELAY is set")
		}
	})
}

// Several connections, since from the second on the client may have the
// server's cookie and send data with its first packet, where the system is set
// to that.
func TestFastOpenCarriesDataBothWays(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		options := loop.SocketOptions{FastOpen: 16}
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{Socket: options})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		a, err := l.Accept(ln, func(c *loop.Conn) { c.SetWatcher(&echo{c}) }, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer a.Close()
		for range 3 {
			c, err := l.Dial(ln.Addr(), &loop.DialOptions{Timeout: time.Minute, Socket: options})
			if err != nil {
				t.Error(err)
				return
			}
			answer := make([]byte, 100)
			c.Write([]byte("hello"))
			if n, err := c.Read(answer); string(answer[:n]) != "hello" || err != nil {
				t.Errorf("got %q, %v", answer[:n], err)
			}
			c.Close()
		}
	})
}
