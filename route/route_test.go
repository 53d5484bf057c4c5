package route

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pingap/message"
)

func exchange(host, path string) *message.Exchange {
	x := &message.Exchange{}
	x.Reset()
	x.Request.Host, x.Request.Path = host, path
	return x
}

func TestWeightFollowsPingapsArithmetic(t *testing.T) {
	for _, c := range []struct {
		hosts []string
		path  string
		want  int
	}{
		{nil, "", 0}, {nil, "/", 0},
		{nil, "=/api", 1029}, {nil, "~/api", 261}, {nil, "/api", 516},
		{[]string{"github.com"}, "", 128}, {[]string{"~github.com"}, "", 11},
		{[]string{"a.com", "b.com"}, "/api", 644},
		{[]string{"a.com", "~b"}, "", 8},
		{nil, "/" + strings.Repeat("x", 200), 512 + 64},
	} {
		if got := Weight(c.hosts, c.path); got != c.want {
			t.Errorf("weight of %v %q is %d, want %d", c.hosts, c.path, got, c.want)
		}
	}
}

func TestMatchChoosesByHostAndPath(t *testing.T) {
	specs := []Spec[string]{
		{Path: "/", Target: "rest"},
		{Path: "/api", Target: "api"},
		{Path: "=/api", Target: "exactly api"},
		{Hosts: []string{"a.com", "b.com"}, Target: "a or b"},
		{Hosts: []string{"a.com"}, Path: "/api", Target: "api of a"},
		{Hosts: []string{"*.a.com"}, Target: "below a"},
		{Hosts: []string{"::1"}, Target: "loopback"},
		{Hosts: []string{`~^(?P<tenant>\w+)\.tenants\.io$`}, Path: `~^/v(?P<version>\d+)/`, Target: "tenant"},
		{Path: "/heavy", Weight: 5000, HasWeight: true, Target: "heavy"},
		{Path: "/if", Headers: []Condition{{Name: "X-A", Value: "1", HasValue: true}}, Target: "if header"},
		{Path: "/if", Query: []Condition{{Name: "q"}}, Target: "if query"},
		{Path: "/if", Cookies: []Condition{{Name: "c", Value: "v", HasValue: true}}, Target: "if cookie"},
	}
	table, err := New(specs)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ host, path, want string }{
		{"x", "/", "rest"},
		{"x", "/apix", "api"},
		{"x", "/api", "exactly api"},
		{"a.com", "/", "a or b"},
		{"A.COM:8080", "/", "a or b"},
		{"a.com.", "/", "a or b"},
		{"b.com", "/api/1", "api"}, // 516 beats 128
		{"a.com", "/api/1", "api of a"},
		{"www.a.com", "/", "below a"},
		{"x.y.a.com:443", "/", "below a"},
		{".a.com", "/", "rest"},
		{"xa.com", "/", "rest"},
		{"[::1]:80", "/", "loopback"},
		{"", "/", "rest"},
		{"acme.tenants.io", "/v2/x", "tenant"},
		{"acme.tenants.io", "/x", "rest"},
		{"a.com", "/heavy", "heavy"},
		{"x", "/if", "rest"},
		{"x", "*", "rest"},
		{"x", "", "rest"},
		// Other ways to write a path do not dodge its location.
		{"x", "/%61pi/1", "api"},
		{"x", "//api/1", "api"},
		{"x", "/./api/1", "api"},
		{"x", "/y/../api/1", "api"},
		{"x", "/y/%2e%2E/api/1", "api"},
		{"x", "/%2fapi", "rest"},
	} {
		got, ok := table.Match(exchange(c.host, c.path))
		if !ok || got != c.want {
			t.Errorf("%q %q leads to %q, want %q", c.host, c.path, got, c.want)
		}
	}
	x := exchange("acme.tenants.io", "/v2/x")
	table.Match(x)
	tenant, _ := x.Capture("tenant")
	version, _ := x.Capture("version")
	if tenant != "acme" || version != "2" {
		t.Errorf("captured %q and %q", tenant, version)
	}
	for want, change := range map[string]func(*message.Exchange){
		"if header": func(x *message.Exchange) { x.Request.Header.Add("x-a", "1") },
		"if query":  func(x *message.Exchange) { x.Request.Query = "a=1&q" },
		"if cookie": func(x *message.Exchange) { x.Request.Header.Add("cookie", "b=2; c=v") },
	} {
		x := exchange("x", "/if")
		change(x)
		if got, _ := table.Match(x); got != want {
			t.Errorf("condition leads to %q, want %q", got, want)
		}
	}
}

func TestOnlyTheChosenLocationCaptures(t *testing.T) {
	table, err := New([]Spec[int]{
		{Path: `~^/(?P<lost>\w+)$`, Target: 1},
		{Path: `/x`, Target: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	x := exchange("h", "/x")
	if got, _ := table.Match(x); got != 2 {
		t.Fatalf("chose %d", got)
	}
	if v, ok := x.Capture("lost"); ok {
		t.Errorf("captured %q", v)
	}
}

// naive chooses as Match does, by trying everything.
func naive(specs []Spec[int], host, path string) (int, bool) {
	host, path = strings.ToLower(Hostname(host)), string(appendNormal(nil, path))
	type candidate struct{ weight, order int }
	var found []candidate
	for i, s := range specs {
		hostOK := len(s.Hosts) == 0
		for _, h := range s.Hosts {
			switch {
			case h[0] == '~':
				hostOK = hostOK || regexp.MustCompile(h[1:]).MatchString(host)
			case h[0] == '*':
				hostOK = hostOK || len(host) > len(h)-1 && strings.HasSuffix(host, h[1:])
			default:
				hostOK = hostOK || h == host
			}
		}
		pathOK := s.Path == ""
		switch {
		case s.Path == "":
		case s.Path[0] == '=':
			pathOK = s.Path[1:] == path
		case s.Path[0] == '~':
			pathOK = regexp.MustCompile(s.Path[1:]).MatchString(path)
		default:
			pathOK = strings.HasPrefix(path, s.Path)
		}
		if hostOK && pathOK {
			w := Weight(s.Hosts, s.Path)
			if s.HasWeight {
				w = s.Weight
			}
			found = append(found, candidate{w, i})
		}
	}
	if len(found) == 0 {
		return 0, false
	}
	best := slices.MinFunc(found, func(a, b candidate) int { return cmp.Or(b.weight-a.weight, a.order-b.order) })
	return best.order, true
}

func TestMatchAgreesWithTryingEverything(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	hosts := []string{"a.com", "b.com", "www.a.com", "x.www.a.com", "*.a.com", "*.www.a.com", "~^a", "~com$"}
	segments := []string{"a", "b", "ab", "abc", "", "a/b"}
	for range 300 {
		var specs []Spec[int]
		for i := range 1 + random.IntN(40) {
			s := Spec[int]{Target: i}
			for range random.IntN(3) {
				s.Hosts = append(s.Hosts, hosts[random.IntN(len(hosts))])
			}
			s.Path = pick("", "/", "/"+pick(segments...), "/"+pick(segments...)+"/"+pick(segments...), "=/"+pick(segments...), "~^/"+pick(segments...), "~"+pick("a", "b")+"$")
			if random.IntN(4) == 0 {
				s.Weight, s.HasWeight = random.IntN(700), true
			}
			specs = append(specs, s)
		}
		table, err := New(specs)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			host := pick("a.com", "b.com", "www.a.com", "x.www.a.com", "y.a.com", "c.org")
			path := "/" + pick(segments...) + pick("", "/", "/"+pick(segments...))
			want, wantOK := naive(specs, host, path)
			got, ok := table.Match(exchange(host, path))
			if ok != wantOK || got != want {
				t.Fatalf("%s %s: chose %d (%v), trying everything finds %d (%v) of\n%+v", host, path, got, ok, want, wantOK, specs)
			}
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	table, err := New(manyLocations(1000))
	if err != nil {
		t.Fatal(err)
	}
	x := exchange("host77.example.com:443", "/service/77/items")
	if n := testing.AllocsPerRun(100, func() { table.Match(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func manyLocations(n int) []Spec[int] {
	specs := []Spec[int]{{Path: "/", Target: -1}}
	for i := range n {
		specs = append(specs, Spec[int]{
			Hosts:  []string{fmt.Sprintf("host%d.example.com", i%100)},
			Path:   fmt.Sprintf("/service/%d/", i),
			Target: i,
		})
	}
	return specs
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			table, err := New(manyLocations(n))
			if err != nil {
				b.Fatal(err)
			}
			var requests []*message.Exchange
			for i := range 64 {
				k := i * n / 64
				requests = append(requests, exchange(fmt.Sprintf("host%d.example.com", k%100), fmt.Sprintf("/service/%d/items", k)))
			}
			i := 0
			for b.Loop() {
				if _, ok := table.Match(requests[i&63]); !ok {
					b.Fatal("no match")
				}
				i++
			}
		})
	}
}

func TestNormalPath(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "/a/b": "/a/b", "/a/": "/a/", "*": "*", "": "",
		"/%41%7e": "/A~", "/%2f%2F%20": "/%2F%2F%20", "/%zz%4": "/%zz%4", "/100%": "/100%",
		"//": "/", "///a//b/": "/a/b/",
		"/.": "/", "/./a": "/a", "/a/.": "/a/", "/a/..": "/", "/a/../b": "/b", "/../../a": "/a", "/..": "/",
		"/a/b/../../c": "/c", "/.a": "/.a", "/..a": "/..a", "/a/...": "/a/...", "/%2e%2e/a": "/a",
	} {
		if got := NormalPath(exchange("", ""), path); got != want {
			t.Errorf("%q becomes %q, want %q", path, got, want)
		}
	}
}

func FuzzNormalPath(f *testing.F) {
	for _, s := range []string{"/a/../b", "/%2e%2e//x", "/%", "*", "/a/./.././../x%41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		once := string(appendNormal(nil, path))
		if len(once) > len(path)+1 {
			t.Errorf("%q grew to %q", path, once)
		}
		if strings.HasPrefix(path, "/") && !strings.HasPrefix(once, "/") {
			t.Errorf("%q became %q", path, once)
		}
		for _, segment := range strings.Split(once, "/")[1:] {
			if strings.HasPrefix(path, "/") && (segment == ".." || segment == ".") {
				t.Errorf("%q became %q, with a dot segment", path, once)
			}
		}
		if isNormal(path) && strings.HasPrefix(path, "/") && once != path {
			t.Errorf("%q is called normal and became %q", path, once)
		}
	})
}

func FuzzHostname(f *testing.F) {
	for _, s := range []string{"a.com:80", "[::1]:80", "[::1", "::1", "a.", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, authority string) {
		if host := Hostname(authority); !strings.Contains(authority, host) {
			t.Errorf("%q gave %q", authority, host)
		}
	})
}
