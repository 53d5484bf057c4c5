package proxy

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// The upstream gets what the location says, and the log tells what the client
// has sent.
func TestLogTellsWhatTheClientSent(t *testing.T) {
	c, problems := config.Parse("test.toml", []byte(`
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
access_log = "{host} {>Host} {>X-Own} {>X-Added} {user_agent}"
[locations.l]
upstream = "u"
proxy_set_headers = ["Host: internal", "X-Own: changed", "User-Agent: proxy"]
proxy_add_headers = ["X-Added: more"]
[upstreams.u]
addrs = ["`+echo(t)+`"]
`))
	if problems = append(problems, Check(c)...); len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	var log bytes.Buffer
	g, err := Compile(context.Background(), c, Environment{Logger: slog.New(slog.DiscardHandler), LogOutput: &log, Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	looptest.Run(t, func(l *loop.Loop) {
		x := request(l, "GET", "example.com:80", "/")
		x.Request.Header.Add("X-Own", "mine")
		x.Request.Header.Add("User-Agent", "curl")
		if err := g.Services["s"].Serve(x); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]string{"X-Host": "internal", "Saw-X-Own": "changed", "Saw-X-Added": "more", "Saw-User-Agent": "proxy"} {
			if got := x.Response.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		finish(x)
		closeIdle(t, l, g)
		g.CloseLogs(l)
	})
	g.Close(time.Minute)
	if got, want := log.String(), "example.com example.com:80 mine - curl\n"; got != want {
		t.Errorf("logged is %q, want %q", got, want)
	}
}

func TestFieldsMayTellOfTheConnectionToTheUpstream(t *testing.T) {
	addr := echo(t)
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["named", "chosen"]
[locations.named]
path = "/named"
upstream = "u"
proxy_set_headers = ["Host: $upstream_addr", "X-Peer: at $upstream_addr", "X-Own: 1"]
proxy_add_headers = ["X-Facts: a", "X-Facts: :upstream_reused", "X-Other: 1", "X-Facts: $upstream_addr", "X-Facts: z"]
[locations.chosen]
path = "~^/(?<name>u)$"
upstream = "$name"
proxy_set_headers = ["Host: $upstream_addr"]
[upstreams.u]
addrs = ["`+addr+`"]
`)
	looptest.Run(t, func(l *loop.Loop) {
		for i, path := range []string{"/named", "/named", "/u"} {
			x := request(l, "GET", "example.com", path)
			x.Request.Header.Add("X-Facts", "own")
			if err := g.Services["s"].Serve(x); err != nil {
				t.Error(err)
			}
			if got := x.Response.Header.Get("X-Host"); got != addr {
				t.Errorf("%s: the host is %q, want %s", path, got, addr)
			}
			var facts []string
			for _, f := range x.Response.Header.Fields() {
				if f.Name == "Saw-X-Facts" {
					facts = append(facts, f.Value)
				}
			}
			want := fmt.Sprint("own a ", i == 1, " ", addr, " z")
			if got := strings.Join(facts, " "); path == "/named" && got != want {
				t.Errorf("facts are %q, want %q", got, want)
			}
			if got := x.Response.Header.Get("Saw-X-Peer"); path == "/named" && got != "at "+addr {
				t.Errorf("peer is %q", got)
			}
			if x.Request.Host != "example.com" {
				t.Errorf("the client's request is for %q by now", x.Request.Host)
			}
			finish(x)
		}
		closeIdle(t, l, g)
	})
}

// nginx leaves a field out whose value is empty.
func TestAFieldWithoutValueIsLeftOut(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
[locations.l]
upstream = "u"
proxy_set_headers = ["X-Gone:", "X-Unset: $http_x_absent", "X-There: $http_x_own"]
proxy_add_headers = ["X-Facts: $upstream_addr", "X-Facts: $http_x_absent", "X-More: $http_x_absent"]
[upstreams.u]
addrs = ["`+echo(t)+`"]
`)
	looptest.Run(t, func(l *loop.Loop) {
		x := request(l, "GET", "example.com", "/")
		for _, name := range []string{"X-Gone", "X-Unset", "X-There", "X-Own", "X-More", "X-Facts"} {
			x.Request.Header.Add(name, "own")
		}
		if err := g.Services["s"].Serve(x); err != nil {
			t.Error(err)
		}
		seen := make(map[string][]string)
		for _, f := range x.Response.Header.Fields() {
			if name, ok := strings.CutPrefix(f.Name, "Saw-"); ok {
				seen[name] = append(seen[name], f.Value)
			}
		}
		peer := x.Upstream.Addr
		for name, want := range map[string][]string{"X-Gone": nil, "X-Unset": nil, "X-There": {"own"}, "X-Own": {"own"}, "X-More": {"own"}, "X-Facts": {"own", peer}} {
			if !slices.Equal(seen[name], want) {
				t.Errorf("%s is %q, want %q", name, seen[name], want)
			}
		}
		finish(x)
		closeIdle(t, l, g)
	})
}

func TestChangingFieldsDoesNotAllocate(t *testing.T) {
	var set []headerField
	for i := range fewFields {
		v, err := compileValue(strings.Repeat("$http_user_agent ", 3), nil)
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, headerField{fmt.Sprint("X-", i), v})
	}
	changes := newRequestChanges(set, nil)
	h := changeRequest{&changes, message.HandlerFunc(func(x *message.Exchange) error { return nil })}
	x := exampleExchange()
	change := func() {
		x.Reset()
		x.Request.Header.Add("User-Agent", "an agent whose name is as long as those of browsers, which is more than a hundred bytes, and more than that")
		if err := h.Serve(x); err != nil || x.Request.Header.Len() != 1 {
			t.Errorf("%d fields, %v", x.Request.Header.Len(), err)
		}
	}
	for range 5 { // until the exchange has memory enough
		change()
	}
	if n := testing.AllocsPerRun(10, change); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFieldThatPosesAsOneOfTheLocationDoesNotReachTheUpstream(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
[locations.l]
upstream = "u"
enable_reverse_proxy_headers = true
proxy_set_headers = ["X-Own: set", "x_low: set too"]
[upstreams.u]
addrs = ["`+echo(t)+`"]
`)
	looptest.Run(t, func(l *loop.Loop) {
		x := request(l, "GET", "example.com:80", "/")
		for _, name := range []string{"X_Forwarded_For", "x_real-ip", "X_OWN", "X-Low", "X_LOW", "X_Other"} {
			x.Request.Header.Add(name, "mine")
		}
		if err := g.Services["s"].Serve(x); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]string{
			"Saw-X_forwarded_for": "", "Saw-X_real-Ip": "", "Saw-X_own": "", "Saw-X-Own": "set", "Saw-X_low": "set too", "Saw-X_other": "mine",
		} {
			if got := x.Response.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got := x.Request.Header.Get("X_OWN"); got != "mine" {
			t.Errorf("the client's field has become %q for whoever comes after the upstream", got)
		}
		finish(x)
		closeIdle(t, l, g)
	})
}

// A browser that may not see why something failed, for want of
// Access-Control-Allow-Origin, tells its user of nothing but a network error.
func TestErrorPagesHaveTheFieldsOfTheirLocation(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
[locations.l]
path = "~^/(?<tenant>[a-z]+)/"
client_max_body_size = "1kb"
max_processing = 1
upstream = "u"
set_response_headers = [
    "Strict-Transport-Security: max-age=31536000", "X-Tenant: $tenant", "X-Pingap-EType: hidden",
    "Cache-Control: public, max-age=600", "content-type: application/json", "ETag: \"1\"",
]
add_response_headers = ["Vary: Origin", "Content-Security-Policy: default-src 'none'", "Content-Encoding: br"]
[upstreams.u]
addrs = ["127.0.0.1:1"] # a port that nobody listens on
`)
	looptest.Run(t, func(l *loop.Loop) {
		fails := func(length int64, want int) *message.Exchange {
			x := request(l, "POST", "h", "/acme/")
			x.Request.Length = length
			if err := g.Services["s"].Serve(x); err == nil || x.Response.Status != want {
				t.Errorf("answer is %d (%v), want %d", x.Response.Status, err, want)
			}
			for name, want := range map[string]string{
				"Strict-Transport-Security": "max-age=31536000", "X-Tenant": "acme", "X-Pingap-EType": "hidden",
				"Vary": "Origin", "Content-Security-Policy": "default-src 'none'",
				"Cache-Control": "private, no-store", "Content-Type": "text/html; charset=utf-8", "ETag": "", "Content-Encoding": "",
			} {
				if got := x.Response.Header.Get(name); got != want {
					t.Errorf("%d: %s is %q, want %q", x.Response.Status, name, got, want)
				}
			}
			return x
		}
		held := fails(0, 502) // and not ended yet
		finish(fails(0, 429))
		finish(held)
		finish(fails(1001, 413))

		x := request(l, "GET", "h", "/")
		if err := g.Services["s"].Serve(x); err != ErrNoLocation || x.Response.Header.Has("Strict-Transport-Security") {
			t.Errorf("without a location: %v, %v", err, x.Response.Header.Fields())
		}
		finish(x)
	})
}
