package server

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pingap/http1"
	"pingap/loop"
)

func mustAnswer(t *testing.T, c *client, want string) (last bool) {
	t.Helper()
	c.ask()
	got, last := c.answer(t)
	if got != want {
		t.Errorf("answered %q, want %q", got, want)
	}
	return last
}

func TestOpenConnectionsAreAnsweredByTheNewSiteFromTheirNextRequestOn(t *testing.T) {
	s := start(t, 2)
	w := newWaiting()
	old := &Site{Name: "old", Addrs: []loop.Addr{loopback}, Wire: &http1.Server{Handler: w}}
	plain := site("plain", "before", loopback)
	mustStart(t, s, old, plain)
	busy, idle := dial(t, old.Listening()[0]), dial(t, plain.Listening()[0])
	mustAnswer(t, idle, "before")
	busy.ask()
	<-w.reached

	mustStart(t, s, site("old", "new", loopback), site("plain", "after", loopback))
	mustAnswer(t, idle, "after")
	close(w.release)
	if text, last := busy.answer(t); text != "finished" || last {
		t.Errorf("the exchange in flight ended with %q, announced as the last: %v", text, last)
	}
	mustAnswer(t, busy, "new")
}

func TestAddressThatMovesToAnotherSiteStaysOpen(t *testing.T) {
	s := start(t, 2)
	path := loop.Addr{Path: filepath.Join(t.TempDir(), "a.sock")}
	a, b := site("a", "a", path), site("b", "b", loopback)
	mustStart(t, s, a, b)
	listener, c := a.entrances[0].listeners[0], dial(t, path)
	mustAnswer(t, c, "a")
	moved := site("b", "b", loopback, path)
	mustStart(t, s, moved)
	if moved.entrances[1].listeners[0] != listener {
		t.Error("the address was opened again")
	}
	if moved.Listening()[0] != b.Listening()[0] {
		t.Errorf("the port that the system chose has changed from %v to %v", b.Listening(), moved.Listening())
	}
	mustAnswer(t, c, "b")
	mustAnswer(t, dial(t, path), "b")
}

func TestAddressThatIsLeftIsClosedAndItsConnectionsEndWithAnAnswer(t *testing.T) {
	s := start(t, 2)
	path := loop.Addr{Path: filepath.Join(t.TempDir(), "a.sock")}
	a, b := site("a", "a", path), site("b", "b", loopback)
	mustStart(t, s, a, b)
	c := dial(t, path)
	mustAnswer(t, c, "a")
	mustStart(t, s, site("b", "b", loopback))
	if _, err := net.Dial("unix", path.Path); err == nil {
		t.Error("the address that was left accepts")
	}
	if !mustAnswer(t, c, "a") {
		t.Error("the connection was not announced to end")
	}
	c.Close()
	mustStart(t, s, site("b", "b", loopback))
	for s.Open() > 0 {
		// sleep: nothing tells that the loop has seen the end.
		time.Sleep(time.Millisecond)
	}
	mustStart(t, s, site("b", "b", loopback))
	if len(s.leaving) > 0 {
		t.Errorf("%d entrances are kept though all their connections have ended", len(s.leaving))
	}
}

func TestNothingChangesWhenOneOfTheAddressesCannotBeHad(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := loop.Addr{TCP: taken.Addr().(*net.TCPAddr).AddrPort()}
	s := start(t, 2)
	dir := t.TempDir()
	stays, goes, comes := loop.Addr{Path: dir + "/stays"}, loop.Addr{Path: dir + "/goes"}, loop.Addr{Path: dir + "/comes"}
	a, b := site("a", "a", stays), site("b", "b", goes)
	mustStart(t, s, a, b)
	c, d := dial(t, stays), dial(t, goes)
	err = s.Apply([]*Site{site("new", "new", stays, comes), site("bad", "bad", port)})
	if err == nil || !strings.Contains(err.Error(), `server "bad": listen on `+port.String()) {
		t.Errorf("error %v", err)
	}
	if last := mustAnswer(t, c, "a") || mustAnswer(t, d, "b"); last {
		t.Error("a connection ends")
	}
	mustAnswer(t, dial(t, goes), "b")
	if _, err := os.Stat(comes.Path); !os.IsNotExist(err) {
		t.Errorf("a new address is still open: %v", err)
	}
}

func TestAddressesThatOverlapFollowEachOther(t *testing.T) {
	s := start(t, 2)
	all := loop.Addr{TCP: netip.MustParseAddrPort("0.0.0.0:0")}
	wide := site("wide", "wide", all)
	mustStart(t, s, wide)
	one := loop.Addr{TCP: netip.AddrPortFrom(loopback.TCP.Addr(), wide.Listening()[0].TCP.Port())}
	mustStart(t, s, site("narrow", "narrow", one))
	mustAnswer(t, dial(t, one), "narrow")
	all.TCP = netip.AddrPortFrom(all.TCP.Addr(), one.TCP.Port())
	mustStart(t, s, site("wide", "wide", all))
	mustAnswer(t, dial(t, one), "wide")
}

func TestLoopsAndListenersOfASiteChange(t *testing.T) {
	s := start(t, 3)
	var at loop.Addr
	for i, c := range []struct {
		loops     int
		reusePort bool
		want      []int
	}{
		{1, false, []int{0}}, {0, false, nil}, {1, false, []int{0}}, {0, true, []int{0, 1, 2}}, {0, false, nil}, {1, false, []int{0}},
	} {
		on := &seen{loops: map[int]bool{}}
		a := &Site{Name: "a", Addrs: []loop.Addr{loopback}, Loops: c.loops, Listen: loop.ListenOptions{ReusePort: c.reusePort}, Wire: &http1.Server{Handler: on}}
		mustStart(t, s, a)
		if at = a.Listening()[0]; i > 0 && at != a.Listening()[0] {
			t.Errorf("step %d: the address has changed to %v", i, at)
		}
		askMany(t, at, 200)
		if got := on.all(); c.want != nil && !slices.Equal(got, c.want) {
			t.Errorf("step %d, %d loops, reuse_port %v: exchanges ran on loops %v, want %v", i, c.loops, c.reusePort, got, c.want)
		}
	}
}

func TestNobodyIsRefusedWhileConfigurationsFollowEachOther(t *testing.T) {
	s := start(t, 2)
	path := loop.Addr{Path: filepath.Join(t.TempDir(), "a.sock")}
	first := site("a", "a", loopback)
	mustStart(t, s, first)
	addr := first.Listening()[0]
	var clients sync.WaitGroup
	var configurations atomic.Int32
	for range 4 {
		kept := dial(t, addr)
		clients.Go(func() {
			for n := 0; n < 200 || configurations.Load() < 10; n++ {
				kept.ask()
				kept.answer(t)
				fresh, err := net.Dial("tcp", addr.TCP.String())
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := fmt.Fprintf(fresh, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
					t.Error(err)
				}
				if n, err := fresh.Read(make([]byte, 1)); n != 1 {
					t.Errorf("no answer: %v", err)
				}
				fresh.Close()
			}
		})
	}
	done := make(chan struct{})
	go func() { clients.Wait(); close(done) }()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		next := site("a", "a", loopback)
		next.Loops = i % 3
		if i%2 == 0 {
			next.Addrs = append(next.Addrs, path)
		}
		mustStart(t, s, next)
		configurations.Add(1)
	}
}

// requests are sent over one connection, whose protocol the client knows.
type requests struct {
	http.Client
	url string
}

func over(transport *http.Transport, url string) *requests {
	transport.MaxConnsPerHost = 1
	return &requests{http.Client{Transport: transport, Timeout: patience}, url}
}

func (r *requests) want(t *testing.T, want string) {
	t.Helper()
	resp, err := r.Get(r.url)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); string(text) != want {
		t.Errorf("%s answered %q, %v; want %q", r.url, text, err, want)
	}
}

func TestAddressTurnsToTLSAndBackWithoutAnEndForThoseWhoAreIn(t *testing.T) {
	s := start(t, 2)
	safe, config := secured(t, "h2", "http/1.1")
	answer := site("a", "", loopback)
	answer.Wire.Handler = safe.Wire.Handler
	mustStart(t, s, answer)
	addr := answer.Listening()[0].String()
	plain := over(&http.Transport{}, "http://"+addr)
	plain.want(t, "HTTP/1.1 http")
	mustStart(t, s, safe)
	two := over(&http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}, "https://"+addr)
	one := over(&http.Transport{TLSClientConfig: config.Clone(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}, "https://"+addr)
	two.want(t, "HTTP/2.0 https TLSv1.3 h2 a.test")
	one.want(t, "HTTP/1.1 https TLSv1.3  a.test")
	plain.want(t, "HTTP/1.1 http")
	mustStart(t, s, site("a", "in clear text", loopback))
	for _, r := range []*requests{plain, one, two, over(&http.Transport{}, "http://"+addr)} {
		r.want(t, "in clear text")
		r.CloseIdleConnections()
	}
}
