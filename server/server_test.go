package server

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pingap/http1"
	"pingap/loop"
	"pingap/message"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

var loopback = loop.Addr{TCP: netip.MustParseAddrPort("127.0.0.1:0")}

// start makes a server with loops that end with the test.
func start(t *testing.T, loops int) *Server {
	t.Helper()
	ls, err := StartLoops(loops, func(value any, stack []byte) { t.Errorf("panic on a loop: %v\n%s", value, stack) })
	if err != nil {
		t.Fatal(err)
	}
	s := New(ls, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		s.Close()
		drain(t, s)
		ls.Stop()
	})
	return s
}

// drain drains a server that must come to its end.
func drain(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Drain(ctx, 0); err != nil {
		t.Error(err)
	}
}

// site makes a site whose answers are text.
func site(name, text string, addrs ...loop.Addr) *Site {
	return &Site{Name: name, Addrs: addrs, Wire: &http1.Server{Handler: answering(text)}}
}

func answering(text string) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 200
		x.Response.Length = int64(len(text))
		x.Response.Body = x.BytesBody([]byte(text))
		return nil
	})
}

// client is a connection that speaks HTTP by hand.
type client struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, addr loop.Addr) *client {
	t.Helper()
	network, address := "tcp", addr.TCP.String()
	if addr.Path != "" {
		network, address = "unix", addr.Path
	}
	c, err := net.DialTimeout(network, address, patience)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return &client{c, bufio.NewReader(c)}
}

func (c *client) ask() { io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") }

// answer reads an answer and returns its content, and whether it announces the
// end of the connection.
func (c *client) answer(t *testing.T) (text string, last bool) {
	t.Helper()
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Error(err)
		return "", false
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b), r.Close
}

func mustStart(t *testing.T, s *Server, sites ...*Site) {
	t.Helper()
	if err := s.Apply(sites); err != nil {
		t.Fatal(err)
	}
}

func TestSitesAnswerOnAllTheirAddresses(t *testing.T) {
	s := start(t, 3)
	path := filepath.Join(t.TempDir(), "a.sock")
	a, b := site("a", "from a", loopback, loop.Addr{Path: path}), site("b", "from b", loopback)
	mustStart(t, s, a, b)
	for _, want := range []*Site{a, b} {
		listening := want.Listening()
		if len(listening) != len(want.Addrs) {
			t.Errorf("site %s listens on %v", want.Name, listening)
		}
		for _, addr := range listening {
			for range 10 {
				c := dial(t, addr)
				for range 2 {
					c.ask()
					if got, _ := c.answer(t); got != "from "+want.Name {
						t.Errorf("%s of site %s answers %q", addr, want.Name, got)
					}
				}
			}
		}
	}
	if s.Open() != 30 {
		t.Errorf("%d connections are counted, want 30", s.Open())
	}
	drain(t, s)
	if s.Open() != 0 || s.Active() != 0 {
		t.Errorf("%d connections and %d exchanges are counted after the end", s.Open(), s.Active())
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the Unix socket is still there: %v", err)
	}
}

// seen collects on which loops exchanges run.
type seen struct {
	mu    sync.Mutex
	loops map[int]bool
}

func (n *seen) Serve(x *message.Exchange) error {
	n.mu.Lock()
	n.loops[x.Loop.ID()] = true
	n.mu.Unlock()
	return answering("ok").Serve(x)
}

// all returns the loops, in order.
func (n *seen) all() []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.loops))
}

// askMany sends a request over each of n connections that are open together.
func askMany(t *testing.T, addr loop.Addr, n int) {
	t.Helper()
	for range n {
		c := dial(t, addr)
		c.ask()
		c.answer(t)
	}
}

func TestReusePortGivesEachLoopAListenerOnTheSamePort(t *testing.T) {
	s := start(t, 3)
	on := &seen{loops: map[int]bool{}}
	a := &Site{Name: "a", Addrs: []loop.Addr{loopback}, Listen: loop.ListenOptions{ReusePort: true}, Wire: &http1.Server{Handler: on}}
	mustStart(t, s, a)
	if n := len(a.entrances[0].listeners); n != 3 {
		t.Errorf("there are %d listeners, want 3", n)
	}
	for _, ln := range a.entrances[0].listeners {
		if ln.Addr() != a.Listening()[0] {
			t.Errorf("a listener is on %s, the first on %s", ln.Addr(), a.Listening()[0])
		}
	}
	// The kernel spreads connections by a hash of their ports: the chance that
	// one of three loops gets none of 200 is below 1e-34.
	askMany(t, a.Listening()[0], 200)
	if got := on.all(); len(got) != 3 {
		t.Errorf("exchanges ran on loops %v, want all three", got)
	}
}

func TestThreadsOfASiteLimitTheLoopsItRunsOn(t *testing.T) {
	for _, reusePort := range []bool{false, true} {
		s := start(t, 3)
		on := &seen{loops: map[int]bool{}}
		a := &Site{Name: "a", Addrs: []loop.Addr{loopback}, Loops: 1, Listen: loop.ListenOptions{ReusePort: reusePort}, Wire: &http1.Server{Handler: on}}
		mustStart(t, s, a)
		askMany(t, a.Listening()[0], 50)
		if got := on.all(); !slices.Equal(got, []int{0}) {
			t.Errorf("with reuse_port %v exchanges ran on loops %v, want the first only", reusePort, got)
		}
	}
}

func TestAddressThatIsTakenIsExplainedAndNothingStaysOpen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).AddrPort()
	path := filepath.Join(t.TempDir(), "a.sock")
	s := start(t, 2)
	good, bad := site("good", "ok", loopback, loop.Addr{Path: path}), site("bad", "ok", loopback, loop.Addr{TCP: port})
	err = s.Apply([]*Site{good, bad})
	if err == nil {
		t.Fatal("started although an address is taken")
	}
	for _, part := range []string{`server "bad"`, port.String(), "this process itself listens there"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if len(good.Listening())+len(bad.Listening()) > 0 {
		t.Errorf("still listening on %v and %v", good.Listening(), bad.Listening())
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the Unix socket is still there: %v", err)
	}
	// A later attempt finds all as it was.
	taken.Close()
	mustStart(t, s, good, bad)
	if len(good.Listening()) != 2 || !slices.Contains(bad.Listening(), loop.Addr{TCP: port}) {
		t.Errorf("listening on %v and %v", good.Listening(), bad.Listening())
	}
}

func TestAddressThatIsNotOfThisMachineIsExplained(t *testing.T) {
	s := start(t, 1)
	err := s.Apply([]*Site{site("a", "ok", loop.Addr{TCP: netip.MustParseAddrPort("192.0.2.1:8080")})})
	if err == nil || !strings.Contains(err.Error(), "no such address") {
		t.Errorf("error %v", err)
	}
}

func TestAddressThatMayNotBeUsedIsExplained(t *testing.T) {
	denied := &os.SyscallError{Syscall: "bind", Err: os.ErrPermission}
	low := explain(loop.Addr{TCP: netip.MustParseAddrPort("0.0.0.0:80")}, denied)
	if !strings.Contains(low.Error(), "setcap") || !errors.Is(low, os.ErrPermission) {
		t.Errorf("error %q", low)
	}
	if high := explain(loop.Addr{TCP: netip.MustParseAddrPort("0.0.0.0:8080")}, denied); high != denied {
		t.Errorf("error %q", high)
	}
}

// waiting answers when it is released.
type waiting struct {
	reached chan struct{}
	release chan struct{}
}

func newWaiting() *waiting {
	return &waiting{reached: make(chan struct{}, 100), release: make(chan struct{})}
}

func (w *waiting) Serve(x *message.Exchange) error {
	w.reached <- struct{}{}
	x.Loop.Await(func() { <-w.release })
	return answering("finished").Serve(x)
}

func TestDrainEndsIdleConnectionsAtOnceAndLetsExchangesFinish(t *testing.T) {
	s := start(t, 2)
	w := newWaiting()
	a := &Site{Name: "a", Addrs: []loop.Addr{loopback}, Wire: &http1.Server{Handler: w}}
	b := site("b", "ok", loopback)
	mustStart(t, s, a, b)
	addr := b.Listening()[0]
	idle, fresh := dial(t, addr), dial(t, addr)
	idle.ask()
	idle.answer(t)
	busy := dial(t, a.Listening()[0])
	busy.ask()
	<-w.reached
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		drain(t, s)
	}()
	for _, c := range []*client{idle, fresh} {
		if _, err := c.in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a connection without a request is not ended: %v", err)
		}
	}
	select {
	case <-drained:
		t.Error("drained with an exchange in flight")
	default:
	}
	if c, err := net.DialTimeout("tcp", addr.TCP.String(), patience); err == nil {
		c.Close()
		t.Error("a draining server accepts")
	}
	close(w.release)
	if text, last := busy.answer(t); text != "finished" || !last {
		t.Errorf("the exchange in flight ended with %q, announced as the last: %v", text, last)
	}
	busy.Close() // what has been answered lingers until the client has seen it
	<-drained
}

func TestDrainReportsWhatIsLeftWhenItsTimeIsOver(t *testing.T) {
	s := start(t, 1)
	w := newWaiting()
	a := &Site{Name: "a", Addrs: []loop.Addr{loopback}, Wire: &http1.Server{Handler: w}}
	mustStart(t, s, a)
	c := dial(t, a.Listening()[0])
	c.ask()
	<-w.reached
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := s.Drain(ctx, 0)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 connections are still open, with 1 exchanges in flight") {
		t.Errorf("error %v", err)
	}
	s.Close()
	if _, err := c.in.ReadByte(); err == nil {
		t.Error("a connection outlives Close")
	}
	// The connection is gone, but its exchange still waits: whoever drains has
	// to wait too, or the exchange ends where nothing is left to log it.
	if err := s.Drain(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("drained with an exchange in flight: %v", err)
	}
	close(w.release)
	drain(t, s)
}

func TestDrainAgainClosesNothingTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	s := start(t, 1)
	mustStart(t, s, site("a", "ok", loop.Addr{Path: path}))
	drain(t, s)
	next, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	drain(t, s)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the socket of another process was removed: %v", err)
	}
}

func TestConnectionsAreNumberedAcrossSites(t *testing.T) {
	s := start(t, 2)
	ids := make(chan uint64, 10)
	note := message.HandlerFunc(func(x *message.Exchange) error {
		ids <- x.ConnectionID
		return answering("ok").Serve(x)
	})
	a := &Site{Name: "a", Addrs: []loop.Addr{loopback}, Wire: &http1.Server{Handler: note}}
	b := &Site{Name: "b", Addrs: []loop.Addr{loopback}, Wire: &http1.Server{Handler: note}}
	mustStart(t, s, a, b)
	used := map[uint64]bool{}
	for _, site := range []*Site{a, b, a, b} {
		askMany(t, site.Listening()[0], 1)
		used[<-ids] = true
	}
	if len(used) != 4 {
		t.Errorf("four connections have the numbers %v", used)
	}
}
