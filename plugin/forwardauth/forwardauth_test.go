package forwardauth

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin/plugintest"
)

// service runs an auth service and returns its URL.
func service(t *testing.T, answer http.HandlerFunc) string {
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

// ask sends a request with a plugin of these settings, and returns what became of
// it.
func ask(t *testing.T, settings string, fields ...string) (a plugintest.Answer) {
	t.Helper()
	p := plugintest.Make(t, build, settings).(*forwardAuth)
	defer p.Close()
	looptest.Run(t, func(l *loop.Loop) {
		a = plugintest.Answer{Exchange: &message.Exchange{Loop: l}}
		a.Reset()
		a.ClientIP = netip.MustParseAddr("192.0.2.7")
		r := &a.Request
		r.Method, r.Scheme, r.Host, r.Path, r.Query, r.HasQuery = "POST", "https", "shop.example.com", "/cart", "a=b", true
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			r.Header.Add(name, value)
		}
		a.Serve(t, p)
	})
	return a
}

// told is the fields of a request, sorted.
func told(r *http.Request) []string {
	var all []string
	for name, values := range r.Header {
		all = append(all, name+": "+strings.Join(values, " & "))
	}
	slices.Sort(all)
	return all
}

const forwarded = "X-Forwarded-For: 192.0.2.7 X-Forwarded-Host: shop.example.com X-Forwarded-Method: POST X-Forwarded-Proto: https X-Forwarded-Uri: /cart?a=b"

func TestServiceIsToldOfTheRequest(t *testing.T) {
	var seen string
	url := service(t, func(w http.ResponseWriter, r *http.Request) {
		seen = fmt.Sprint(r.Method, " ", r.Host, " ", r.URL.RequestURI(), " ", r.ContentLength, " ", strings.Join(told(r), " "))
	})
	host := strings.TrimPrefix(url, "http://")
	fields := []string{
		"Cookie: a=1", "X-Two: 1", "X-Two: 2", "Content-Length: 5", "Transfer-Encoding: chunked", "Upgrade: x", "TE: trailers",
		"X-Forwarded-For: 10.0.0.1", "X_Forwarded_Method: GET", "x-forwarded-uri: /public", "Host: other.example.com", "Accept-Encoding: br",
		// What services take for the address that is asked for, or for the client's.
		"X-Original-URL: https://shop.example.com/public", "x-original-method: GET", "X_Original_URI: /public", "X-Rewrite-URL: /public",
		"X-Forwarded-Port: 80", "X-Forwarded-Server: a", "X-Forwarded-User: root", "X-Real-IP: 10.0.0.1", "Forwarded: for=10.0.0.1",
		// What is about the content that the client wants, and not the service's.
		"If-None-Match: *", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "Range: bytes=0-0", "If-Range: x", "If-Match: x", "If-Unmodified-Since: x",
		"Proxy-Authorization: Basic x", "Proxy-Connection: close", "HTTP2-Settings: AAMAAABk", "Keep-Alive: 1", "Connection: close",
	}
	for settings, want := range map[string]string{
		"": "Accept-Encoding: br Cookie: a=1 " + forwarded + " X-Two: 1 & 2",
		"request_headers = [\"X-Original-URL\", \"X-Real-IP\"]": forwarded + " X-Original-Url: https://shop.example.com/public X-Real-Ip: 10.0.0.1",
		"request_headers = [\"cookie\", \"X-Forwarded-For\"]":   "Cookie: a=1 " + forwarded,
	} {
		a := ask(t, fmt.Sprintf("auth_url = \"%s/verify?x=y\"\n%s", url, settings), fields...)
		if want = "GET " + host + " /verify?x=y 0 " + want; !a.Passed || seen != want {
			t.Errorf("%s: the service sees\n%s, want\n%s", settings, seen, want)
		}
	}
}

// Behind a balancer that has taken TLS away, a service that is told of http would
// send everybody to https for ever.
func TestServiceIsToldHowTheClientCameToTheFirstProxy(t *testing.T) {
	for trusted, want := range map[bool]string{true: "https", false: "http"} {
		var seen string
		url := service(t, func(w http.ResponseWriter, r *http.Request) {
			seen = strings.Join(r.Header.Values("X-Forwarded-Proto"), " & ")
		})
		p := plugintest.Make(t, build, fmt.Sprintf("auth_url = %q", url)).(*forwardAuth)
		defer p.Close()
		looptest.Run(t, func(l *loop.Loop) {
			a := plugintest.Answer{Exchange: &message.Exchange{Loop: l}}
			a.Reset()
			a.PeerTrusted, a.Request.Scheme = trusted, "http"
			a.Request.Header.Add("X-Forwarded-Proto", "https")
			a.Serve(t, p)
		})
		if seen != want {
			t.Errorf("peer trusted %v: the service is told %q, want %q", trusted, seen, want)
		}
	}
}

func TestUpstreamIsToldWhatTheServiceSays(t *testing.T) {
	for reply, want := range map[string]string{"alice": "X-Role: a, X-Role: b, X-User: alice", "": "X-Role: a, X-Role: b"} {
		url := service(t, func(w http.ResponseWriter, r *http.Request) {
			if reply != "" {
				w.Header().Set("X-User", reply)
			}
			w.Header()["X-Role"] = []string{"a", "b"}
			w.Header().Set("X-Other", "not for the upstream")
			w.WriteHeader(204)
		})
		// What the client says of itself must not reach the upstream, also where
		// the service says nothing.
		a := ask(t, fmt.Sprintf("auth_url = %q\nadd_headers = [\"X-User\", \"X-Role\"]", url), "X-User: root", "x-user: admin", "X_User: root", "X-Role: c")
		var got []string
		for _, f := range a.Request.Header.Fields() {
			got = append(got, f.Name+": "+f.Value)
		}
		slices.Sort(got)
		if s := strings.Join(got, ", "); !a.Passed || s != want {
			t.Errorf("the upstream sees %s, want %s", s, want)
		}
	}
}

// A redirect leads the client to where it can log in. Pingap's client follows it
// instead, and gives the login page as the answer.
func TestClientGetsTheAnswerOfTheService(t *testing.T) {
	for _, status := range []int{302, 401, 403, 500} {
		url := service(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				t.Error("the redirect is followed")
			}
			h := w.Header()
			h.Set("Location", "/login")
			h["Set-Cookie"] = []string{"a=1", "b=2"}
			h.Set("Www-Authenticate", "Basic")
			h.Set("Connection", "X-Hop")
			h.Set("X-Hop", "of the connection to the service")
			h.Set("Proxy-Authenticate", "Basic")
			h["Date"] = nil
			w.WriteHeader(status)
			fmt.Fprint(w, "log in first")
		})
		a := ask(t, fmt.Sprintf("auth_url = %q", url))
		h := &a.Response.Header
		var cookies []string
		for _, f := range h.Fields() {
			if f.Name == "Set-Cookie" {
				cookies = append(cookies, f.Value)
			}
		}
		if a.Passed || a.Response.Status != status || a.Text != "log in first" || a.Response.Length != 12 || h.Get("Location") != "/login" ||
			!slices.Equal(cookies, []string{"a=1", "b=2"}) || h.Has("Content-Length") || h.Has("Transfer-Encoding") ||
			h.Has("Connection") || h.Has("X-Hop") || h.Has("Proxy-Authenticate") {
			t.Errorf("%d %q %v", a.Response.Status, a.Text, h.Fields())
		}
	}
}

func TestNobodyPassesWhenTheServiceDoesNotAnswer(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	hold := make(chan struct{})
	defer close(hold)
	for name, url := range map[string]string{
		"away": gone.URL,
		"slow": service(t, func(w http.ResponseWriter, r *http.Request) { <-hold }),
		"cut short": service(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(403)
			panic(http.ErrAbortHandler)
		}),
		"too many fields": service(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", maxHeader))
			w.WriteHeader(403)
		}),
		"too large": service(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(403)
			w.Write(make([]byte, maxContent+1))
		}),
	} {
		if a := ask(t, fmt.Sprintf("auth_url = %q\ntimeout = \"200ms\"", url)); a.Passed || a.Response.Status != 502 || a.Text != "Forward auth request failed" {
			t.Errorf("%s: %d %q", name, a.Response.Status, a.Text)
		}
	}
}

// The content of a yes is for nobody, whatever its size.
func TestLargeYesIsAYes(t *testing.T) {
	url := service(t, func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 2*maxContent)) })
	if a := ask(t, fmt.Sprintf("auth_url = %q", url)); !a.Passed {
		t.Errorf("%d %q", a.Response.Status, a.Text)
	}
}

// A service that says yes has said it, whether its content comes or not.
func TestYesNeedsNoContent(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	url := service(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-User", "alice")
		w.(http.Flusher).Flush()
		<-hold
	})
	began := time.Now()
	a := ask(t, fmt.Sprintf("auth_url = %q\nadd_headers = [\"X-User\"]\ntimeout = \"20s\"", url))
	if took := time.Since(began); !a.Passed || a.Request.Field("X-User") != "alice" || took > 10*time.Second {
		t.Errorf("%d %q after %v", a.Response.Status, a.Text, took)
	}
}

func TestConnectionsToTheServiceAreClosedWithThePlugin(t *testing.T) {
	closed := make(chan struct{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}
	s.Start()
	defer s.Close()
	ask(t, fmt.Sprintf("auth_url = %q", s.URL)) // which closes it
	<-closed
}

func TestConnectionsToTheServiceAreUsedAgain(t *testing.T) {
	var peers []string
	url := service(t, func(w http.ResponseWriter, r *http.Request) { peers = append(peers, r.RemoteAddr) })
	p := plugintest.Make(t, build, fmt.Sprintf("auth_url = %q", url)).(*forwardAuth)
	defer p.Close()
	looptest.Run(t, func(l *loop.Loop) {
		for range 3 {
			plugintest.Ask(t, l, p, "GET", "/")
		}
	})
	if len(slices.Compact(peers)) != 1 {
		t.Errorf("three requests came from %v", peers)
	}
}

func TestWrongSettingsAreReported(t *testing.T) {
	for settings, want := range map[string]string{
		``:                               "auth_url: is missing",
		`auth_url = "127.0.0.1:9091/a"`:  "auth_url: is no URL of http or https",
		`auth_url = "ftp://127.0.0.1/a"`: "auth_url: is no URL of http or https",
		`auth_url = "http:///a"`:         "auth_url: is no URL of http or https",
		"auth_url = \"http://a\"\ntimeout = \"0s\"":             "timeout: is not between 0 and 10m0s",
		"auth_url = \"http://a\"\nadd_headers = [\"X User\"]":   `add_headers: the header name "X User" is invalid`,
		"auth_url = \"http://a\"\nrequest_headers = \"Cookie\"": "request_headers: ",
	} {
		if got := plugintest.Problems(build, settings); !strings.Contains(got, want) {
			t.Errorf("%s\nis reported as %q, want %q", settings, got, want)
		}
	}
}
