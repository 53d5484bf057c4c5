package proxyprotocol

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

const patience = 30 * time.Second

// accept runs Accept on a fresh connection to which talk writes, and returns the
// connection as Accept has left it.
func accept(t *testing.T, l *loop.Loop, within time.Duration, talk func(net.Conn)) (*loop.Conn, error) {
	t.Helper()
	near, far := looptest.Pair(t, l)
	go talk(far)
	var failed error
	done := false
	co := l.Current()
	Accept(near, within, func(_ *loop.Conn, err error) {
		failed, done = err, true
		co.Wake()
	})
	for !done {
		if err := l.Park(); err != nil {
			t.Fatal(err)
		}
	}
	return near, failed
}

func TestHeaderIsTakenAndTheRestIsLeft(t *testing.T) {
	h := header("192.0.2.1:1234", "192.0.2.2:443")
	for _, b := range [][]byte{Append1(nil, h), Append2(nil, h)} {
		for _, together := range []bool{true, false} {
			looptest.Run(t, func(l *loop.Loop) {
				conn, err := accept(t, l, patience, func(c net.Conn) {
					if together {
						c.Write(append(b, "hello"...))
						return
					}
					for i := range b {
						c.Write(b[i : i+1])
					}
					c.Write([]byte("hello"))
				})
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if conn.RemoteAddrPort() != h.Source {
					t.Errorf("the client is %v", conn.RemoteAddrPort())
				}
				var got []byte
				for len(got) < 5 {
					part := make([]byte, 16)
					n, err := conn.Read(part)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, part[:n]...)
				}
				if string(got) != "hello" {
					t.Errorf("what follows is %q", got)
				}
			})
		}
	}
}

func TestHeaderWithoutAddressLeavesThatOfTheConnection(t *testing.T) {
	for _, h := range []Header{{}, header("0.0.0.0:1", "192.0.2.2:443"), header("[::]:0", "[2001:db8::2]:443")} {
		looptest.Run(t, func(l *loop.Loop) {
			conn, err := accept(t, l, patience, func(c net.Conn) { c.Write(Append2(nil, h)) })
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if addr := conn.RemoteAddrPort().Addr(); addr != netip.MustParseAddr("127.0.0.1") {
				t.Errorf("%v: the client is %v", h, addr)
			}
		})
	}
}

// A proxy that knows the client only by name of another proxy, from a field of
// the request, knows no port.
func TestClientWithoutAPortIsTakenAsToldToo(t *testing.T) {
	h := header("192.0.2.1:0", "192.0.2.2:443")
	looptest.Run(t, func(l *loop.Loop) {
		conn, err := accept(t, l, patience, func(c net.Conn) { c.Write(Append1(nil, h)) })
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if conn.RemoteAddrPort() != h.Source {
			t.Errorf("the client is %v", conn.RemoteAddrPort())
		}
	})
}

func TestWrongMissingAndLateHeadersAreErrors(t *testing.T) {
	for name, c := range map[string]struct {
		talk   func(net.Conn)
		within time.Duration
		want   error
	}{
		"missing": {func(c net.Conn) { c.Write([]byte("GET / HTTP/1.1\r\n\r\n")) }, patience, ErrMissing},
		"wrong":   {func(c net.Conn) { c.Write([]byte("PROXY TCP4 x y 1 2\r\n")) }, patience, ErrMalformed},
		"cut": {func(c net.Conn) {
			c.Write([]byte("PROXY TCP4 "))
			c.(*net.TCPConn).CloseWrite()
		}, patience, ErrIncomplete},
		"nothing": {func(c net.Conn) { c.(*net.TCPConn).CloseWrite() }, patience, ErrIncomplete},
		"late":    {func(c net.Conn) { c.Write([]byte("PROXY ")) }, 20 * time.Millisecond, ErrIncomplete},
	} {
		looptest.Run(t, func(l *loop.Loop) {
			conn, err := accept(t, l, c.within, c.talk)
			conn.Close()
			if err != c.want {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		})
	}
}
