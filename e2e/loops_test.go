package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// A request that an upstream brings back to the proxy takes two descriptors each
// time around. It comes to its end long before it has them all, and hurts nobody.
func TestARequestThatComesBackIsEnded(t *testing.T) {
	for name, keys := range map[string]string{
		"HTTP/1.1": "", "HTTP/2": `alpn = "h2"`,
	} {
		t.Run(name, func(t *testing.T) {
			p := startProxy(t, `
[servers.main]
addr = "<ADDR>"
enabled_h2 = true
locations = ["back", "other"]
[locations.back]
upstream = "self"
[locations.other]
path = "/ping"
plugins = ["pingap:ping"]
[upstreams.self]
addrs = ["<ADDR>"]
`+keys)
			wantLoop(t, p)
		})
	}
}

// The same by way of somebody who does not know of it.
func TestARequestThatComesBackThroughAnotherProxyIsEnded(t *testing.T) {
	var back http.Handler
	var passed atomic.Int64
	another := serve(t, func(w http.ResponseWriter, r *http.Request) {
		passed.Add(1)
		back.ServeHTTP(w, r)
	})
	p := startProxyTo(t, another)
	to := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: p.addr})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	to.Transport = transport
	back = to
	c := newClient(t)
	if got, err := status(c, http.MethodGet, p.url("/"), nil, 0); err != nil || got != http.StatusLoopDetected {
		t.Errorf("status %d (%v)", got, err)
	}
	if n := passed.Load(); n != 10 {
		t.Errorf("the request has come around %d times", n)
	}
}

// wantLoop sends requests that come back to the proxy, and looks whether all is as
// before.
func wantLoop(t *testing.T, p *proxy) {
	t.Helper()
	before := p.descriptors(t)
	together(t, clients, func(int) error {
		c := newClient(t)
		for range 10 {
			if got, err := status(c, http.MethodGet, p.url("/ping"), nil, 0); err != nil || got != http.StatusOK {
				return fmt.Errorf("/ping: status %d (%v)", got, err)
			}
			got, err := status(c, http.MethodPost, p.url("/"), strings.NewReader("content"), 7)
			if err != nil || got != http.StatusLoopDetected {
				return fmt.Errorf("status %d (%v)", got, err)
			}
		}
		return nil
	})
	const eachTakes = 2 * 11
	if n := p.descriptors(t); n > before+clients*(eachTakes+1) {
		t.Errorf("%d descriptors are in use, %d were", n, before)
	}
	eventually(t, "tell of it", func() error {
		if !strings.Contains(p.output.String(), "comes back to where it has been") {
			return fmt.Errorf("the log is\n%s", p.output)
		}
		return nil
	})
}

// What a proxy is asked about itself it answers, and nobody gets to see what it tells
// the upstream.
func TestMethodsThatAskProxies(t *testing.T) {
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			w.Header().Set("Saw-"+name, r.Header.Get(name))
		}
		io.WriteString(w, "reached")
	})
	p := startProxyTo(t, upstream)
	for _, c := range []struct {
		method, maxForwards string
		status              int
		content, saw        string
	}{
		{"OPTIONS", "", 200, "reached", ""},
		{"OPTIONS", "2", 200, "reached", "1"},
		{"OPTIONS", "0", 200, "", ""},
		{"OPTIONS", "x", 400, "", ""},
		{"GET", "0", 200, "reached", "0"},
		{"TRACE", "", 405, "", ""},
		{"TRACE", "0", 405, "", ""},
		{"TRACE", "2", 405, "", ""},
	} {
		req, err := http.NewRequest(c.method, p.url("/"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.maxForwards != "" {
			req.Header.Set("Max-Forwards", c.maxForwards)
		}
		resp, err := newClient(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.status || err != nil || c.status == 200 && string(content) != c.content || resp.Header.Get("Saw-Max-Forwards") != c.saw {
			t.Errorf("%s with %q: %s, %q, %v (%v)", c.method, c.maxForwards, resp.Status, content, resp.Header, err)
		}
		if own := c.content == ""; own && c.status != 400 && resp.Header.Get("Allow") == "" {
			t.Errorf("%s with %q: the answer has the fields %v", c.method, c.maxForwards, resp.Header)
		}
	}
}
