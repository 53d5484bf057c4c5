package route

import (
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestPathInNormalForm(t *testing.T) {
	for sent, want := range map[string]string{
		"/":              "/",
		"/a/b":           "/a/b",
		"/a/b/":          "/a/b/",
		"*":              "*",
		"":               "",
		"/%61dmin":       "/admin",
		"/%41%7e%2D":     "/A~-",
		"/a%20b":         "/a%20b",
		"/caf%c3%a9":     "/caf%C3%A9",
		"/a%2fb%5cc":     "/a%2Fb%5Cc",
		"/%3f%23%25":     "/%3F%23%25",
		"/%2561":         "/%2561", // decoded once
		"/a%40b%3Bc%7C":  "/a@b;c|",
		"/a%zz%4":        "/a%25zz%254",
		"/a\\b":          "/a\\b",
		"/a b\x00\xff":   "/a%20b%00%FF",
		"//":             "/",
		"//a///b//":      "/a/b/",
		"/.":             "/",
		"/..":            "/",
		"/./a":           "/a",
		"/a/.":           "/a/",
		"/a/..":          "/",
		"/a/../b":        "/b",
		"/a/b/..":        "/a/",
		"/../../a":       "/a",
		"/a//../b":       "/b",
		"/%2e%2E/a":      "/a",
		"/x/%2e./a":      "/a",
		"/.a/..b/c./d..": "/.a/..b/c./d..",
		"/...":           "/...",
		"/..;/a":         "/..;/a",
		"/x/..%2Fa":      "/x/..%2Fa",
	} {
		if got := NormalizePath(sent); got != want {
			t.Errorf("%q becomes %q, want %q", sent, got, want)
		}
		if got := Path(get("", sent)); !strings.Contains(sent, "?") && got != want {
			t.Errorf("path of a request for %q is %q, want %q", sent, got, want)
		}
	}
}

// A location guards its path however a client writes it. What the upstream
// makes of the path is not known: so that no reading leads around a guard, a
// path gets a location only where all readings agree.
func TestNoSpellingOfAPathLeadsAroundALocation(t *testing.T) {
	choose := table(t,
		Spec[string]{Name: "guarded", Path: "/admin"},
		Spec[string]{Name: "login", Path: "=/login"},
		Spec[string]{Name: "public", Path: "/public/"},
		Spec[string]{Name: "guarded too", Path: "/site/secret"},
		Spec[string]{Name: "site", Path: "/"},
	)
	for sent, want := range map[string]string{
		// One reading.
		"/%61dmin":         "guarded",
		"/%61%64%6D%69%6E": "guarded",
		"//admin":          "guarded",
		"///admin//x":      "guarded",
		"/%61dmin/%2e%2e":  "", // the admin's parent, or something below it
		"/log%69n":         "login",
		"/login%20":        "site",
		"/admin/./x":       "guarded",
		"/admin/x/../y":    "guarded",
		"/public//x":       "public",
		"/public/a%2Fb":    "public",
		"/public/a;v=1":    "public",
		"/a%20b":           "site",
		"/.well-known/x":   "site",
		"/x/%2e%2e/y":      "site",
		// Upstreams disagree on these.
		"/x/../admin":                 "",
		"/admin/../public/":           "",
		"/public/../admin":            "",
		"/public/%2e%2e/admin":        "",
		"/public/..%2Fadmin":          "",
		"/public/..%2f..%2fadmin":     "",
		"/public/%2e%2e%2fadmin":      "",
		"/public/..;/admin":           "",
		"/.;/admin":                   "",
		"/public/..;x=1/admin":        "",
		"/public/..%3b/admin":         "",
		"/public/..\\admin":           "",
		"/public/..%5cadmin":          "",
		"/%2Fadmin":                   "",
		"/%5Cadmin":                   "",
		"/\\admin":                    "",
		"/.%2Fadmin":                  "",
		"/admin%2F..%2Fpublic%2Fx":    "", // resolved or one segment below admin
		"/public//../admin/../x":      "",
		"/x//../public/x":             "",
		"/site//../secret":            "", // slashes merged before ".." is resolved, or after
		"/public/x%2F..%2F..%2Fadmin": "",
	} {
		x := get("h", sent)
		got, ok := choose.Match(x)
		if got != want || ok != (want != "") {
			t.Errorf("%s: chose %q, want %q", sent, got, want)
		}
		if !ok && !choose.Ambiguous(x) {
			t.Errorf("%s: what there is to choose from is not said to be ambiguous", sent)
		}
	}
}

func TestPathIsPassedOnAsItWasSent(t *testing.T) {
	for _, sent := range []string{"/%61dmin", "//admin", "/x/../y", "/a%2fb"} {
		x := get("h", sent)
		if _, ok := table(t, Spec[string]{}).Match(x); !ok || x.Request.Path != sent {
			t.Errorf("%q became %q", sent, x.Request.Path)
		}
	}
}

var (
	escape       = regexp.MustCompile("%[0-9A-Fa-f]{2}")
	slashes      = regexp.MustCompile("/+")
	dotsAndParam = regexp.MustCompile(`(^|/)(\.\.?);[^/]*`)
)

// obviousReading reads a path of visible bytes and well-formed encodings by
// means of the standard library.
func obviousReading(sent string, r reading) string {
	p := escape.ReplaceAllStringFunc(sent, func(e string) string {
		c, _ := strconv.ParseUint(e[1:], 16, 8)
		switch {
		case strings.ContainsRune("%?#", rune(c)), c <= ' ', c >= 0x7f:
			return strings.ToUpper(e)
		case strings.ContainsRune(`/\`, rune(c)) && r&lenient == 0:
			return strings.ToUpper(e)
		}
		return string(rune(c))
	})
	if r&lenient != 0 {
		p = strings.ReplaceAll(p, `\`, "/")
	}
	switch {
	case !strings.HasPrefix(p, "/"):
		return p
	case r&keepDots != 0:
		return slashes.ReplaceAllString(p, "/")
	case r&lenient != 0:
		for dotsAndParam.MatchString(p) {
			p = dotsAndParam.ReplaceAllString(p, "$1$2")
		}
	}
	if r&keepEmpty != 0 {
		p = (&url.URL{Path: "/"}).ResolveReference(&url.URL{Path: p}).Path
	}
	cleaned := path.Clean(p)
	last := p[strings.LastIndexByte(p, '/')+1:]
	if cleaned != "/" && (last == "" || last == "." || last == "..") {
		cleaned += "/"
	}
	return cleaned
}

var pathSeeds = []string{
	"/", "*", "/a/b", "//a///b//", "/a/./b/../c/.", "/%61/%2e%2E/%2fx", "/..;/a/.;x", `/a\..\b`, "/a//../b",
	"/a/..%2f..%5cb", "/%", "/%4", "/%zz", "/a b\xff", "/..", "/.", "/../../..", "/a/b/../..", "/x/..//..//y/",
}

func FuzzReadings(f *testing.F) {
	for _, seed := range pathSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		normal := NormalizePath(sent)
		if again := NormalizePath(normal); again != normal {
			t.Errorf("%q: normal form %q has another one, %q", sent, normal, again)
		}
		if strings.HasPrefix(sent, "/") {
			for i, segment := range strings.Split(normal, "/") {
				if !strings.HasPrefix(normal, "/") || segment == "." || segment == ".." || segment == "" && i > 0 && i < strings.Count(normal, "/") {
					t.Fatalf("%q: normal form is %q", sent, normal)
				}
			}
		}
		if isPlain(sent) {
			for _, r := range allReadings {
				if got := string(r.append(nil, sent)); got != sent {
					t.Errorf("%q is plain, but may be read as %q", sent, got)
				}
			}
		}
		if !hidesSlash(sent) {
			for _, r := range []reading{0, keepDots, keepEmpty} {
				strict, other := r.append(nil, sent), (r|lenient).append(nil, sent)
				if string(strict) != string(other) {
					t.Errorf("%q hides no slash, but may be read as %q and %q", sent, strict, other)
				}
			}
		}
		if !isTarget(sent) || strings.Contains(sent, "?") {
			return
		}
		for _, r := range append(allReadings[:], 0) {
			if got, want := string(r.append([]byte("x"), sent)), "x"+obviousReading(sent, r); got != want {
				t.Errorf("%q read with %b: %q, want %q", sent, r, got, want)
			}
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, seed := range []string{"", "a.com", "A.com:80", "[::1]:80", "[::ffff:1.2.3.4]", "a.com.", "..", "[", "]", ":", "[::1%25eth0]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		host := NormalizeHost(sent)
		if strings.ContainsAny(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && !strings.Contains(host, "%") {
			t.Errorf("%q became %q", sent, host)
		}
		if got := Host(get(sent, "/")); got != host {
			t.Errorf("%q became %q in a request, %q elsewhere", sent, got, host)
		}
		if len(host) > len(sent)+maxAddress {
			t.Errorf("%q grew to %q", sent, host)
		}
	})
}
