package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pingap/config"
	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	_ "pingap/plugin/all"
)

// compile makes a graph of a configuration that must be right.
func compile(t testing.TB, text string) *Graph {
	t.Helper()
	c, problems := config.Parse("test.toml", []byte(text))
	problems = append(problems, Check(c)...)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	g, err := Compile(context.Background(), c, Environment{
		Version: "test", Logger: slog.New(slog.DiscardHandler), LogOutput: io.Discard, Loops: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(time.Second) })
	return g
}

// request makes an exchange as the wire would.
func request(l *loop.Loop, method, host, path string) *message.Exchange {
	x := &message.Exchange{Loop: l}
	x.Reset()
	x.Request.Method, x.Request.Host, x.Request.Path, x.Request.Scheme = method, host, path, "http"
	x.Request.Version = message.HTTP11
	x.Client = netip.MustParseAddrPort("192.0.2.7:1234")
	x.Local = netip.MustParseAddrPort("192.0.2.1:80")
	return x
}

// finish pulls the answer's content and ends the exchange, as the wire would.
func finish(x *message.Exchange) string {
	var content strings.Builder
	for {
		b, err := x.Response.Body.Next()
		if err != nil {
			break
		}
		content.Write(b)
	}
	x.Response.Body.Close()
	x.End()
	x.Reset()
	return content.String()
}

// echo is an upstream that says what it was asked.
func echo(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Method-Path", r.Method+" "+r.URL.RequestURI())
		w.Header().Set("X-Host", r.Host)
		for name, values := range r.Header {
			w.Header()["Saw-"+name] = values
		}
		io.Copy(w, r.Body)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestExchangePassesLocationAndUpstream(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["api"]
[locations.api]
host = "~^(?P<tenant>[a-z]+)\\.example\\.com$"
path = "/api/"
rewrite = "^/api/ /v1/$tenant/"
upstream = "u"
enable_reverse_proxy_headers = true
proxy_set_headers = ["X-Tenant: $tenant", "Host: internal.$tenant"]
proxy_add_headers = ["X-Many: 2"]
set_response_headers = ["X-Served-By: $hostname-$tenant"]
[upstreams.u]
addrs = ["`+echo(t)+`"]
`)
	looptest.Run(t, func(l *loop.Loop) {
		x := request(l, "GET", "acme.example.com:80", "/api/users")
		x.Request.Query, x.Request.HasQuery = "a=b", true
		x.Request.Header.Add("X-Many", "1")
		x.Request.Header.Add("X-Forwarded-For", "6.6.6.6")
		if err := g.Services["s"].Serve(x); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]string{
			"X-Method-Path":         "GET /v1/acme/users?a=b",
			"X-Host":                "internal.acme",
			"Saw-X-Tenant":          "acme",
			"Saw-X-Real-Ip":         "192.0.2.7",
			"Saw-X-Forwarded-For":   "192.0.2.7",
			"Saw-X-Forwarded-Proto": "http",
			"Saw-X-Forwarded-Host":  "acme.example.com",
			"Saw-X-Forwarded-Port":  "80",
		} {
			if got := x.Response.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got := x.Response.Header.Get("X-Served-By"); !strings.HasSuffix(got, "-acme") {
			t.Errorf("X-Served-By is %q", got)
		}
		finish(x)
		closeIdle(t, l, g)
	})
}

// closeIdle ends the connections that the pools keep, which the loop would
// otherwise call left behind.
func closeIdle(t *testing.T, l *loop.Loop, g *Graph) {
	for _, u := range g.upstreams.byName {
		u.value.Close()
	}
	l.Yield()
}

func TestErrorsBecomeAnswers(t *testing.T) {
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := refusing.Addr().String()
	refusing.Close()
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["dead", "small", "none", "chosen", "up", "docker"]
[locations.up]
path = "/up"
rewrite = "^/up(.*)$ /.$1"
upstream = "dead"
[locations.dead]
path = "/dead"
upstream = "dead"
[locations.small]
path = "/small"
client_max_body_size = "1kb"
plugins = ["ok"]
[locations.docker]
path = "/docker"
upstream = "docker"
[locations.none]
path = "/none"
plugins = ["pingap:ping"]
[locations.chosen]
path = "~^/to/(?P<name>.+)$"
upstream = "$name"
[plugins.ok]
category = "mock"
data = "ok"
[upstreams.dead]
addrs = ["`+dead+`"]
[upstreams.docker]
addrs = ["label=web:80"]
discovery = "docker"
`)
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct {
			path   string
			length int64
			status int
			word   string
		}{
			{"/nowhere", 0, 404, "no_location"},
			{"/dead", 0, 502, "connect_failed"},
			{"/small", 1001, 413, "body_too_large"},
			{"/small", 1000, 200, ""},
			{"/none", 0, 503, "no_upstream"},
			{"/to/nobody", 0, 503, "no_upstream"},
			{"/up./secret", 0, 400, "bad_path"},
			{"/none/../small", 0, 400, "ambiguous_path"},
			{"/nowhere/../elsewhere", 0, 404, "no_location"},
			{"/to/dead", 0, 502, "connect_failed"},
			{"/docker", 0, 503, "no_peer"},
		} {
			x := request(l, "POST", "h", c.path)
			x.Request.Length = c.length
			err := g.Services["s"].Serve(x)
			if x.Response.Status != c.status || x.Response.Header.Get("X-Pingap-EType") != c.word {
				t.Errorf("%s is answered with %d %q (%v), want %d %q", c.path, x.Response.Status, x.Response.Header.Get("X-Pingap-EType"), err, c.status, c.word)
			}
			if page := finish(x); c.status >= 400 && strings.Contains(page, dead) {
				t.Errorf("%s: the page tells the address of the upstream: %s", c.path, page)
			}
		}
		if n := g.Services["s"].Processing(); n != 0 {
			t.Errorf("%d exchanges are counted as in flight after all have ended", n)
		}
	})
}

// A refused request must not be taken off a count that it was never added to.
func TestRefusedRequestsLeaveTheCountOfProcessingRight(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["one"]
[locations.one]
path = "/"
client_max_body_size = 10
max_processing = 1
plugins = ["ok"]
[plugins.ok]
category = "mock"
`)
	looptest.Run(t, func(l *loop.Loop) {
		s := g.Services["s"]
		for range 3 {
			x := request(l, "POST", "h", "/")
			x.Request.Length = 11
			s.Serve(x)
			finish(x)
		}
		first, second := request(l, "GET", "h", "/"), request(l, "GET", "h", "/")
		s.Serve(first)
		s.Serve(second)
		if first.Response.Status != 200 || second.Response.Status != 429 {
			t.Errorf("with one in flight the next is answered with %d and %d, want 200 and 429", first.Response.Status, second.Response.Status)
		}
		finish(first)
		finish(second)
		third := request(l, "GET", "h", "/")
		s.Serve(third)
		if third.Response.Status != 200 {
			t.Errorf("after both have ended the next is answered with %d", third.Response.Status)
		}
		finish(third)
	})
}

// Whoever is refused may take long to read that, which must keep nobody out.
func TestRefusedRequestsTakeNobodysPlace(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["one"]
[locations.one]
max_processing = 1
plugins = ["ok"]
[plugins.ok]
category = "mock"
`)
	looptest.Run(t, func(l *loop.Loop) {
		var status []int
		var open []*message.Exchange
		ask := func() {
			x := request(l, "GET", "h", "/")
			g.Services["s"].Serve(x)
			status, open = append(status, x.Response.Status), append(open, x)
		}
		ask()
		ask() // refused, and its answer is not read
		finish(open[0])
		ask()
		if want := []int{200, 429, 200}; !slices.Equal(status, want) {
			t.Errorf("answers are %v, want %v", status, want)
		}
		finish(open[1])
		finish(open[2])
	})
}

func TestBodyOfUnknownLengthIsCutAtTheLimit(t *testing.T) {
	b := &limitedBody{body: &message.BytesBody{Data: make([]byte, 11)}, left: 10, limit: 10}
	if _, err := b.Next(); OutcomeOf(err).Status != 413 {
		t.Errorf("error %v", err)
	}
	if _, err := b.Next(); OutcomeOf(err).Status != 413 {
		t.Errorf("the second call returns %v", err)
	}
}

func TestEveryErrorHasAnOutcome(t *testing.T) {
	for failure := message.NoPeer; failure <= message.BodyCut; failure++ {
		o := OutcomeOf(&message.UpstreamError{Failure: failure})
		if o.Word == "" || o.Status < 500 {
			t.Errorf("%v becomes %+v", failure, o)
		}
	}
	if o := OutcomeOf(errors.New("whatever")); o.Status != 500 {
		t.Errorf("an unknown error becomes %+v", o)
	}
	if o := OutcomeOf(message.ErrClientGone); o.Status != 499 {
		t.Errorf("a client that has gone becomes %+v", o)
	}
}

func TestErrorTemplateIsEscaped(t *testing.T) {
	for template, want := range map[string]string{
		"{{error_type}}: {{content}} ({{version}})":    "429 Too Many Requests: Too Many Requests, max:1 (&lt;v&gt;)",
		"{{content}}{{content}} {{other}}":             "Too Many Requests, max:1Too Many Requests, max:1 {{other}}",
		"no slot":                                      "no slot",
		`{"error": "{{content}}", "v": "{{version}}"}`: `{"error": "Too Many Requests, max:1", "v": "\u003cv\u003e"}`,
	} {
		p := newErrorPages(template, "<v>", slog.New(slog.DiscardHandler))
		o := OutcomeOf(&TooManyError{Limit: 1})
		if got := string(p.appendPage(nil, &o)); got != want {
			t.Errorf("page is %q, want %q", got, want)
		}
	}
}

// Asking for an upgrade once skipped every plugin of a location elsewhere,
// those that protect it included.
func TestUpgradeRequestsPassEveryPlugin(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["guarded"]
[locations.guarded]
path = "/"
plugins = ["guard"]
upstream = "u"
[plugins.guard]
category = "mock"
status = 403
[upstreams.u]
addrs = ["`+echo(t)+`"]
`)
	looptest.Run(t, func(l *loop.Loop) {
		for _, upgrade := range []string{"websocket", "x", "h2c"} {
			x := request(l, "GET", "h", "/")
			x.Request.Upgrade = upgrade
			x.Request.Header.Add("Connection", "upgrade")
			x.Request.Header.Add("Upgrade", upgrade)
			g.Services["s"].Serve(x)
			if x.Response.Status != 403 {
				t.Errorf("Upgrade: %s is answered with %d", upgrade, x.Response.Status)
			}
			finish(x)
		}
	})
}

// Plugins that cannot be made must not be left out: a location would lose its
// protection.
func TestConfigurationWithABrokenPluginIsRefused(t *testing.T) {
	for _, plugin := range []string{
		"category = \"mock\"\nstatus = \"x\"", "category = \"mok\"", "category = \"mock\"\nstep = \"response\"", "category = \"mock\"\nstattus = 200",
	} {
		c, problems := config.Parse("test.toml", []byte("[servers.s]\naddr=\":1\"\nlocations=[\"l\"]\n[locations.l]\nplugins=[\"p\"]\n[plugins.p]\n"+plugin))
		if problems = append(problems, Check(c)...); len(problems.Errors()) == 0 {
			t.Errorf("accepted:\n%s", plugin)
		}
	}
}

func TestPluginWithAWarningIsNotLeftOut(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["l"]
[locations.l]
plugins = ["closed"]
[plugins.closed]
category = "mock"
status = 403
headers = ["Connection: close"]
`)
	looptest.Run(t, func(l *loop.Loop) {
		x := request(l, "GET", "example.com", "/")
		if err := g.Services["s"].Serve(x); err != nil || x.Response.Status != 403 {
			t.Errorf("got %d, %v", x.Response.Status, err)
		}
		finish(x)
	})
}
