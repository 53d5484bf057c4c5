package server

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"pingap/loop"
)

// inheritAll makes listeners of a server's sockets, as another process would
// have them.
func inheritAll(t *testing.T, s *Server) (all []*loop.Listener) {
	t.Helper()
	fds, _, err := s.Descriptors()
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		inherited, err := loop.Inherit(fd)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, inherited)
	}
	return all
}

// With reuse_port each listener has a queue of its own: one that no loop took
// would leave its connections unanswered.
func TestEachInheritedListenerIsAcceptedFromWhateverTheLoops(t *testing.T) {
	for _, loops := range [][2]int{{4, 1}, {3, 2}, {1, 3}, {2, 3}, {2, 2}} {
		old := start(t, loops[0])
		a := site("a", "from the old", loopback)
		a.Listen.ReusePort = true
		mustStart(t, old, a)
		addr := a.Listening()[0]

		next := start(t, loops[1])
		next.Inherit(inheritAll(t, old))
		b := site("b", "from the new", addr)
		b.Listen.ReusePort = true
		mustStart(t, next, b)
		if left := next.Disinherit(); len(left) > 0 {
			t.Errorf("%v: not taken: %v", loops, left)
		}
		if want := max(loops[0], loops[1]); len(next.listeners()) != want {
			t.Errorf("%v: the new one has %d listeners, want %d", loops, len(next.listeners()), want)
		}
		drain(t, old)
		for range 50 {
			c := dial(t, addr)
			c.ask()
			if got, _ := c.answer(t); got != "from the new" {
				t.Fatalf("%v: answer %q", loops, got)
			}
		}
	}
}

func TestReusePortMayChangeBetweenProcesses(t *testing.T) {
	for _, after := range []bool{true, false} {
		old := start(t, 2)
		a := site("a", "old", loopback)
		a.Listen.ReusePort = !after
		mustStart(t, old, a)
		next := start(t, 2)
		next.Inherit(inheritAll(t, old))
		b := site("b", "new", a.Listening()[0])
		b.Listen.ReusePort = after
		mustStart(t, next, b)
		drain(t, old)
		askMany(t, b.Listening()[0], 20)
	}
}

func TestNewAddressMayOverlapOneThatIsLeft(t *testing.T) {
	old := start(t, 1)
	a := site("a", "old", loopback)
	mustStart(t, old, a)
	addr := a.Listening()[0]
	everywhere := loop.Addr{TCP: netip.AddrPortFrom(netip.IPv4Unspecified(), addr.TCP.Port())}
	next := start(t, 1)
	next.Inherit(inheritAll(t, old))
	b := site("b", "new", everywhere)
	mustStart(t, next, b)
	next.Disinherit()
	drain(t, old)
	c := dial(t, addr)
	c.ask()
	if got, _ := c.answer(t); got != "new" {
		t.Errorf("answer %q", got)
	}
}

func TestInheritedListenersThatNoSiteWantsAreClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	old := start(t, 1)
	a := site("a", "old", loopback, loop.Addr{Path: path}, loopback)
	mustStart(t, old, a)
	next := start(t, 1)
	next.Inherit(inheritAll(t, old))
	addrs := a.Listening()
	b := site("b", "new", addrs[0])
	mustStart(t, next, b)
	if left := next.Disinherit(); len(left) != 2 || left[0] != addrs[1] || left[1] != addrs[2] {
		t.Errorf("closed %v of %v", left, addrs)
	}
	drain(t, old)
	askMany(t, addrs[0], 1)
	if c, err := net.Dial("tcp", addrs[2].TCP.String()); err == nil {
		c.Close()
		t.Error("an address that nobody wants is still open")
	}
}

func TestOpenOpensAllOrNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	a, b := site("a", "ok", loop.Addr{Path: path}), site("b", "ok", loopback)
	open, err := Open([]*Site{a}, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	open, err = Open([]*Site{a, b}, 1, open)
	if err != nil || len(open) != 2 {
		t.Fatalf("%d listeners, %v", len(open), err)
	}
	b.Addrs[0] = open[1].Addr()
	if b.Addrs[0].Path != "" {
		b.Addrs[0] = open[0].Addr()
	}
	s := start(t, 1)
	s.Inherit(open)
	mustStart(t, s, a, b)
	askMany(t, a.Addrs[0], 1)
	askMany(t, b.Addrs[0], 1)
	if _, err := Open([]*Site{site("c", "ok", loopback), site("d", "ok", b.Addrs[0])}, 1, nil); err == nil || !strings.Contains(err.Error(), `server "d"`) {
		t.Errorf("error %v", err)
	}
}
