package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// flood sends the n-th frames of an attack on a connection.
type flood func(f *http2.Framer, request []byte, n int) error

// floods are the attacks on HTTP/2 that cost a server more than the attacker.
var floods = map[string]flood{
	"rapid reset": func(f *http2.Framer, request []byte, n int) error {
		id := uint32(2*n + 1)
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: request, EndHeaders: true, EndStream: true})
		return f.WriteRSTStream(id, http2.ErrCodeCancel)
	},
	"CONTINUATION": func(f *http2.Framer, request []byte, n int) error {
		if n == 0 {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: request})
		}
		return f.WriteContinuation(1, false, []byte{0, 1, 'a', 1, 'b'})
	},
	"SETTINGS": func(f *http2.Framer, _ []byte, n int) error {
		return f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(n % 1000)})
	},
	"PING": func(f *http2.Framer, _ []byte, n int) error { return f.WritePing(false, [8]byte{byte(n)}) },
	"empty frames": func(f *http2.Framer, request []byte, n int) error {
		if n == 0 {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: request, EndHeaders: true})
		}
		return f.WriteData(1, false, nil)
	},
	"PRIORITY": func(f *http2.Framer, _ []byte, n int) error {
		return f.WritePriority(uint32(2*n+1), http2.PriorityParam{StreamDep: uint32(2*n + 3), Weight: 1})
	},
	"windows": func(f *http2.Framer, _ []byte, n int) error { return f.WriteWindowUpdate(0, 1) },
	"streams beyond the limit": func(f *http2.Framer, request []byte, n int) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*n + 1), BlockFragment: request, EndHeaders: true})
	},
}

// attack floods the proxy over connection after connection until end is closed.
func attack(addr string, once flood, end chan struct{}) {
	var request bytes.Buffer
	encoder := hpack.NewEncoder(&request)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}} {
		encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	for {
		select {
		case <-end:
			return
		default:
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			continue
		}
		conn.SetDeadline(time.Now().Add(patience))
		io.WriteString(conn, http2.ClientPreface)
		framer := http2.NewFramer(conn, nil)
		framer.AllowIllegalWrites = true
		framer.WriteSettings()
		go io.Copy(io.Discard, conn)
		stop := make(chan struct{})
		go func() {
			select {
			case <-end:
			case <-stop:
			}
			conn.Close()
		}()
		for n := range 1 << 20 {
			if once(framer, request.Bytes(), n) != nil {
				break
			}
		}
		close(stop)
	}
}

// Whoever floods a connection loses it, and others are served meanwhile, in
// memory that stays bounded.
func TestFloodsHurtNobodyElse(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	p := startProxy(t, strings.Replace(proxyTo(upstream), "[locations.all]", "enabled_h2 = true\n[locations.all]", 1))
	one := newClient(t)
	two := &http.Client{Transport: &http.Transport{Protocols: new(http.Protocols)}, Timeout: patience}
	two.Transport.(*http.Transport).Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(two.CloseIdleConnections)
	length := max(soak(t)/3, 400*time.Millisecond)
	quiet := p99Of(t, p, length, one, two)
	for name, once := range floods {
		end := make(chan struct{})
		var attackers sync.WaitGroup
		for range 2 {
			attackers.Go(func() { attack(p.addr, once, end) })
		}
		during := p99Of(t, p, length, one, two)
		close(end)
		attackers.Wait()
		t.Logf("%s: p99 of others %v, undisturbed %v; memory %d MiB", name, during, quiet, p.memory(t)>>10)
	}
	if peak := p.peakMemory(t) >> 10; peak > 400 {
		t.Errorf("the process took %d MiB", peak)
	}
	p.stop(t)
}

// p99Of has clients ask for a time, and returns the latency that one in a
// hundred exceeds. Each request must succeed.
func p99Of(t *testing.T, p *proxy, length time.Duration, clients ...*http.Client) time.Duration {
	t.Helper()
	var mu sync.Mutex
	var times []time.Duration
	var asking sync.WaitGroup
	until := time.Now().Add(length)
	for _, c := range clients {
		for range 4 {
			asking.Go(func() {
				for time.Now().Before(until) {
					began := time.Now()
					if err := wantOK(c, p.url("/")); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					times = append(times, time.Since(began))
					mu.Unlock()
				}
			})
		}
	}
	asking.Wait()
	return quantile(times)
}

func wantOK(c *http.Client, url string) error {
	r, err := c.Get(url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "ok" {
		return fmt.Errorf("%s: %q, %v", r.Status, b, err)
	}
	return nil
}
