package redirect

import (
	"strings"
	"testing"

	"pingap/config"
	"pingap/message"
)

// from is where a request comes in.
type from struct {
	scheme, host, path, query string
	forwarded                 string // what a trusted proxy says
}

// sentTo returns where a plugin with these settings sends a request, "" if it
// passes it on.
func sentTo(t *testing.T, settings string, f from) (status int, location string) {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), nil)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	x := &message.Exchange{}
	x.Reset()
	x.Request.Scheme, x.Request.Host, x.Request.Path, x.Request.Query = f.scheme, f.host, f.path, f.query
	x.Request.HasQuery = f.query != ""
	if f.forwarded != "" {
		x.PeerTrusted = true
		x.Request.Header.Add("X-Forwarded-Proto", f.forwarded)
	}
	err := p.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 200
		return nil
	})).Serve(x)
	if err != nil {
		t.Error(err)
	}
	return x.Response.Status, x.Response.Header.Get("Location")
}

const (
	toHTTPS  = `http_to_https = true`
	toPrefix = `prefix = "/api"`
	toBoth   = toHTTPS + "\n" + toPrefix
)

func TestRedirects(t *testing.T) {
	for _, c := range []struct {
		lesson, settings string
		from             from
		want             string
	}{
		{"http goes to https", toHTTPS, from{"http", "a.example", "/x", "y=1", ""}, "https://a.example/x?y=1"},
		{"https stays", toHTTPS, from{"https", "a.example", "/x", "", ""}, ""},
		{"the port is that of http", toHTTPS, from{"http", "a.example:8080", "/", "", ""}, "https://a.example/"},
		{"an address of IPv6 keeps its brackets", toHTTPS, from{"http", "[::1]:8080", "/", "", ""}, "https://[::1]/"},
		{"a path that begins with two slashes is no host", toHTTPS, from{"http", "a.example", "//evil.example", "", ""}, "https://a.example//evil.example"},
		{"a trusted proxy that has taken TLS away does not make a loop", toHTTPS, from{"http", "a.example", "/", "", "https"}, ""},
		{"it says which of two", toHTTPS, from{"http", "a.example", "/", "", "HTTPS, http"}, ""},
		{"or that there was none", toHTTPS, from{"http", "a.example", "/", "", "http"}, "https://a.example/"},
		{"a prefix alone leaves https where Pingap goes back to http", toPrefix, from{"https", "a.example:8443", "/x", "", ""}, "https://a.example:8443/api/x"},
		{"and http", toPrefix, from{"http", "a.example:8080", "/x", "", ""}, "http://a.example:8080/api/x"},
		{"the prefix comes once (Pingap once went to /api/api)", toPrefix, from{"http", "a.example", "/api/x", "", ""}, ""},
		{"what is the prefix has it", toPrefix, from{"http", "a.example", "/api", "q", ""}, ""},
		{"what begins like it does not", toPrefix, from{"http", "a.example", "/apis", "", ""}, "http://a.example/api/apis"},
		{"both at once", toBoth, from{"http", "a.example", "/x", "", ""}, "https://a.example/api/x"},
		{"both, and the prefix is there", toBoth, from{"http", "a.example", "/api/x", "", ""}, "https://a.example/api/x"},
		{"a prefix may lack its slash and have one more", `prefix = "api/"`, from{"http", "a.example", "/x", "", ""}, "http://a.example/api/x"},
		{"a request of HTTP/1.0 may have no host", toPrefix, from{"http", "", "/x", "", ""}, "/api/x"},
		{"OPTIONS * is about no path", toBoth, from{"http", "a.example", "*", "", ""}, ""},
		{"no line ends within the field", toHTTPS, from{"http", "a.example", "/\r\nSet-Cookie: a", "", ""}, "https://a.example/%0D%0ASet-Cookie:%20a"},
	} {
		wantStatus := 307
		if c.want == "" {
			wantStatus = 200
		}
		if status, location := sentTo(t, c.settings, c.from); location != c.want || status != wantStatus {
			t.Errorf("%s: %d to %q, want %q", c.lesson, status, location, c.want)
		}
	}
}

func TestWithoutAHostNobodyIsSentToHTTPS(t *testing.T) {
	if status, location := sentTo(t, toHTTPS, from{"http", "", "/", "", ""}); status != 400 || location != "" {
		t.Errorf("%d to %q", status, location)
	}
}

func TestStatusesAreThoseThatAreWritten(t *testing.T) {
	for settings, want := range map[string]int{"status = 301": 301, "status = 302": 302, "status = 308": 308} {
		if status, _ := sentTo(t, toHTTPS+"\n"+settings, from{"http", "a", "/", "", ""}); status != want {
			t.Errorf("%s: %d", settings, status)
		}
	}
}

// Pingap sends https on to http unless told otherwise, and takes any other status
// for 307.
func TestWhatPingapPassedOverInSilenceIsExplained(t *testing.T) {
	for settings, want := range map[string]string{
		``:                                   "warning: has no effect; write http_to_https = true, or a prefix; Pingap sends https on to http",
		`prefix = "/"`:                       "warning: has no effect",
		"http_to_https = false\n" + toPrefix: "warning: leaves http and https as they are",
		toHTTPS + "\nstatus = 200":           "200 is no status of a redirect",
		`prefix = "/a b"`:                    "cannot begin a path",
		`prefix = "/a?b"`:                    "cannot begin a path",
		`prefix = "/a#b"`:                    "cannot begin a path",
		`http_to_https = "true"`:             "without quotes",
	} {
		_, problems := build(config.TableOf("test", settings), nil)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	p, _ := build(config.TableOf("test", toBoth), nil)
	h := p.Wrap(message.HandlerFunc(func(*message.Exchange) error { return nil }))
	x := &message.Exchange{}
	for _, scheme := range []string{"http", "https"} {
		once := func() {
			x.Reset()
			x.Request.Scheme, x.Request.Host, x.Request.Path = scheme, "a.example", "/api/x"
			h.Serve(x)
		}
		once()
		if n := testing.AllocsPerRun(100, once); n > 0 {
			t.Errorf("%s: %v allocations", scheme, n)
		}
	}
}
