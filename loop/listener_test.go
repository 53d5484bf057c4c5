package loop_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/loop/looptest"
)

// pingThrough sends bytes through a fresh connection between two ends.
func pingThrough(t *testing.T, l *loop.Loop, at loop.Addr) (dialed, accepted *loop.Conn) {
	t.Helper()
	dialed, accepted = looptest.BothAt(t, l, at)
	dialed.Write([]byte("ping"))
	buffer := make([]byte, 10)
	if n, err := accepted.Read(buffer); string(buffer[:n]) != "ping" || err != nil {
		t.Errorf("%s: read %q, %v", at, buffer[:n], err)
	}
	return dialed, accepted
}

func TestUnixSocketsCarryBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	looptest.Run(t, func(l *loop.Loop) {
		dialed, accepted := pingThrough(t, l, loop.Addr{Path: path})
		for _, c := range []*loop.Conn{dialed, accepted} {
			if c.RemoteAddrPort().IsValid() || c.LocalAddrPort().IsValid() || c.RemoteAddr().Network() != "unix" {
				t.Errorf("a Unix socket has the addresses %v and %v", c.LocalAddr(), c.RemoteAddr())
			}
		}
		dialed.CloseWrite()
		if _, err := accepted.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after the end: %v", err)
		}
		dialed.Close()
		accepted.Close()
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the closed listener left its socket behind: %v", err)
		}
	})
}

func TestStaleUnixSocketIsReplacedAndALiveOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	at := loop.Addr{Path: path}
	live, err := loop.Listen(at, loop.ListenOptions{})
	if err != nil {
		t.Fatalf("the socket of a process that is gone was not replaced: %v", err)
	}
	defer live.Close()
	if _, err := loop.Listen(at, loop.ListenOptions{}); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), path) {
		t.Errorf("a live socket: %v", err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the live socket is gone: %v", err)
	}
	c.Close()
}

func TestListenDoesNotReplaceAFileThatIsNoSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loop.Listen(loop.Addr{Path: path}, loop.ListenOptions{}); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "data" {
		t.Error("the file is gone")
	}
}

func TestDialWaitsForRoomInTheBacklogOfAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	looptest.Run(t, func(l *loop.Loop) {
		ln, err := loop.Listen(loop.Addr{Path: path}, loop.ListenOptions{Backlog: 1})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		var conns []*loop.Conn
		const clients = 5
		for range clients {
			l.Go(loop.TaskFunc(func() {
				c, err := l.Dial(ln.Addr(), &loop.DialOptions{Timeout: time.Minute})
				if err != nil {
					t.Error(err)
					return
				}
				conns = append(conns, c)
			}))
		}
		for len(conns) < 2 {
			l.Sleep(time.Millisecond)
		}
		if _, err := l.Dial(ln.Addr(), &loop.DialOptions{Timeout: 30 * time.Millisecond}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a backlog that stays full: %v", err)
		}
		a, err := l.Accept(ln, func(c *loop.Conn) { conns = append(conns, c) }, nil)
		if err != nil {
			t.Error(err)
			return
		}
		for len(conns) < 2*clients {
			l.Sleep(time.Millisecond)
		}
		a.Close()
		for _, c := range conns {
			c.Close()
		}
	})
}

func TestIPv6ListensAloneOrForIPv4Too(t *testing.T) {
	probe, err := net.Listen("tcp", "[::1]:0")
	if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EAFNOSUPPORT) {
		t.Skip(err) // skip: many a container has no IPv6
	}
	if err != nil {
		t.Fatal(err)
	}
	probe.Close()
	looptest.Run(t, func(l *loop.Loop) {
		dialed, accepted := pingThrough(t, l, loop.Addr{TCP: netip.MustParseAddrPort("[::1]:0")})
		if got := accepted.RemoteAddrPort().Addr(); got != netip.IPv6Loopback() {
			t.Errorf("the peer is %v", got)
		}
		dialed.Close()
		accepted.Close()

		for _, only := range []bool{false, true} {
			ln, err := loop.Listen(loop.Addr{TCP: netip.MustParseAddrPort("[::]:0")}, loop.ListenOptions{IPv6Only: only})
			if err != nil {
				t.Error(err)
				return
			}
			four := loop.Addr{TCP: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), ln.Addr().TCP.Port())}
			var accepted *loop.Conn
			a, err := l.Accept(ln, func(c *loop.Conn) { accepted = c }, nil)
			if err != nil {
				t.Error(err)
				return
			}
			c, err := l.Dial(four, nil)
			switch {
			case only && !errors.Is(err, unix.ECONNREFUSED):
				t.Errorf("IPv6 only: %v", err)
			case !only && err != nil:
				t.Error(err)
			case !only:
				for accepted == nil {
					l.Sleep(time.Millisecond)
				}
				if got := accepted.RemoteAddrPort(); !got.Addr().Is4() {
					t.Errorf("an IPv4 client is seen as %v", got)
				}
				accepted.Close()
				c.Close()
			}
			a.Close()
			ln.Close()
		}
	})
}

// acceptOn makes l accept from ln until the test ends, and counts.
func acceptOn(t *testing.T, l *loop.Loop, ln *loop.Listener, count *atomic.Int64) {
	t.Helper()
	looptest.Do(t, l, func() {
		_, err := l.Accept(ln, func(c *loop.Conn) {
			count.Add(1)
			c.SetWatcher(&echo{c})
		}, nil)
		if err != nil {
			t.Error(err)
		}
	})
}

// connect makes n connections, one after the other, that are open until the
// test ends and answered.
func connect(t *testing.T, to netip.AddrPort, n int) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", to.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.Write([]byte("x"))
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoopsThatShareAListenerShareItsConnections(t *testing.T) {
	ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	var counts [2]atomic.Int64
	for i := range counts {
		acceptOn(t, looptest.New(t), ln, &counts[i])
	}
	connect(t, ln.Addr().TCP, 100)
	// A quiet server: at each connection both loops are idle.
	if a, b := counts[0].Load(), counts[1].Load(); a < 20 || b < 20 {
		t.Errorf("of 100 connections one loop has %d and the other %d", a, b)
	}
}

func TestReusePortSpreadsConnectionsOverListeners(t *testing.T) {
	var counts [2]atomic.Int64
	at := looptest.Loopback
	for i := range counts {
		ln, err := loop.Listen(at, loop.ListenOptions{ReusePort: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		at = ln.Addr()
		acceptOn(t, looptest.New(t), ln, &counts[i])
	}
	connect(t, at.TCP, 100)
	if a, b := counts[0].Load(), counts[1].Load(); a+b != 100 || a == 0 || b == 0 {
		t.Errorf("of 100 connections one loop has %d and the other %d", a, b)
	}
}

func TestAcceptBacksOffWithoutDescriptorsAndRecovers(t *testing.T) {
	const clients = 20
	looptest.Run(t, func(l *loop.Loop) {
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		for range clients {
			c, err := l.Dial(ln.Addr(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
		}
		var failures []int64
		accepted := 0
		restore := withoutDescriptors(t)
		defer restore()
		a, err := l.Accept(ln, func(c *loop.Conn) {
			accepted++
			c.Close()
		}, func(err error) {
			if !errors.Is(err, unix.EMFILE) || !strings.Contains(err.Error(), ln.Addr().String()) {
				t.Errorf("reported: %v", err)
			}
			failures = append(failures, l.Now())
		})
		if err != nil {
			t.Error(err)
			return
		}
		defer a.Close()
		for len(failures) < 3 {
			l.Sleep(time.Millisecond)
		}
		restore()
		for i := range failures[1:] {
			if pause := time.Duration(failures[i+1] - failures[i]); pause < 100*time.Millisecond {
				t.Errorf("tried again after %v", pause)
			}
		}
		for accepted < clients {
			l.Sleep(time.Millisecond)
		}
	})
}

// withoutDescriptors lets the process open no more, until the returned function
// is called.
func withoutDescriptors(t *testing.T) (restore func()) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Error(err)
	}
	none := limit
	none.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Error(err)
	}
	return func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}
}

func TestDialWithoutDescriptorsFailsAndRecovers(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		restore := withoutDescriptors(t)
		_, err = l.Dial(ln.Addr(), nil)
		restore()
		if !errors.Is(err, unix.EMFILE) {
			t.Errorf("got %v", err)
		}
		c, err := l.Dial(ln.Addr(), nil)
		if err != nil {
			t.Error(err)
			return
		}
		c.Close()
	})
}

func TestClosedAcceptorLeavesTheListenerToOthers(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		a, err := l.Accept(ln, func(*loop.Conn) { t.Error("a closed acceptor has accepted") }, nil)
		if err != nil {
			t.Error(err)
			return
		}
		a.Close()
		a.Close()
		dialed, accepted := looptest.Connect(t, l, ln, nil)
		dialed.Close()
		accepted.Close()
	})
}
