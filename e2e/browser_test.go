package e2e

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
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
	performance.getEntriesByType('resource').filter(e => e.nextHopProtocol == 'h2').length,
]`

// echoed sends a message on a WebSocket and waits for it.
const echoed = `new Promise((done, failed) => {
	const s = new WebSocket('wss://' + location.host + '/echo');
	s.onopen = () => s.send('hello from a browser');
	s.onmessage = m => done(m.data);
	s.onerror = () => failed('the socket has failed');
})`

func TestBrowserLoadsAPageOverHTTP2AndTalksOnAWebSocket(t *testing.T) {
	site := &website{t: t}
	p := startProxy(t, strings.Replace(proxyTo(serve(t, site.ServeHTTP)), "[locations.all]",
		fmt.Sprintf("enabled_h2 = true\nglobal_certificates = true\n[certificates.own]\ntls_cert = %q\nis_default = true\n[locations.all]", selfSigned(t, x509.NewCertPool())), 1))
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	ctx, end := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // root has none
		chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.UserDataDir(t.TempDir()),
	)...)
	defer end()
	ctx, closeTab := chromedp.NewContext(ctx, chromedp.WithErrorf(func(format string, args ...any) {
		// A browser newer than the library tells of more than that knows.
		if text := fmt.Sprintf(format, args...); !strings.Contains(text, "could not unmarshal event") {
			log.Println("chromedp:", text)
		}
	}))
	defer closeTab()
	var counts []int
	var message string
	err := chromedp.Run(ctx,
		chromedp.Navigate("https://"+p.addr+"/"), // returns when all is loaded
		chromedp.Evaluate(loaded, &counts),
		chromedp.Evaluate(echoed, &message, awaited),
	)
	if err != nil {
		t.Fatal(err)
	}
	if len(counts) != 2 || counts[0] != resources || counts[1] != resources || site.pictures.Load() != resources {
		t.Errorf("pictures shown and come by HTTP/2: %v, asked for at the upstream: %d; want %d", counts, site.pictures.Load(), resources)
	}
	if message != "hello from a browser" {
		t.Errorf("the WebSocket echoes %q", message)
	}
	if err := chromedp.Cancel(ctx); err != nil {
		t.Error(err)
	}
}

// awaited makes an evaluation wait for a promise.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
