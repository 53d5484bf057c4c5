package route

import (
	"strings"
	"testing"
)

func TestRewrite(t *testing.T) {
	for _, c := range []struct{ rewrite, path, query, wantPath, wantQuery string }{
		{"^/api/ /", "/api/users", "a=1", "/users", "a=1"},
		{"^/api(/.*)?$ $1", "/api/users", "", "/users", ""},
		{"^/(?P<kind>\\w+)/(\\d+)$ /$2/${kind}", "/users/7", "", "/7/users", ""},
		{"^/nothing /x", "/api", "q", "/api", "q"},
		{"/b /x", "/a/b/c/b", "", "/a/x/c/b", ""}, // the first match alone
		{"/interface/$tenant", "/whatever", "", "/interface/acme", ""},
		{"/$tenant/$tenantless", "/x", "", "", ""}, // an error, see below
		{"^/ /$$tenant/", "/x", "", "/$tenant/x", ""},
		{"^/s/(.*)$ /search?q=$1", "/s/cats", "page=2", "/search", "q=cats&page=2"},
		{"^/s/(.*)$ /search?q=$1?", "/s/cats", "page=2", "/search", "q=cats"},
		{"^/s/ /t/?", "/s/x", "page=2", "/t/x", ""},
		{"^/%41pi/ /", "/%41pi/x", "", "/%41pi/x", ""}, // expressions see the normal form
		{"^/Api/ /", "/%41pi/x", "", "/x", ""},
	} {
		w, err := NewRewrite(c.rewrite, []string{"tenant"})
		if err != nil {
			if c.wantPath != "" {
				t.Errorf("%q: %v", c.rewrite, err)
			}
			continue
		}
		x := exchange("h", c.path)
		x.Request.Query, x.Request.HasQuery = c.query, c.query != ""
		x.SetCapture("tenant", "acme")
		if err := w.Apply(x); err != nil {
			t.Errorf("%q of %q: %v", c.rewrite, c.path, err)
		}
		if x.Request.Path != c.wantPath || x.Request.Query != c.wantQuery {
			t.Errorf("%q makes %q?%q of %q, want %q?%q", c.rewrite, x.Request.Path, x.Request.Query, c.path, c.wantPath, c.wantQuery)
		}
	}
}

func TestRewriteGroupsBecomeCaptures(t *testing.T) {
	w, err := NewRewrite(`^/(?P<team>\w+)/ /`, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := exchange("h", "/blue/x")
	if err := w.Apply(x); err != nil {
		t.Fatal(err)
	}
	if v, _ := x.Capture("team"); v != "blue" {
		t.Errorf("captured %q", v)
	}
}

func TestWrongRewritesAreExplained(t *testing.T) {
	for rewrite, want := range map[string]string{
		"/x":            "is no rewrite",
		"^/a b /c":      "neither of which can hold a blank",
		"^/( /x":        "missing closing )",
		"^/(a) /$2":     "has 1 groups",
		"^/a /$nowhere": "$nowhere",
		"/$1":           "has 0 groups",
		"":              "is no rewrite",
	} {
		if _, err := NewRewrite(rewrite, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", rewrite, err, want)
		}
	}
}

func TestRewriteToWhatIsNoPathLeavesTheRequest(t *testing.T) {
	w, err := NewRewrite("^/a x", nil)
	if err != nil {
		t.Fatal(err)
	}
	x := exchange("h", "/a/b")
	if err := w.Apply(x); err == nil || x.Request.Path != "/a/b" {
		t.Errorf("path %q, error %v", x.Request.Path, err)
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(`^/(\w+)/(.*)$ /$2?x=$1`, "/a/b")
	f.Add("/$t", "/%2e/x")
	f.Fuzz(func(t *testing.T, rewrite, path string) {
		w, err := NewRewrite(rewrite, []string{"t"})
		if err != nil {
			return
		}
		x := exchange("h", path)
		if w.Apply(x) == nil && x.Request.Path != path && !strings.HasPrefix(x.Request.Path, "/") {
			t.Errorf("%q made %q of %q", rewrite, x.Request.Path, path)
		}
	})
}
