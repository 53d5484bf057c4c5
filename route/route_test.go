package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pingap/message"
)

// get is an exchange for a host and a target: a path, perhaps with a query.
func get(host, target string) *message.Exchange {
	x := &message.Exchange{}
	x.Reset()
	x.Request.Host = host
	x.Request.Path, x.Request.Query, x.Request.HasQuery = strings.Cut(target, "?")
	return x
}

func table(t testing.TB, specs ...Spec[string]) *Table[string] {
	t.Helper()
	for i := range specs {
		if specs[i].Target == "" {
			specs[i].Target = specs[i].Name
		}
	}
	made, err := New(specs)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestWeightIsComputedFromHostAndPath(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct {
		hosts, path string
		want        int
	}{
		{"", "", 0},
		{"", "/", 0},
		{"", "=/api", 1029},
		{"", "=/", 1026},
		{"", "~/api", 261},
		{"", "/api", 516},
		{"", "/a", 514},
		{"", "= /api", 1030},
		{"", "/" + long, 512 + 64},
		{"", "=/" + long, 1024 + 64},
		{"", "~/" + long, 256 + 64},
		{"", "/" + long[:63], 512 + 64},
		{"", "/" + long[:62], 512 + 63},
		{"github.com", "", 128},
		{"*.github.com", "", 128},
		{"a.com,b.com", "", 128},
		{"~github.com", "", 11},
		{"a.com,~b", "", 8},
		{"~" + long + long, "", 201},
		{"github.com", "/", 128},
		{"github.com", "/api", 644},
		{"~github.com", "=/api", 1040},
	} {
		spec := Spec[int]{Path: c.path}
		if c.hosts != "" {
			spec.Hosts = strings.Split(c.hosts, ",")
		}
		if got := weight(&spec); got != c.want {
			t.Errorf("host %q path %q weighs %d, want %d", c.hosts, c.path, got, c.want)
		}
		spec.Weight, spec.HasWeight = 7, true
		if got := weight(&spec); got != 7 {
			t.Errorf("host %q path %q weighs %d although 7 is given", c.hosts, c.path, got)
		}
	}
}

func TestMatchPrefersTheHigherWeightThenTheOrderGiven(t *testing.T) {
	for _, c := range []struct {
		name, target, want string
		specs              []Spec[string]
	}{
		{"exact beats beginning", "/api", "exact", []Spec[string]{{Name: "beginning", Path: "/api"}, {Name: "exact", Path: "=/api"}}},
		{"beginning beats expression", "/api", "beginning", []Spec[string]{{Name: "expression", Path: "~^/api/?$"}, {Name: "beginning", Path: "/api"}}},
		{"longer beats shorter", "/api/v1", "longer", []Spec[string]{{Name: "shorter", Path: "/api"}, {Name: "longer", Path: "/api/"}}},
		{"path beats host", "/api", "path", []Spec[string]{{Name: "host", Hosts: []string{"h"}}, {Name: "path", Path: "/api"}}},
		{"host beats nothing", "/api", "host", []Spec[string]{{Name: "rest", Path: "/"}, {Name: "host", Hosts: []string{"h"}}}},
		{"long host expression beats host", "/", "expression", []Spec[string]{{Name: "host", Hosts: []string{"h"}}, {Name: "expression", Hosts: []string{"~" + strings.Repeat("h?", 70)}}}},
		{"short host expression does not", "/", "host", []Spec[string]{{Name: "expression", Hosts: []string{"~h"}}, {Name: "host", Hosts: []string{"h"}}}},
		{"given weight beats all", "/api", "given", []Spec[string]{{Name: "exact", Path: "=/api"}, {Name: "given", Path: "/", Weight: 2000, HasWeight: true}}},
		{"given weight of nothing loses", "/api", "shorter", []Spec[string]{{Name: "exact", Path: "=/api", HasWeight: true}, {Name: "shorter", Path: "/a"}}},
		{"equal: first", "/api", "first", []Spec[string]{{Name: "first", Path: "/ap"}, {Name: "second", Path: "/ap"}}},
		{"equal across hosts: first", "/api", "first", []Spec[string]{{Name: "first", Path: "/", Weight: 128, HasWeight: true}, {Name: "second", Hosts: []string{"h"}}}},
		{"equal beyond 64 bytes: first", "/" + strings.Repeat("x", 90), "first", []Spec[string]{{Name: "first", Path: "/" + strings.Repeat("x", 70)}, {Name: "second", Path: "/" + strings.Repeat("x", 80)}}},
	} {
		if got, ok := table(t, c.specs...).Match(get("h", c.target)); got != c.want || !ok {
			t.Errorf("%s: chose %q", c.name, got)
		}
	}
}

func TestPathIsMatchedByBeginningWholeOrExpression(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/api", "/api", true},
		{"/api", "/apix", true},
		{"/api", "/ap", false},
		{"/api", "/API", false},
		{"/api/", "/api", false},
		{"=/api", "/api", true},
		{"=/api", "/api/", false},
		{"= /api", "/api", true},
		{"~^/v\\d+/", "/v12/x", true},
		{"~ ^/v\\d+/", "/v12/x", true},
		{"~^/v\\d+/", "/vx/x", false},
		{"~b", "/abc", true},
		{"~^/api$", "/api", true},
		{"~^/api$", "/apix", false},
		{"~^/ab*c", "/ac", true},
		{"~^/ab?c", "/ac", true},
		{"~^/(?i)api", "/API", true},
		{"~(?i)^/api", "/API", true},
		{"~^/a|^/b", "/b", true},
		{"", "/anything", true},
		{"/", "/anything", true},
		{"", "*", true},
		{"/", "*", true},
		{"/", "", true},
		{"/a", "*", false},
		{"/a", "", false},
		// Patterns may be written with or without encodings.
		{"/%7Euser", "/~user/x", true},
		{"/a b", "/a%20b/c", true},
		{"/café", "/caf%c3%a9/menu", true},
		{"/caf%c3%a9", "/caf%C3%A9", true},
		{"=/100%25", "/100%25", true},
		{"/.", "/.git/config", true},
		{"/..", "/..hidden", true},
		{"/.", "/git", false},
		{"/a/.", "/a/b", false},
	} {
		_, ok := table(t, Spec[string]{Path: c.pattern}).Match(get("h", c.path))
		if ok != c.want {
			t.Errorf("%q for %q: %v", c.pattern, c.path, ok)
		}
	}
}

// What was asked of hosts with ports, of authorities and of empty hosts broke
// more than once elsewhere: every form of host against every form of pattern.
func TestHostIsMatchedInEveryForm(t *testing.T) {
	forms := map[string][]string{
		"example.com": {
			"example.com", "EXAMPLE.com", "example.com:80", "example.com.", "Example.Com.:8443", "example.com:",
		},
		"www.example.com":   {"www.example.com", "WWW.example.com:443", "www.example.com."},
		"a.b.c.example.com": {"a.b.c.example.com", "a.B.c.example.com:1"},
		"xexample.com":      {"xexample.com", "xexample.com:80"},
		"::1":               {"[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]", "[0000::0001]:80"},
		"fe80::a":           {"[fe80::a]", "[FE80::A]:80", "[FE80:0::A]"},
		"192.0.2.1":         {"192.0.2.1", "192.0.2.1:80"},
		"":                  {""},
		".example.com":      {".example.com"},
		"com":               {"com", "COM:80"},
	}
	wants := map[string][]string{
		"example.com":        {"example.com"},
		"EXAMPLE.COM.":       {"example.com"},
		"*.example.com":      {"www.example.com", "a.b.c.example.com"},
		"*.EXAMPLE.com":      {"www.example.com", "a.b.c.example.com"},
		"*.b.c.example.com":  {"a.b.c.example.com"},
		"*.com":              {"example.com", "www.example.com", "a.b.c.example.com", "xexample.com", ".example.com"},
		`~^(www\.)?ex`:       {"example.com", "www.example.com"},
		"~^WWW":              {"www.example.com"},
		"~^$":                {""},
		"[::1]":              {"::1"},
		"::1":                {"::1"},
		"0:0:0:0:0:0:0:1":    {"::1"},
		"fe80::000A":         {"fe80::a"},
		"192.0.2.1":          {"192.0.2.1"},
		"com,example.com":    {"com", "example.com"},
		"~^x, *.example.com": {"xexample.com", "www.example.com", "a.b.c.example.com"},
	}
	for pattern, want := range wants {
		only := table(t, Spec[string]{Hosts: strings.Split(pattern, ",")})
		for host, written := range forms {
			for _, w := range written {
				if _, ok := only.Match(get(w, "/")); ok != slices.Contains(want, host) {
					t.Errorf("host pattern %q, request for %q: %v", pattern, w, ok)
				}
				if got := NormalizeHost(w); got != host {
					t.Errorf("normal form of %q is %q, want %q", w, got, host)
				}
			}
		}
	}
}

func TestConditionsMustAllHold(t *testing.T) {
	has := func(name string) []Condition { return []Condition{{Name: name}} }
	is := func(name, value string) []Condition { return []Condition{{Name: name, Value: value, HasValue: true}} }
	type fields = []message.Field
	for _, c := range []struct {
		spec   Spec[string]
		query  string
		header fields
		want   bool
	}{
		{Spec[string]{Headers: has("X-A")}, "", fields{{Name: "x-a"}}, true},
		{Spec[string]{Headers: has("X-A")}, "", fields{{Name: "x-b"}}, false},
		{Spec[string]{Headers: is("X-A", "1")}, "", fields{{Name: "x-a", Value: "2"}, {Name: "X-A", Value: "1"}}, true},
		{Spec[string]{Headers: is("X-A", "1")}, "", fields{{Name: "x-a", Value: "11"}}, false},
		{Spec[string]{Headers: is("X-A", "v")}, "", fields{{Name: "x-a", Value: "V"}}, false},
		{Spec[string]{Headers: is("host", "H")}, "", nil, true},
		{Spec[string]{Headers: is("host", "g")}, "", nil, false},
		{Spec[string]{Query: has("a")}, "b&a", nil, true},
		{Spec[string]{Query: has("a")}, "b=a", nil, false},
		{Spec[string]{Query: has("a")}, "", nil, false},
		{Spec[string]{Query: is("a", "1")}, "a=0&a=1", nil, true},
		{Spec[string]{Query: is("a", "1")}, "A=1", nil, false},
		{Spec[string]{Query: is("a", "")}, "a", nil, true},
		{Spec[string]{Query: is("a", "x=y")}, "a=x=y", nil, true},
		{Spec[string]{Query: is("a", " ")}, "a=%20", nil, false}, // compared as sent
		{Spec[string]{Cookies: has("a")}, "", fields{{Name: "cookie", Value: "b=1; a=2"}}, true},
		{Spec[string]{Cookies: is("a", "2")}, "", fields{{Name: "Cookie", Value: "b=1"}, {Name: "Cookie", Value: "a=2"}}, true},
		{Spec[string]{Cookies: is("a", "2")}, "", fields{{Name: "Cookie", Value: "b=1;a=3"}}, false},
		{Spec[string]{Cookies: has("a")}, "", fields{{Name: "Cookie", Value: "xa=1"}}, false},
		{Spec[string]{Headers: has("X-A"), Query: has("q")}, "q", fields{{Name: "x-a"}}, true},
		{Spec[string]{Headers: has("X-A"), Query: has("q")}, "", fields{{Name: "x-a"}}, false},
		{Spec[string]{Headers: append(has("X-A"), has("X-B")...)}, "", fields{{Name: "x-a"}}, false},
	} {
		x := get("h", "/?"+c.query)
		for _, f := range c.header {
			x.Request.Header.Add(f.Name, f.Value)
		}
		if _, ok := table(t, c.spec).Match(x); ok != c.want {
			t.Errorf("%+v, query %q, header %v: %v", c.spec, c.query, c.header, ok)
		}
	}
}

func TestConditionOnHostNeedsAHost(t *testing.T) {
	if _, ok := table(t, Spec[string]{Headers: []Condition{{Name: "Host"}}}).Match(get("", "/")); ok {
		t.Error("a request without Host has one")
	}
}

func TestConditionThatFailsLeavesTheRequestToTheNext(t *testing.T) {
	choose := table(t,
		Spec[string]{Name: "two", Path: "/a", Headers: []Condition{{Name: "X", Value: "2", HasValue: true}}},
		Spec[string]{Name: "one", Path: "/a", Headers: []Condition{{Name: "X"}}},
		Spec[string]{Name: "none", Path: "/a"},
		Spec[string]{Name: "rest"},
	)
	for value, want := range map[string]string{"2": "two", "1": "one", "": "none"} {
		x := get("h", "/a")
		if value != "" {
			x.Request.Header.Add("x", value)
		}
		if got, _ := choose.Match(x); got != want {
			t.Errorf("X %q: chose %q, want %q", value, got, want)
		}
	}
}

func TestOnlyTheChosenLocationCaptures(t *testing.T) {
	choose := table(t,
		Spec[string]{Name: "both", Hosts: []string{`~^(?P<tenant>\w+)\.example\.com$`}, Path: `~^/v(?<version>\d+)/(?<rest>x)?`, Weight: 3, HasWeight: true},
		Spec[string]{Name: "path", Path: `~^/(?<version>.*)`, Weight: 2, HasWeight: true},
		Spec[string]{Name: "mixed", Hosts: []string{"a.org", `~^(?<name>\w+)\.org$`}, Path: "/", Weight: 1, HasWeight: true},
	)
	for _, c := range []struct{ host, path, chosen, captures string }{
		{"Acme.example.com:80", "/v2/", "both", "tenant=acme version=2 rest="},
		{"acme.example.com", "/%76%32/%78", "both", "tenant=acme version=2 rest=x"},
		{"acme.example.com", "/w", "path", "version=w"},
		{"a.org", "*", "mixed", ""},
		{"b.org", "*", "mixed", "name=b"},
	} {
		x := get(c.host, c.path)
		got, _ := choose.Match(x)
		var captures []string
		for _, name := range []string{"tenant", "version", "rest", "name"} {
			if v, ok := x.Capture(name); ok {
				captures = append(captures, name+"="+v)
			}
		}
		if got != c.chosen || strings.Join(captures, " ") != c.captures {
			t.Errorf("%s %s: chose %s with %v, want %s with %s", c.host, c.path, got, captures, c.chosen, c.captures)
		}
	}
}

func TestCapturesNamesWhatMatchMaySet(t *testing.T) {
	got := Captures([]string{"a.com", `~^(?P<tenant>\w+)\.(com|org)$`, "~("}, `~ ^/(?<version>\d+)/(\d)`)
	if want := []string{"version", "tenant"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestNewTellsAllThatIsWrongAndWhere(t *testing.T) {
	_, err := New([]Spec[int]{
		{Name: "good", Hosts: []string{"a.com"}},
		{Name: "one", Hosts: []string{"a.*.com", "~(", "b.com:80"}, Path: "api"},
		{Name: "two", Path: "~^/(", Query: []Condition{{}}},
	})
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		t.Fatalf("%v", err)
	}
	for i, want := range []string{
		`location "one": host: invalid host wildcard pattern: "a.*.com"`,
		`location "one": host: "(" is no regular expression`,
		`location "one": host: "b.com:80": hosts are matched without their port; write "b.com"`,
		`location "one": path: "api": a path begins with "/"`,
		`location "two": path: "^/(" is no regular expression`,
		`location "two": match_query: a condition needs a name`,
	} {
		lines := strings.Split(err.Error(), "\n")
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("want a line %s in\n%v", want, err)
		}
	}
	var spec *SpecError
	if !errors.As(err, &spec) || spec.Location != "one" || spec.Key != "host" {
		t.Errorf("first error is %+v", spec)
	}
}

func TestPatternsThatCouldNeverMatchAreErrors(t *testing.T) {
	for path, want := range map[string]string{
		"/a/../b":   `write "/b"`,
		"/a//b":     `write "/a/b"`,
		"//":        `write "/"`,
		"=/a/..":    `write "/"`,
		"=/a/.":     `write "/a/"`,
		"/%2e/a":    `write "/a"`,
		"/a?b":      "without the query",
		"/a#b":      "without the query",
		"=":         `begins with "/"`,
		"=a":        `begins with "/"`,
		"a":         `begins with "/"`,
		"~":         `has to follow the "~"`,
		"~ ":        `has to follow the "~"`,
		"~(?<n>a)(": "missing closing )",
	} {
		if _, err := New([]Spec[int]{{Path: path}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("path %q: %v, want %s", path, err, want)
		}
	}
	for host, want := range map[string]string{
		"":                       "empty host",
		" ":                      "empty host",
		"*":                      "wildcard",
		"*.":                     "no host name",
		".":                      "no host name",
		"*.*.com":                "wildcard",
		"www.*":                  "wildcard",
		"[::1":                   "no IPv6 address",
		"[::1]:80":               "no IPv6 address",
		"1:2:3":                  "no IPv6 address",
		"a b":                    "cannot contain ' '",
		"http://a":               "without their port",
		"a/b":                    "cannot contain '/'",
		"bücher.example":         "xn--",
		strings.Repeat("a", 300): "at most 253 bytes",
		"~":                      `has to follow the "~"`,
		"~[":                     "no regular expression",
	} {
		if _, err := New([]Spec[int]{{Hosts: []string{host}}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("host %q: %v, want %s", host, err, want)
		}
	}
}

func TestEmptyTableChoosesNothing(t *testing.T) {
	if _, ok := table(t).Match(get("h", "/")); ok {
		t.Error("chose a location where there is none")
	}
}

func TestHugeHostsAndPathsAreMatched(t *testing.T) {
	const size = 1 << 20
	choose := table(t,
		Spec[string]{Name: "wild", Hosts: []string{"*.example.com"}, Path: "/a"},
		Spec[string]{Name: "rest"},
	)
	for _, c := range []struct{ host, path, want string }{
		{strings.Repeat("a.", size) + "example.com", "/a", "wild"},
		{strings.Repeat(".", size), "/a", "rest"},
		{strings.Repeat("A", size) + ".example.com:80", "/a" + strings.Repeat("/x", size), "wild"},
		{"x.example.com", strings.Repeat("/", size) + "a", "wild"},
		{"x.example.com", "/a" + strings.Repeat("%61", size), "wild"},
		{"x.example.com", strings.Repeat("/a/..", size), ""},
	} {
		x := get(c.host, c.path)
		if got, _ := choose.Match(x); got != c.want {
			t.Errorf("host of %d bytes, path of %d: chose %q, want %q", len(c.host), len(c.path), got, c.want)
		}
	}
}

func ExampleTable_Explain() {
	choose, err := New([]Spec[int]{
		{Name: "site"},
		{Name: "api", Hosts: []string{"example.com"}, Path: "/api"},
		{Name: "beta", Path: "/api/v2", Headers: []Condition{{Name: "X-Beta"}}},
		{Name: "admin", Path: "/admin"},
	})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(choose.Explain("Example.com:80", "/%61pi//v2"))
	fmt.Print(choose.Explain("example.com", "/admin/../api"))
	// Output:
	// host "example.com", path "/api/v2"
	//   644  api  host example.com  path /api
	// host "example.com", path "/api"
	//   644  api  host example.com  path /api
	// no location is chosen: the path may also be read as "/admin/../api", which others serve
}
