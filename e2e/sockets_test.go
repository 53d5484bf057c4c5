package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnixSocketsServeOnBothSides(t *testing.T) {
	dir := t.TempDir()
	front, back := filepath.Join(dir, "front.sock"), filepath.Join(dir, "back.sock")
	ln, err := net.Listen("unix", back)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, ln, echo)
	config := strings.Replace(proxyTo("unix:"+back), `"<ADDR>"`, `"<ADDR>, unix:`+front+`"`, 1)
	p := startProxy(t, config)
	eventually(t, "connect to "+front, func() error {
		c, err := net.Dial("unix", front)
		if err == nil {
			c.Close()
		}
		return err
	})
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", front)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	c := &http.Client{Transport: transport, Timeout: patience}
	if err := wantEcho(c, "http://unix/", 1_000_000, false); err != nil {
		t.Error("by the socket:", err)
	}
	if err := wantEcho(newClient(t), p.url("/"), 1_000_000, true); err != nil {
		t.Error("by the port:", err)
	}
	p.stop(t)
	if _, err := os.Stat(front); err == nil {
		t.Error("the socket is still there after the end")
	}
}

func TestLoopsAndListenersDoNotMatter(t *testing.T) {
	upstream := serve(t, echo)
	for name, keys := range map[string]string{
		"one loop":                 "threads = 1",
		"four loops":               "",
		"four loops, two serve":    "threads = 2",
		"a listener for each loop": "reuse_port = true",
	} {
		t.Run(name, func(t *testing.T) {
			config := strings.Replace(proxyTo(upstream), "[servers.main]", "[servers.main]\n"+keys, 1)
			p := startProxy(t, config, "--threads", "4")
			c := newClient(t)
			together(t, 20, func(i int) error {
				for range 10 {
					if err := wantEcho(c, p.url("/"), int64(i)*10_000, i%2 == 0); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}

func TestPeersTakeTurnsByTheirWeights(t *testing.T) {
	name := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	}
	a, b := serve(t, name("a")), serve(t, name("b"))
	config := strings.Replace(proxyTo("PEERS"), `["PEERS"]`, fmt.Sprintf(`["%s 3", "%s"]`, a, b), 1)
	p := startProxy(t, config, "--threads", "1")
	c := newClient(t)
	count := map[string]int{}
	for range 40 {
		resp, err := c.Get(p.url("/"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		count[string(text)]++
	}
	if count["a"] != 30 || count["b"] != 10 {
		t.Errorf("peers of weight 3 and 1 had %v of 40 exchanges", count)
	}
}

func TestAClientCannotNameItself(t *testing.T) {
	// Once, the address in X-Forwarded-For was believed from anybody, and it
	// was the first, which the client writes.
	const sent = "203.0.113.9, 198.51.100.7"
	fields := make(chan http.Header, 1)
	upstream := serve(t, func(_ http.ResponseWriter, r *http.Request) { fields <- r.Header })
	config := strings.Replace(proxyTo(upstream), "[locations.all]", "[locations.all]\nenable_reverse_proxy_headers = true", 1)
	config = strings.Replace(config, "[servers.main]", "[servers.main]\naccess_log = \"<DIR>/log?rolling=never&flush_timeout=10ms {client_ip}\"", 1)
	for _, q := range []struct{ name, config, forwarded, client string }{
		{"from anybody", config, "127.0.0.1", "127.0.0.1"},
		{"from a trusted proxy", config + "\n[basic]\ntrusted_proxies = [\"127.0.0.0/8\"]\n", sent + ", 127.0.0.1", "198.51.100.7"},
	} {
		t.Run(q.name, func(t *testing.T) {
			p := startProxy(t, q.config)
			raw(t, p.addr, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: "+sent+"\r\nX-Real-IP: 203.0.113.9\r\nConnection: X-Real-IP, X-Forwarded-For\r\n\r\n")
			h := <-fields
			if got := h.Values("X-Real-IP"); len(got) != 1 || got[0] != "127.0.0.1" {
				t.Errorf("X-Real-IP: %q", got)
			}
			if got := h.Values("X-Forwarded-For"); len(got) != 1 || got[0] != q.forwarded {
				t.Errorf("X-Forwarded-For: %q, want %q", got, q.forwarded)
			}
			if line := logLines(t, filepath.Join(p.dir, "log"), 1)[0]; line != q.client+"\n" {
				t.Errorf("the log says %q, want %s", line, q.client)
			}
		})
	}
}
