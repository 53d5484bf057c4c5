package route

import (
	"strings"
	"testing"
)

func TestRewriteReplacesWhatTheExpressionMatches(t *testing.T) {
	for _, c := range []struct{ rewrite, target, want string }{
		// Groups.
		{`^/api/(.*)$ /$1`, "/api/users", "/users"},
		{`^/api/(.*)$ /v2/${1}x`, "/api/users", "/v2/usersx"},
		{`^/(\w+)/(\w+)$ /$2/$1`, "/a/b", "/b/a"},
		{`^/(\w+)/(\w+)$ /$1x/$2_y`, "/a/b", "/ax/b_y"},
		{`^/(?P<first>\w+)/(?<second>\w+) /$second/${first}`, "/a/b/c", "/b/a/c"},
		{`^/a(b)?c$ /[$1]`, "/ac", "/[]"},
		{`^.*$ /all$0`, "/a/b", "/all/a/b"},
		{`^/price /$$5`, "/price", "/$5"},
		// What is not matched stays.
		{`^/api/ /`, "/api/users/1", "/users/1"},
		{`/b/ /x/`, "/a/b/b/c", "/a/x/b/c"},
		{`^/api /v2`, "/other", "/other"},
		{`^/api /v2`, "//other/../api", "/v2"},
		// Captures of the location.
		{`/interface/$tenant`, "/a/b", "/interface/acme"},
		{`$tenant`, "/a/b", "/acme"},
		{`/$tenant/$empty/x`, "/a", "/acme//x"},
		{`/tenant/$tenant`, "/a", "/tenant/acme"}, // the name itself is no variable
		{`^/t/(.*) /$tenant/tenant/$1`, "/t/x", "/acme/tenant/x"},
		{`^/(?<tenant>\w+)/(.*) /$tenant/$2`, "/own/x", "/own/x"},
		// A slash in front.
		{`^/api(.*)$ $1`, "/api", "/"},
		{`^/api/(.*)$ $1`, "/api/x", "/x"},
		// Encodings and the normal form.
		{`^/api/(.*)$ /$1`, "/%61pi//a%2fb%20c", "/a%2Fb%20c"},
		{`^/a%20b/ /x/`, "/a%20b/c", "/x/c"},
		{`^/menu /café%20bar`, "/menu", "/caf%C3%A9%20bar"},
		{`^/api/(.*)$ /$1`, "/other//%61", "/other//%61"}, // left as it was sent
		// The query stays, or is joined.
		{`^/api/ /`, "/api/x?a=1&b", "/x?a=1&b"},
		{`^/api/ /`, "/api/x?", "/x?"},
		{`^/s/(.*)$ /find?q=$1`, "/s/cats", "/find?q=cats"},
		{`^/s/(.*)$ /find?q=$1`, "/s/cats?page=2", "/find?q=cats&page=2"},
		{`^/s/(.*)$ /find?q=$1`, "/s/cats?", "/find?q=cats"},
		{`^/s/(.*)$ /find?q=$1?`, "/s/cats?page=2", "/find?q=cats"},
		{`^/s/(.*)$ /find?`, "/s/cats?page=2", "/find"},
		{`^/s /find?x=1`, "/s/cats?page=2", "/find/cats?x=1&page=2"},
		{`/t?name=$tenant`, "/x?a", "/t?name=acme&a"},
		// A value in the query is one value.
		{`^/s/(.*)$ /find?q=$1&safe=1`, "/s/a&safe=0;b+c?p", "/find?q=a%26safe=0%3Bb%2Bc&safe=1&p"},
		// What is no path.
		{`^/api /v2`, "*", "*"},
		{`/t/$tenant`, "*", "*"},
	} {
		r, err := NewRewrite(c.rewrite, []string{"tenant", "empty"})
		if err != nil {
			t.Error(err)
			continue
		}
		x := get("h", c.target)
		x.SetCapture("tenant", "acme")
		if err := r.Apply(x); err != nil {
			t.Errorf("%q of %q: %v", c.rewrite, c.target, err)
		}
		got := x.Request.Path
		if x.Request.HasQuery {
			got += "?" + x.Request.Query
		} else if x.Request.Query != "" {
			t.Errorf("%q of %q: query %q without a mark", c.rewrite, c.target, x.Request.Query)
		}
		if got != c.want {
			t.Errorf("%q of %q: %q, want %q", c.rewrite, c.target, got, c.want)
		}
	}
}

func TestRewriteIsReportedWhenItsResultIsNoPath(t *testing.T) {
	for _, c := range []struct {
		rewrite, target, capture string
		want                     error
	}{
		{`/$tenant`, "/a?q", "a b", errNotPath},
		{`/$tenant`, "/a?q", "a?b", errNotPath},
		{`/$tenant`, "/a?q", "a#b", errNotPath},
		{`/$tenant`, "/a?q", "a\r\nX: y", errNotPath},
		{`/$tenant`, "/a?q", "%4", errNotPath},
		{`/a?b=$tenant`, "/a?q", "%4", errNotPath},
		{`/a?b=$tenant`, "/a?q", "\xff", errNotPath},
		// A client that has a say in a capture cannot climb out of a directory.
		{`/tenants/$tenant/x`, "/a?q", "..", errDotSegments},
		{`/tenants/$tenant/x`, "/a?q", "%2e%2E", errDotSegments},
		{`/tenants/$tenant`, "/a?q", ".", errDotSegments},
		{`^/x/(..) /tenants/$1/`, "/x/..a?q", "", errDotSegments},
	} {
		r, err := NewRewrite(c.rewrite, []string{"tenant"})
		if err != nil {
			t.Fatal(err)
		}
		x := get("h", c.target)
		x.SetCapture("tenant", c.capture)
		if err := r.Apply(x); err != c.want {
			t.Errorf("%q with %q: error %v, want %v", c.rewrite, c.capture, err, c.want)
		}
		if got := x.Request.Path + "?" + x.Request.Query; got != c.target {
			t.Errorf("%q with %q: request changed to %q", c.rewrite, c.capture, got)
		}
	}
}

// A capture of the host once lost its value in the rewrite, and left its "$".
func TestRewriteUsesWhatHostAndPathCaptured(t *testing.T) {
	hosts, path := []string{`~^(?<tenant>[^.]+)\.example\.com$`}, `~^/(?<version>v\d+)/(?<rest>.*)$`
	choose := table(t, Spec[string]{Hosts: hosts, Path: path})
	r, err := NewRewrite(`/interface/$tenant/${version}/$rest`, Captures(hosts, path))
	if err != nil {
		t.Fatal(err)
	}
	x := get("Acme.example.com:80", "/v2/version/tenant?x=$tenant")
	choose.Match(x)
	if err := r.Apply(x); err != nil || x.Request.Path != "/interface/acme/v2/version/tenant" || x.Request.Query != "x=$tenant" {
		t.Errorf("%q?%q, %v", x.Request.Path, x.Request.Query, err)
	}
}

func TestNamedGroupsOfRewriteBecomeCaptures(t *testing.T) {
	r, err := NewRewrite(`^/(?<team>\w+)/(?<part>x)?(\w*) /$3`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Captures(), " "); got != "team part" {
		t.Errorf("captures %s", got)
	}
	x := get("h", "/blue/y")
	x.SetCapture("team", "before")
	if err := r.Apply(x); err != nil {
		t.Fatal(err)
	}
	team, _ := x.Capture("team")
	part, ok := x.Capture("part")
	if team != "blue" || part != "" || !ok {
		t.Errorf("team %q, part %q (%v)", team, part, ok)
	}
	x = get("h", "/")
	if err := r.Apply(x); err != nil {
		t.Fatal(err)
	}
	if _, ok := x.Capture("team"); ok {
		t.Error("an expression that does not match has captured")
	}
}

func TestRewriteThatCannotWorkIsAnError(t *testing.T) {
	for value, want := range map[string]string{
		"":                             "empty",
		"  ":                           "empty",
		"/x":                           "no variable",
		"^/a b$ /c":                    `write "<regexp> <replacement>" without flags, with \s or \x20 for a blank`,
		"^/a /b last":                  "3 parts",
		"^/( /x":                       "missing closing )",
		"^/(a) /$2":                    "no group $2",
		"^/(a) /$10":                   "write ${1}0",
		"^/(a) /$99999999999999999999": "no group",
		"/x/$1":                        "there is none",
		"^/a /$name":                   "$name is neither",
		"/x/$name":                     "$name is neither",
		"^/a /$":                       `a "$" stands alone`,
		"^/a /$/x":                     `a "$" stands alone`,
		"^/a /${1":                     "no variable",
		"^/a /${}":                     "no variable",
		"^/a /${1x}":                   "no variable",
		"^/a /b#c":                     "fragment",
		"^/a /50%":                     "%25",
		"^/a https://b.example/":       "redirect",
	} {
		if _, err := NewRewrite(value, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
}

func TestRewriteAllocatesOnceForGroupsAndElseNot(t *testing.T) {
	for value, want := range map[string]float64{
		`/i/$tenant/x?y=$tenant`:  0,
		`^/other/(.*)$ /$1`:       0,
		`^/api/(.*)$ /$1?q=$1`:    1,
		`^/(?<a>\w+)/(.*)$ /$a$2`: 1,
	} {
		r, err := NewRewrite(value, []string{"tenant"})
		if err != nil {
			t.Fatal(err)
		}
		x := get("", "")
		n := fewestAllocs(func() {
			ask(x, "h", "/api/%61/items")
			x.Request.Query, x.Request.HasQuery = "page=2", true
			x.SetCapture("tenant", "acme")
			if err := r.Apply(x); err != nil {
				t.Fatal(err)
			}
		})
		if n != want {
			t.Errorf("%q: %v allocations, want %v", value, n, want)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(`^/(\w+)/(.*)$ /$2?x=$1`, "/a/b", "c")
	f.Add("/$t", "/%2e/x", "..")
	f.Add(`^/api(.*)$ $1?`, "/api//x", "")
	f.Add(`(?<t>.)/ ${t}$0$$`, "/a/../b", "%2e")
	f.Fuzz(func(t *testing.T, value, sent, capture string) {
		r, err := NewRewrite(value, []string{"t"})
		if err != nil || !strings.HasPrefix(sent, "/") || !isTarget(sent) {
			return
		}
		x := get("h", sent)
		x.SetCapture("t", capture)
		path, query, hasQuery := x.Request.Path, x.Request.Query, x.Request.HasQuery
		if err := r.Apply(x); err != nil {
			if x.Request.Path != path || x.Request.Query != query || x.Request.HasQuery != hasQuery {
				t.Errorf("%q changed %q although: %v", value, sent, err)
			}
			return
		}
		req := &x.Request
		if req.Path != path && (NormalizePath(req.Path) != obviousReading(req.Path, keepDots) || req.Path[0] != '/') {
			t.Errorf("%q made %q of %q", value, req.Path, sent)
		}
		if !isTarget(req.Path) || strings.Contains(req.Path, "?") || !isTarget(req.Query) || !req.HasQuery && req.Query != "" {
			t.Errorf("%q made %q?%q of %q", value, req.Path, req.Query, sent)
		}
	})
}
