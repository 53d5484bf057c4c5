package e2e

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	stdlog "log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// resources is how many things the page consists of.
const resources = 200

// website is what a browser sees: a page of many small pictures, and a WebSocket.
type website struct {
	t        *testing.T
	pictures atomic.Int32 // asked for
}

func (w *website) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/":
		out.Header().Set("Content-Type", "text/html")
		io.WriteString(out, "<!doctype html><title>page</title>")
		for i := range resources {
			fmt.Fprintf(out, "<img src='/picture/%d.svg'>", i)
		}
	case r.URL.Path == "/echo":
		echoSocket(w.t)(out, r)
	case strings.HasPrefix(r.URL.Path, "/picture/"):
		w.pictures.Add(1)
		out.Header().Set("Content-Type", "image/svg+xml")
		io.WriteString(out, "<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>")
	default:
		http.NotFound(out, r)
	}
}

// loaded counts the pictures that the page shows, and those that came by HTTP/2.
const loaded = `[
	[...document.images].filter(i => i.complete && i.naturalWidth == 1).length,
	performance.getEntriesByType('resource').filter(e => e.name.includes('/picture/') && e.nextHopProtocol == 'h2').length,
]`

// echoed sends a text and then messages of many sizes on a WebSocket, each when
// the one before has come back.
const echoed = `new Promise((done, failed) => {
	const sizes = [1, 125, 126, 65535, 65536, 1 << 20, 16 << 20];
	const message = n => {
		const m = new Uint8Array(n);
		for (let i = 0; i < n; i++) m[i] = i * 7 + (i >> 8);
		return m;
	};
	const differ = (a, b) => {
		if (a.length != b.length) return true;
		for (let i = 0; i < a.length; i++) if (a[i] != b[i]) return true;
		return false;
	};
	const s = new WebSocket('wss://' + location.host + '/echo');
	s.binaryType = 'arraybuffer';
	let text, sent;
	const next = () => {
		if (sizes.length == 0) {
			return s.close(1000, text);
		}
		s.send(sent = message(sizes.shift()));
	};
	s.onopen = () => s.send('hello from a browser');
	s.onmessage = m => {
		if (typeof m.data == 'string') {
			text = m.data;
			return next();
		}
		const got = new Uint8Array(m.data);
		if (differ(got, sent)) {
			return failed('a message of ' + sent.length + ' bytes came back changed');
		}
		next();
	};
	s.onclose = e => done(e.wasClean ? text : 'closed with ' + e.code);
})`

// sockets opens many WebSockets at once, and counts those that echo.
const sockets = `Promise.all(Array.from({length: 100}, (_, i) => new Promise(done => {
	const s = new WebSocket('wss://' + location.host + '/echo');
	s.onopen = () => s.send('socket ' + i);
	s.onmessage = m => { done(m.data == 'socket ' + i); s.close(); };
	s.onclose = () => done(false);
}))).then(echoes => echoes.filter(e => e).length)`

// browse lets a browser do something, and ends it.
func browse(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	ctx, end := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // root has none
		chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(10*patience), // for its start, which is 20 s if it is not told
	)...)
	defer end()
	ctx, closeTab := chromedp.NewContext(ctx, chromedp.WithErrorf(func(format string, args ...any) {
		// A browser newer than the library tells of more than that knows.
		if text := fmt.Sprintf(format, args...); !strings.Contains(text, "could not unmarshal event") {
			stdlog.Println("chromedp:", text)
		}
	}))
	defer closeTab()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Cancel(ctx); err != nil {
		t.Error(err)
	}
}

func TestBrowserLoadsAPageOverHTTP2AndTalksOnAWebSocket(t *testing.T) {
	site := &website{t: t}
	config := withTLS(proxyTo(serve(t, site.ServeHTTP)), selfSigned(t, x509.NewCertPool()))
	p := startProxy(t, strings.Replace(config, "enabled_h2", "access_log = \"<DIR>/access.log?rolling=never {path} {proto} {status}\"\nenabled_h2", 1))
	var counts []int
	var message string
	var echoes int
	browse(t,
		chromedp.Navigate("https://"+p.addr+"/"), // returns when all is loaded
		chromedp.Evaluate(loaded, &counts),
		chromedp.Evaluate(echoed, &message, awaited),
		chromedp.Evaluate(sockets, &echoes, awaited),
	)
	if len(counts) != 2 || counts[0] != resources || counts[1] != resources || site.pictures.Load() != resources {
		t.Errorf("pictures shown and come by HTTP/2: %v, asked for at the upstream: %d; want %d", counts, site.pictures.Load(), resources)
	}
	if message != "hello from a browser" {
		t.Errorf("the WebSocket echoes %q", message)
	}
	if echoes != 100 {
		t.Errorf("%d of 100 WebSockets at once echo", echoes)
	}
	p.stop(t)
	log, err := os.ReadFile(filepath.Join(p.dir, "access.log"))
	if n := strings.Count(string(log), "/echo HTTP/2.0 200\n"); n != 101 || err != nil {
		t.Errorf("%d of 101 WebSockets came over HTTP/2, %v", n, err)
	}
}

// awaited makes an evaluation wait for a promise.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// webCalls is what a page of another origin does with gRPC-Web: it calls a method
// and returns how many messages came and the trailers, for each content type.
const webCalls = `Promise.all(['application/grpc-web+proto', 'application/grpc-web-text'].map(async type => {
	const text = type.includes('text');
	const call = async (method, message) => {
		const bytes = [0, 0, 0, 0, message.length, ...message];
		const answer = await fetch(%[1]q + '/grpc.testing.TestService/' + method, {
			method: 'POST',
			headers: {'Content-Type': type, 'X-Grpc-Web': '1'},
			body: text ? btoa(String.fromCharCode(...bytes)) : new Uint8Array(bytes),
		});
		let content = new Uint8Array(await answer.arrayBuffer());
		if (text) {
			const groups = new TextDecoder().decode(content).match(/.{4}/g) || [];
			content = new Uint8Array(groups.flatMap(g => Array.from(atob(g), c => c.charCodeAt(0))));
		}
		let messages = 0;
		while (content.length >= 5) {
			const size = new DataView(content.buffer, content.byteOffset).getUint32(1);
			const frame = content.subarray(5, 5 + size);
			if (content[0] & 0x80) {
				return messages + ' ' + new TextDecoder().decode(frame).split('\r\n').filter(l => l.startsWith('grpc-status')).join();
			}
			messages++;
			content = content.subarray(5 + size);
		}
		return messages + ' and no trailers';
	};
	return [
		await call('EmptyCall', []),
		await call('StreamingOutputCall', [0x12, 2, 8, 9, 0x12, 2, 8, 9]),
		await call('UnaryCall', [0x3a, 2, 8, 5]),
		await call('Nothing', []),
	];
})).then(all => all.flat())`

func TestBrowserCallsAServiceOfAnotherOrigin(t *testing.T) {
	page := startProxyTo(t, serve(t, (&website{t: t}).ServeHTTP))
	// The fields that a page of another origin needs are the configuration's.
	config := strings.NewReplacer(
		"locations = [", "locations = [\"preflight\", ",
		"grpc_web = true", "grpc_web = true\nset_response_headers = [\"Access-Control-Allow-Origin: *\"]",
	).Replace(grpcProxy(startInterop(t, ""), ""))
	service := startProxy(t, config+`
[locations.preflight]
match_headers = ["Access-Control-Request-Method"]
weight = 4096
plugins = ["preflight"]

[plugins.preflight]
category = "mock"
status = 204
headers = ["Access-Control-Allow-Origin: *", "Access-Control-Allow-Headers: content-type, x-grpc-web"]
`)
	var got []string
	browse(t,
		chromedp.Navigate(page.url("/")),
		chromedp.Evaluate(fmt.Sprintf(webCalls, service.url("")), &got, awaited),
	)
	want := []string{"1 grpc-status:0", "2 grpc-status:0", "0 grpc-status:5", "0 grpc-status:12"}
	if want = append(want, want...); !slices.Equal(got, want) {
		t.Errorf("the page gets %q, want %q", got, want)
	}
}
