package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pingap/leaktest"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const limit = 20 * time.Second

// backend is a server whose connections are played by a function.
type backend struct {
	t        testing.TB
	ln       net.Listener
	accepted atomic.Int32
	mu       sync.Mutex
	conns    []net.Conn
}

// listen starts a backend. play is called for each connection, with its number
// from 1, on a goroutine of its own; when it returns, the connection is closed.
func listen(t testing.TB, play func(c *peerConn, number int)) *backend {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, ln, play)
}

func serveOn(t testing.TB, ln net.Listener, play func(c *peerConn, number int)) *backend {
	b := &backend{t: t, ln: ln}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.conns = append(b.conns, conn)
			b.mu.Unlock()
			number := int(b.accepted.Add(1))
			running.Go(func() {
				defer conn.Close()
				play(&peerConn{conn, bufio.NewReader(conn)}, number)
			})
		}
	})
	t.Cleanup(func() {
		b.stop()
		running.Wait()
	})
	return b
}

// stop ends the backend and its connections.
func (b *backend) stop() {
	b.ln.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.conns {
		c.Close()
	}
}

func (b *backend) spec() PeerSpec { return specOf(b.ln.Addr()) }

func specOf(a net.Addr) PeerSpec {
	if unix, ok := a.(*net.UnixAddr); ok {
		return PeerSpec{Path: unix.Name}
	}
	addr := a.(*net.TCPAddr).AddrPort()
	return PeerSpec{Host: addr.Addr().String(), Port: addr.Port()}
}

// peerConn is a backend's end of a connection.
type peerConn struct {
	net.Conn
	r *bufio.Reader
}

// request reads a request with its content, if that has a length; false means
// that the connection has ended.
func (c *peerConn) request() (head, content string, ok bool) {
	length := 0
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return head, "", false
		}
		head += line
		fmt.Sscanf(line, "Content-Length: %d", &length)
		if line == "\r\n" {
			break
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return head, "", false
	}
	return head, string(body), true
}

// answer sends a response with text as its content.
func (c *peerConn) answer(text string) {
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}

// answering answers every request with the text.
func answering(text string) func(*peerConn, int) {
	return func(c *peerConn, _ int) {
		for {
			if _, _, ok := c.request(); !ok {
				return
			}
			c.answer(text)
		}
	}
}

// newUpstream makes an upstream of backends on a fresh loop, and ends both
// with the test. change may be nil.
func newUpstream(t testing.TB, change func(*Spec), peers ...PeerSpec) (*Upstream, *loop.Loop) {
	t.Helper()
	u := build(t, change, peers...)
	l := looptest.New(t)
	closeWith(t, u, l)
	return u, l
}

func build(t testing.TB, change func(*Spec), peers ...PeerSpec) *Upstream {
	t.Helper()
	spec := Spec{Name: "test", Peers: peers, MaxIdle: 10, IdleTimeout: time.Minute, ReadTimeout: limit}
	if change != nil {
		change(&spec)
	}
	u, err := New(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// closeWith closes the upstream at the end of the test and checks that it has
// left nothing on its loops.
func closeWith(t testing.TB, u *Upstream, loops ...*loop.Loop) {
	t.Cleanup(func() {
		u.Close()
		for _, l := range loops {
			looptest.Do(t, l, func() {
				eventually(t, l, func() bool {
					s := l.Stats()
					return s.Conns == 0 && s.Coroutines == 1 && s.Buffers == 0 && nothingCounted(u)
				})
				if t.Failed() {
					t.Logf("left: %+v on the loop, %d connections, peers %+v", l.Stats(), u.Open(), u.Peers())
				}
			})
		}
	})
}

func nothingCounted(u *Upstream) bool {
	for _, p := range u.Peers() {
		if p.InFlight != 0 || p.Idle != 0 {
			return false
		}
	}
	return u.Open() == 0
}

// eventually waits, in a coroutine, until ok returns true.
func eventually(t testing.TB, l *loop.Loop, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); l.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Error("it does not happen")
			return
		}
	}
}

// outcome is what became of an exchange.
type outcome struct {
	status  int
	content string
	err     error
	facts   message.UpstreamFacts
}

func get(x *message.Exchange) {
	x.Request.Method, x.Request.Path, x.Request.Host = "GET", "/", "h"
	x.Request.Version = message.HTTP11
}

func send(method, content string) func(*message.Exchange) {
	return func(x *message.Exchange) {
		x.Request.Method = method
		x.Request.Length = int64(len(content))
		x.Request.Body = &message.BytesBody{Data: []byte(content)}
	}
}

// ask runs an exchange on l and waits for its end.
func ask(t testing.TB, l *loop.Loop, h message.Handler, make ...func(*message.Exchange)) (o outcome) {
	t.Helper()
	looptest.Do(t, l, func() { o = exchange(l, h, make...) })
	return o
}

// exchange runs an exchange in the present coroutine.
func exchange(l *loop.Loop, h message.Handler, make ...func(*message.Exchange)) (o outcome) {
	x := &message.Exchange{Loop: l}
	x.Reset()
	x.Started = l.Now()
	get(x)
	for _, f := range make {
		f(x)
	}
	if o.err = h.Serve(x); o.err == nil {
		o.status = x.Response.Status
		o.content, o.err = pullAll(x.Response.Body)
	}
	x.Response.Body.Close()
	x.Settle()
	x.End()
	o.facts = x.Upstream
	o.facts.Addr = strings.Clone(o.facts.Addr)
	x.Reset()
	return o
}

func pullAll(b message.Body) (string, error) {
	var all strings.Builder
	for {
		view, err := b.Next()
		if err == io.EOF {
			return all.String(), nil
		}
		if err != nil {
			return all.String(), err
		}
		all.Write(view)
	}
}

func (o outcome) want(t testing.TB, content string) outcome {
	t.Helper()
	if o.err != nil || o.status != 200 || o.content != content {
		t.Fatalf("got %d %q and %v, want %q", o.status, o.content, o.err, content)
	}
	return o
}

func (o outcome) wantFailure(t testing.TB, want message.UpstreamFailure) {
	t.Helper()
	if e, ok := errors.AsType[*message.UpstreamError](o.err); !ok || e.Failure != want {
		t.Fatalf("got %d %q and %v, want %q", o.status, o.content, o.err, want)
	}
}

func TestPeersTakeTurnsByWeight(t *testing.T) {
	var specs []PeerSpec
	for i, name := range []string{"a", "b", "c"} {
		s := listen(t, answering(name)).spec()
		s.Weight = []int{5, 1, 1}[i]
		specs = append(specs, s)
	}
	u, l := newUpstream(t, nil, specs...)
	var got string
	for range 14 {
		got += ask(t, l, u).content
	}
	if got != "aabacaaaabacaa" {
		t.Errorf("turns are %s", got)
	}
}

func TestConnectionIsUsedAgain(t *testing.T) {
	b := listen(t, answering("hello"))
	u, l := newUpstream(t, nil, b.spec())
	for i := range 5 {
		o := ask(t, l, u).want(t, "hello")
		if o.facts.Reused != (i > 0) {
			t.Errorf("exchange %d: reused is %v", i, o.facts.Reused)
		}
	}
	if n := b.accepted.Load(); n != 1 {
		t.Errorf("%d connections for 5 exchanges, want 1", n)
	}
}

func TestExchangeLearnsAboutItsUpstream(t *testing.T) {
	b := listen(t, answering("hello"))
	u, l := newUpstream(t, nil, b.spec())
	f := ask(t, l, u).want(t, "hello").facts
	if f.Name != "test" || f.Addr != b.ln.Addr().String() || f.Status != 200 || f.Reused || f.Connected != 1 {
		t.Errorf("facts are %+v", f)
	}
	if f.TCPConnectTime < 0 || f.ConnectTime < 0 || f.TLSTime != -1 || f.ProcessingTime < 0 || f.ResponseTime < 0 || f.ConnectionTime < 0 {
		t.Errorf("times are %+v", f)
	}
	f = ask(t, l, u).want(t, "hello").facts
	if !f.Reused || f.TCPConnectTime != -1 || f.ConnectTime != -1 || f.ConnectionTime <= 0 {
		t.Errorf("facts of the second are %+v", f)
	}
}

func TestConnectionIsNotUsedAgainWhereNoneAreKept(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"no time":   func(s *Spec) { s.IdleTimeout = 0 },
		"no number": func(s *Spec) { s.MaxIdle = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			var head atomic.Value
			b := listen(t, func(c *peerConn, _ int) {
				text, _, _ := c.request()
				head.Store(text)
				c.answer("hello")
				c.r.ReadByte() // until it is closed
			})
			u, l := newUpstream(t, change, b.spec())
			for range 3 {
				ask(t, l, u).want(t, "hello")
			}
			if n := b.accepted.Load(); n != 3 {
				t.Errorf("%d connections for 3 exchanges", n)
			}
			if head := head.Load().(string); !strings.Contains(head, "Connection: close\r\n") {
				t.Errorf("the peer was not told: %q", head)
			}
		})
	}
}

func TestUnixSocketIsAPeer(t *testing.T) {
	ln, err := net.Listen("unix", t.TempDir()+"/peer")
	if err != nil {
		t.Fatal(err)
	}
	b := serveOn(t, ln, answering("hello"))
	u, l := newUpstream(t, nil, b.spec())
	o := ask(t, l, u).want(t, "hello")
	if want := "unix:" + ln.Addr().String(); o.facts.Addr != want {
		t.Errorf("address is %q, want %q", o.facts.Addr, want)
	}
}

func TestCloseEndsIdleConnectionsAndLetsOthersFinish(t *testing.T) {
	goOn := make(chan struct{})
	b := listen(t, func(c *peerConn, _ int) {
		head, _, ok := c.request()
		if strings.HasPrefix(head, "PUT") {
			<-goOn
		}
		if ok {
			c.answer("hello")
			c.r.ReadByte()
		}
	})
	u, l := newUpstream(t, nil, b.spec())
	ask(t, l, u).want(t, "hello")
	var slow outcome
	looptest.Do(t, l, func() {
		done := false
		l.Go(loop.TaskFunc(func() {
			slow = exchange(l, u, send("PUT", "x"))
			done = true
		}))
		eventually(t, l, func() bool { return u.Peers()[0].InFlight == 1 })
		u.Close()
		eventually(t, l, func() bool { return u.Peers()[0].Idle == 0 })
		close(goOn)
		eventually(t, l, func() bool { return done })
		eventually(t, l, func() bool { return u.Open() == 0 })
	})
	slow.want(t, "hello")
	ask(t, l, u).want(t, "hello") // still served
}

func TestServeDoesNotAllocate(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n"
	b := listen(t, func(c *peerConn, _ int) {
		buffer := make([]byte, len(request))
		response := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello")
		for {
			if _, err := io.ReadFull(c.Conn, buffer); err != nil {
				return
			}
			c.Write(response)
		}
	})
	u, l := newUpstream(t, func(s *Spec) { s.WriteTimeout = time.Minute }, b.spec())
	looptest.Do(t, l, func() {
		x := &message.Exchange{Loop: l}
		var err error
		allocs := testing.AllocsPerRun(500, func() {
			x.Reset()
			get(x)
			x.Request.Header.Add("Accept", "*/*")
			if err = u.Serve(x); err == nil {
				_, err = x.Response.Body.Next()
			}
			x.Response.Body.Close()
			x.Settle()
			x.End()
		})
		x.Reset()
		if err != nil || allocs > 0 {
			t.Errorf("%v allocations an exchange (%v)", allocs, err)
		}
	})
}

func TestNamesAreResolvedAndAddressesUsedOnce(t *testing.T) {
	u := build(t, nil,
		PeerSpec{Host: "localhost", Port: 80, Weight: 3},
		PeerSpec{Host: "127.0.0.1", Port: 80},
		PeerSpec{Host: "127.0.0.1", Port: 81, Weight: 2},
		PeerSpec{Host: "::ffff:127.0.0.1", Port: 81},
		PeerSpec{Host: "::1", Port: 90},
		PeerSpec{Path: "/run/app"})
	got := map[string]int{}
	for _, p := range u.Peers() {
		got[p.Addr] = p.Weight
	}
	want := map[string]int{"127.0.0.1:80": 3, "127.0.0.1:81": 2, "[::1]:90": 1, "unix:/run/app": 1}
	delete(got, "[::1]:80") // localhost may have it or not
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("peers are %v, want %v", got, want)
	}
}

// A look-up that failed once shifted the results: a host got the port and the
// weight of the next one.
func TestNameThatIsNotFoundLeavesTheOthersTheirPortsAndWeights(t *testing.T) {
	u := build(t, nil,
		PeerSpec{Host: "127.0.0.1", Port: 81, Weight: 1},
		PeerSpec{Host: "name.invalid", Port: 82, Weight: 2},
		PeerSpec{Host: "localhost", Port: 83, Weight: 3},
		PeerSpec{Host: "0.0.0.0", Port: 84, Weight: 4},
		PeerSpec{Host: "127.0.0.2", Port: 85, Weight: 5})
	got := map[string]int{}
	for _, p := range u.Peers() {
		got[p.Addr] = p.Weight
	}
	delete(got, "[::1]:83") // localhost may have it or not
	want := map[string]int{"127.0.0.1:81": 1, "127.0.0.1:83": 3, "127.0.0.2:85": 5}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("peers are %v, want %v", got, want)
	}
}

func TestIPv4OnlyLeavesIPv6AddressesOfNamesOut(t *testing.T) {
	u := build(t, func(s *Spec) { s.IPv4Only = true }, PeerSpec{Host: "localhost", Port: 80})
	for _, p := range u.Peers() {
		if !netip.MustParseAddrPort(p.Addr).Addr().Is4() {
			t.Errorf("%s is a peer", p.Addr)
		}
	}
}

func TestUnusableAddressesAreLeftOut(t *testing.T) {
	bad := []string{"0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "ff02::1", "169.254.169.254", "fe80::1", "name.invalid"}
	var specs []PeerSpec
	for _, host := range bad {
		specs = append(specs, PeerSpec{Host: host, Port: 80})
		if _, err := New(context.Background(), Spec{Name: "x", Peers: specs[len(specs)-1:]}); err == nil || !strings.Contains(err.Error(), host) {
			t.Errorf("%s alone: error is %v", host, err)
		}
	}
	u := build(t, nil, append(specs, PeerSpec{Host: "127.0.0.1", Port: 80})...)
	if n := len(u.Peers()); n != 1 {
		t.Errorf("%d peers, want 1", n)
	}
	if n := len(u.Unresolved()); n != len(bad) {
		t.Errorf("%d errors, want %d: %v", n, len(bad), u.Unresolved())
	}
	if _, err := New(context.Background(), Spec{Name: "x"}); err == nil {
		t.Error("an upstream without peers can be made")
	}
}

func TestUpstreamThatHasNoPeersOnPurposeSaysWhy(t *testing.T) {
	u, l := newUpstream(t, func(s *Spec) { s.NoPeers = "they are on holiday" })
	ask(t, l, u).wantFailure(t, message.NoPeer)
	if o := ask(t, l, u); !strings.Contains(fmt.Sprint(o.err), "they are on holiday") {
		t.Errorf("the error is %v", o.err)
	}
	if peers := u.Peers(); len(peers) != 0 {
		t.Errorf("the peers are %v", peers)
	}
}
