package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// guarded has a plugin that answers everything before its upstream is asked.
const guarded = `
[servers.main]
addr = "<ADDR>"
locations = ["all"]

[locations.all]
upstream = "peer"
plugins = ["guard"]

[plugins.guard]
category = "mock"
status = 403
data = "no"

[upstreams.peer]
addrs = ["<UPSTREAM>"]
`

func TestAnUpgradeRequestDoesNotPassByThePlugins(t *testing.T) {
	// Once, any request with an Upgrade field skipped every plugin of its
	// location, those that guard it included.
	var reached atomic.Bool
	upstream := serve(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	p := startProxy(t, strings.ReplaceAll(guarded, "<UPSTREAM>", upstream))
	for _, fields := range []string{
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
		"Upgrade: x\r\nConnection: upgrade\r\n",
		"Upgrade: websocket\r\n",
		"Connection: upgrade\r\n",
		"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
		"upgrade:\r\nConnection: keep-alive, upgrade\r\n",
	} {
		resp := raw(t, p.addr, "GET / HTTP/1.1\r\nHost: a\r\n"+fields+"\r\n")
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%q: %s, want the plugin's 403", fields, resp.Status)
		}
	}
	if reached.Load() {
		t.Error("the upstream was reached")
	}
}

func TestRequestsThatCanBeReadInTwoWaysAreRefused(t *testing.T) {
	var reached atomic.Int64
	p := startProxyTo(t, listen(t, idleCloser(&reached)))
	for name, request := range map[string]string{
		"two lengths":             "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"a length and chunks":     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
		"a signed length":         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
		"an unknown coding":       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"chunked twice":           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
		"a blank before a colon":  "GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 0\r\n\r\n",
		"a folded line":           "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
		"a bare LF":               "GET / HTTP/1.1\nHost: a\n\n",
		"a bare CR":               "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
		"a NUL":                   "GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
		"no host":                 "GET / HTTP/1.1\r\n\r\n",
		"two hosts":               "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"a target with a blank":   "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
		"a version that is none":  "GET / HTTP/1.l\r\nHost: a\r\n\r\n",
		"a chunk size that wraps": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nabc",
	} {
		t.Run(name, func(t *testing.T) {
			// What follows would be a second request if the end of the first
			// were found where it is not.
			resp := raw(t, p.addr, request)
			if resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%s, want 400", resp.Status)
			}
			if !resp.Close {
				t.Error("the connection is kept")
			}
		})
	}
}

// smuggled is a request that is to reach a server without the proxy seeing it.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

// carriers hide it, 35 bytes long, in what ends ahead of it for one reader or another.
var carriers = map[string]string{
	"length, ends by chunks":       "Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
	"chunks, ends by length":       "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n" + smuggled + "\r\n0\r\n\r\n",
	"coding that is not known":     "Content-Length: 40\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled,
	"coding in another field":      "Content-Length: 40\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
	"coding behind a bare LF":      "Content-Length: 40\r\nX: x\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
	"coding behind a bare CR":      "Content-Length: 40\r\nX: x\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
	"coding with a vertical tab":   "Content-Length: 40\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + smuggled,
	"length that is folded":        "Content-Length:\r\n 35\r\n\r\n" + smuggled,
	"length of 0 and another":      "Content-Length: 0\r\nContent-Length: 35\r\n\r\n" + smuggled,
	"length that Connection names": "Connection: Content-Length\r\nContent-Length: 35\r\n\r\n" + smuggled,
	"coding that Connection names": "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n" + smuggled + "\r\n0\r\n\r\n",
	"content that is expected":     "Expect: 100-continue\r\nContent-Length: 35\r\n\r\n" + smuggled,
	"content of an upgrade":        "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 35\r\n\r\n" + smuggled,
	"upgrade to HTTP/2":            "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 35\r\n\r\n" + smuggled,
	"chunk of hexadecimal prefix":  "Transfer-Encoding: chunked\r\n\r\n0x23\r\n" + smuggled + "\r\n0\r\n\r\n",
	"chunk whose size wraps":       "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + smuggled,
	"chunk extension with LF":      "Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n28\r\n0\r\n\r\n" + smuggled,
	"chunk without its end":        "Transfer-Encoding: chunked\r\n\r\n1\r\nxyz0\r\n\r\n" + smuggled,
	"trailer with a length":        "Transfer-Encoding: chunked\r\n\r\n23\r\n" + smuggled + "\r\n0\r\nContent-Length: 0\r\n\r\n",
}

func TestSmuggledRequestsReachNoServer(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	n := startNginx(t, "access_log "+log+";")
	n.file(t, "next", content(10))
	p := startProxyTo(t, n.addr)
	for _, method := range []string{"GET", "POST", "HEAD", "OPTIONS", "PUT"} {
		for name, carrier := range carriers {
			conn, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(patience))
			io.WriteString(conn, method+" /carrier HTTP/1.1\r\nHost: a\r\n"+carrier+"GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			if text, err := io.ReadAll(conn); err != nil {
				t.Errorf("%s, %s: %v after %q", method, name, err, text)
			}
			conn.Close()
		}
	}
	n.signal(t, syscall.SIGQUIT)
	n.exitCode(t) // the log is complete then
	served := map[string]int{}
	for line := range strings.Lines(readFile(t, log)) {
		if f := strings.Fields(line); len(f) > 6 {
			served[f[6]]++
		}
	}
	if served["/carrier"] == 0 || served["/next"] == 0 || len(served) != 2 {
		t.Errorf("nginx served %v", served)
	}
}

func TestConnectReachesNoServer(t *testing.T) {
	var reached atomic.Int64
	p := startProxyTo(t, listen(t, idleCloser(&reached)))
	resp := raw(t, p.addr, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp.StatusCode != http.StatusNotImplemented || !resp.Close || reached.Load() != 0 {
		t.Errorf("%s, closed %v, upstream reached %d times", resp.Status, resp.Close, reached.Load())
	}
}

func TestHeadsThatAreTooLargeAreRefused(t *testing.T) {
	var reached atomic.Int64
	p := startProxyTo(t, listen(t, idleCloser(&reached)))
	resp := raw(t, p.addr, "GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge || reached.Load() != 0 {
		t.Errorf("%s, upstream reached %d times", resp.Status, reached.Load())
	}
}

// raw sends bytes as they are and reads one response. The proxy may answer,
// and close, before it has taken all of them.
func raw(t *testing.T, addr, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, request)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", request, err)
	}
	resp.Body.Close()
	return resp
}
