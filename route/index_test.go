package route

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pingap/message"
)

// obviousChoice does what Match does by trying every location.
func obviousChoice(specs []Spec[int], x *message.Exchange) (chosen int, ok bool) {
	order := make([]int, len(specs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weight(&specs[b]), weight(&specs[a])) })
	choose := func(path string) int {
		for _, i := range order {
			if obviousMatch(&specs[i], x, path) {
				return i
			}
		}
		return -1
	}
	sent := x.Request.Path
	normal := obviousReading(sent, 0)
	chosen = choose(normal)
	for _, r := range allReadings {
		if other := obviousReading(sent, r); other != normal && choose(other) != chosen {
			return 0, false
		}
	}
	return chosen, chosen >= 0
}

func obviousMatch(s *Spec[int], x *message.Exchange, path string) bool {
	host, _, _ := strings.Cut(strings.ToLower(x.Request.Host), ":")
	host = strings.TrimSuffix(host, ".")
	hostOK := len(s.Hosts) == 0
	for _, h := range s.Hosts {
		switch {
		case h[0] == '~':
			hostOK = hostOK || expression("(?i)"+h[1:]).MatchString(host)
		case h[0] == '*':
			hostOK = hostOK || len(host) >= len(h) && strings.HasSuffix(host, h[1:])
		default:
			hostOK = hostOK || host == h
		}
	}
	for _, c := range s.Query {
		hostOK = hostOK && strings.Contains("&"+x.Request.Query+"&", "&"+c.Name+"="+c.Value+"&")
	}
	switch {
	case s.Path == "" || s.Path == "/":
		return hostOK
	case s.Path[0] == '=':
		return hostOK && path == s.Path[1:]
	case s.Path[0] == '~':
		return hostOK && expression(s.Path[1:]).MatchString(path)
	}
	return hostOK && strings.HasPrefix(path, s.Path)
}

var expressions = map[string]*regexp.Regexp{}

func expression(text string) *regexp.Regexp {
	if expressions[text] == nil {
		expressions[text] = regexp.MustCompile(text)
	}
	return expressions[text]
}

type dice struct{ *rand.Rand }

func (d dice) pick(from ...string) string { return from[d.IntN(len(from))] }

// some joins up to n picks.
func (d dice) some(n int, from ...string) string {
	var b strings.Builder
	for range d.IntN(n + 1) {
		b.WriteString(d.pick(from...))
	}
	return b.String()
}

func (d dice) spec() Spec[int] {
	var s Spec[int]
	for range max(0, d.IntN(5)-2) {
		name := d.pick("a", "b", "c.b", ".a") + d.some(2, ".a", ".b") + d.pick(".com", ".org", "")
		s.Hosts = append(s.Hosts, d.pick("", "", "*.")+name)
	}
	if d.IntN(6) == 0 {
		s.Hosts = append(s.Hosts, "~"+d.pick("", "^")+d.pick(`(?P<h>[ab]+)`, "a", "B", `\w`)+d.pick("", `\.com$`, ".*"))
	}
	switch d.IntN(8) {
	case 0:
		s.Path = d.pick("", "/")
	case 1, 2:
		s.Path = "=/a" + d.some(3, "a", "b", "/c", "aa")
	case 3:
		s.Path = "~" + d.pick("^", "", "^/", "(?i)^", "^/aé", `^/a\x01`) + d.some(3, "a", "/b", `(?P<p>[a-c]+)`, "b*", "a?", "(a|b)", "é|") + d.pick("", "$", ".")
	default:
		s.Path = "/" + d.pick("a", "aa", "b") + d.some(4, "a", "b", "/c", "aa", "abc")
	}
	if d.IntN(5) == 0 {
		s.Weight, s.HasWeight = d.number(0, 128, 256, 514, 515, 516, 1027, 2000), true
	}
	if d.IntN(5) == 0 {
		s.Query = []Condition{{Name: d.pick("q", "r"), Value: d.pick("1", "2"), HasValue: true}}
	}
	return s
}

func (d dice) number(from ...int) int { return from[d.IntN(len(from))] }

func (d dice) exchange() *message.Exchange {
	host := d.pick("a", "b", "c.b", "A", "b.b.a", ".a") + d.some(3, ".a", ".b") + d.pick(".com", ".org", "", ".com.", ".com:80")
	path := "/" + d.pick("a", "aa", "b", "") + d.some(5, "a", "b", "/c", "aa", "abc", "/b", "/d", "c")
	if d.IntN(4) == 0 {
		path = "/" + d.some(6, "a", "b", "/c", "%61", "//", "/.", "/../", "..", "%2F", "%2e", `\`, ";", "%5c", "/")
	}
	return get(d.pick(host, host, host, host, ""), path+d.pick("", "", "?q=1", "?r=2&q=2"))
}

func TestIndexChoosesWhatTryingEverythingChooses(t *testing.T) {
	for seed := range uint64(200) {
		compareWithTryingEverything(t, seed)
	}
}

func FuzzIndexChoosesWhatTryingEverythingChooses(f *testing.F) {
	f.Add(uint64(200))
	f.Fuzz(compareWithTryingEverything)
}

func compareWithTryingEverything(t *testing.T, seed uint64) {
	d := dice{rand.New(rand.NewPCG(seed, 1))}
	specs := make([]Spec[int], 0, 60)
	for range d.IntN(60) {
		s := d.spec()
		s.Target = len(specs)
		if _, err := parsePath(s.Path); err == nil { // it may name a group twice
			specs = append(specs, s)
		}
	}
	made, err := New(specs)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		x := d.exchange()
		got, ok := made.Match(x)
		want, wantOK := obviousChoice(specs, x)
		if ok && wantOK && got == want || !ok && !wantOK {
			continue
		}
		t.Fatalf("seed %d, %s %s?%s: chose %d (%v), want %d (%v) of\n%s", seed, x.Request.Host, x.Request.Path, x.Request.Query, got, ok, want, wantOK, made)
	}
}

// manySpecs are n locations of every kind: hosts with a path each, wildcards,
// and many paths for every host.
func manySpecs(n int) []Spec[string] {
	specs := []Spec[string]{{Name: "rest", Path: "/"}, {Name: "version", Path: `~^/v(\d+)/rest/`}}
	for i := len(specs); i < n; i++ {
		s := Spec[string]{Name: fmt.Sprint(i)}
		switch i % 5 {
		case 0:
			s.Hosts = []string{fmt.Sprintf("host%d.example.com", i)}
		case 1:
			s.Hosts, s.Path = []string{fmt.Sprintf("host%d.example.com", i-1)}, "/api"
		case 2:
			s.Hosts = []string{fmt.Sprintf("*.tenant%d.example.com", i)}
		case 3:
			s.Path = fmt.Sprintf("/service-%d/", i)
		case 4:
			s.Path = fmt.Sprintf("=/page/%d/index.html", i)
		}
		specs = append(specs, s)
	}
	for i := range specs {
		specs[i].Target = specs[i].Name
	}
	return specs
}

// ask makes x, an exchange used before, one for a host and path.
func ask(x *message.Exchange, host, path string) {
	x.Reset()
	x.Request.Host, x.Request.Path = host, path
}

func TestEachOfManyLocationsIsFound(t *testing.T) {
	specs := manySpecs(20_000)
	choose := table(t, specs...)
	for i := 2; i < len(specs); i++ {
		host, path, _ := requestFor(i, nil)
		if got, _ := choose.Match(get(host, path)); got != specs[i].Name {
			t.Fatalf("%s%s: chose %q, want %q", host, path, got, specs[i].Name)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	specs := manySpecs(1000)
	specs = append(specs, Spec[string]{Name: "condition", Path: "/if", Target: "condition",
		Headers: []Condition{{Name: "X"}}, Query: []Condition{{Name: "q"}}, Cookies: []Condition{{Name: "c"}}})
	choose := table(t, specs...)
	x := get("", "")
	for _, r := range [][2]string{
		{"host10.example.com", "/api/x"},
		{"HOST10.Example.com:8443", "/api/x"},
		{"a.b.tenant12.example.com.", "/x"},
		{"[2001:DB8::1]:80", "/service-13/x"},
		{"", "/page/14/index.html"},
		{"x", "/v1/rest/"},
		{"x", "/%61pi//x/../y"},
		{"x", "/a%2Fb%20c"},
		{"x", "/if"},
		{"x", "/nothing"},
	} {
		n := fewestAllocs(func() {
			ask(x, r[0], r[1])
			x.Request.Query = "a=1&b"
			x.Request.Header.Add("X", "1")
			choose.Match(x)
		})
		if n != 0 {
			t.Errorf("%s%s: %v allocations", r[0], r[1], n)
		}
	}
}

func TestMatchAllocatesOncePerExpressionThatCaptures(t *testing.T) {
	choose := table(t, Spec[string]{Hosts: []string{`~^(?<tenant>\w+)\.example\.com$`}, Path: `~^/v(?<version>\d+)/`})
	x := get("", "")
	n := fewestAllocs(func() {
		ask(x, "Acme.example.com", "/v12/x")
		if _, ok := choose.Match(x); !ok {
			t.Fatal("no location")
		}
	})
	if n != 2 {
		t.Errorf("%v allocations", n)
	}
}

// fewestAllocs is what f allocates when regexp finds the memory it has pooled;
// under the race detector the pool forgets at random.
func fewestAllocs(f func()) float64 {
	fewest := testing.AllocsPerRun(1, f)
	for range 200 {
		fewest = min(fewest, testing.AllocsPerRun(1, f))
	}
	return fewest
}

func TestExpressionsAreTriedOnlyWhereTheyCouldWin(t *testing.T) {
	for expr, want := range map[string]string{
		`^/api/v(\d+)`: "/api/v",
		`^/api$`:       "/api",
		`^/ab*`:        "/a",
		`^/api|^/b`:    "",
		`^(/a|/b)`:     "",
		`/api`:         "",
		`(?i)^/api`:    "",
		`^`:            "",
		`^/a{0}b`:      "/",
		`(?m)^/a`:      "",
		`(`:            "",
	} {
		if got := literalPrefix(expr); got != want {
			t.Errorf("%s begins with %q, want %q", expr, got, want)
		}
	}
}

// A large table is read from memory that is mostly in no cache.
func TestIndexIsSmallAndWithoutPointers(t *testing.T) {
	for of, limit := range map[reflect.Type]uintptr{
		reflect.TypeFor[hostSlot](): 8,
		reflect.TypeFor[node]():     32,
		reflect.TypeFor[entry]():    8,
		reflect.TypeFor[run]():      12,
	} {
		if of.Size() > limit {
			t.Errorf("a %v has %d bytes, want %d at most", of, of.Size(), limit)
		}
		if hasPointers(of) {
			t.Errorf("a %v has pointers", of)
		}
	}
}

func hasPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if hasPointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	case reflect.Array:
		return hasPointers(t.Elem())
	case reflect.Bool, reflect.Uint8, reflect.Int32, reflect.Uint32, reflect.Uint64:
		return false
	}
	return true
}

// Locations that may all turn out not to match are tried in turn at each of many
// paths below theirs, but are not listed for each.
func TestIndexGrowsNoFasterThanItsLocations(t *testing.T) {
	var specs []Spec[string]
	for i := range 1000 {
		specs = append(specs,
			Spec[string]{Path: "/", Weight: 2000, HasWeight: true, Query: []Condition{{Name: strconv.Itoa(i)}}},
			Spec[string]{Path: fmt.Sprintf("/%d/", i)})
	}
	ix := &table(t, specs...).index
	if n := len(ix.entries); n > len(specs) {
		t.Errorf("%d entries for %d locations", n, len(specs))
	}
	if n := len(ix.nodes); n > 2*len(specs) {
		t.Errorf("%d nodes for %d locations", n, len(specs))
	}
}

func TestWildcardsOfAnyNumberOfLabelsAreFound(t *testing.T) {
	for _, labels := range []int{1, 2, 63, 64, 65, 126} {
		name := strings.Repeat("a.", labels-1) + "b"
		choose := table(t, Spec[string]{Name: "found", Hosts: []string{"*." + name}})
		for host, want := range map[string]string{
			"x." + name:            "found",
			"x.y." + name:          "found",
			name:                   "",
			"." + name:             "",
			"x" + name:             "",
			strings.Repeat(".", 9): "",
		} {
			if got, _ := choose.Match(get(host, "/")); got != want {
				t.Errorf("%d labels, host %q: chose %q, want %q", labels, host, got, want)
			}
		}
	}
}

func TestPlacesOfBytes(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		var set byteSet
		var has [256]bool
		for range d.IntN(40) {
			c := byte(d.IntN(0x60) + ' ')
			set.add(c)
			has[c] = true
		}
		less := uint32(0)
		for c := range 256 {
			if n, ok := set.place(byte(c)); ok != has[c] || ok && n != less {
				t.Fatalf("%#x: place %d (%v), want %d (%v)", c, n, ok, less, has[c])
			}
			if has[c] {
				less++
			}
		}
	}
}
