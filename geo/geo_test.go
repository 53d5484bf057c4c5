package geo

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

func TestCodesAreSortedAndEachParses(t *testing.T) {
	var all []string
	for at := 2; at < len(codes); at += 2 {
		all = append(all, codes[at:at+2])
	}
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != 249+3 {
		t.Errorf("%d codes, in order: %v", len(all), slices.IsSorted(all))
	}
	for _, code := range append(all, "??") {
		if c, ok := Parse(code); !ok || c.String() != code {
			t.Errorf("%s: %v, %v", code, c, ok)
		}
	}
	for _, code := range []string{"", "D", "DEU", "UK", "AF ", "E?", "EA", "?"} {
		if c, ok := Parse(code); ok {
			t.Errorf("%q is %v", code, c)
		}
	}
	if c, ok := Parse("de"); !ok || c.String() != "DE" {
		t.Errorf("de: %v, %v", c, ok)
	}
	if Country(255).String() != "??" {
		t.Error("a country that there is not has a code")
	}
}

func TestSetHasWhatWasAdded(t *testing.T) {
	var s Set
	for c := range 256 {
		if s.Has(Country(c)) {
			t.Fatalf("%d is there before it is added", c)
		}
		s.Add(Country(c))
		if !s.Has(Country(c)) {
			t.Fatalf("%d is not there", c)
		}
	}
}

// addr is an address that must be one.
func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// of is the country of a code.
func of(t testing.TB, code string) Country {
	t.Helper()
	c, ok := Parse(code)
	if !ok {
		t.Fatalf("%s is no code", code)
	}
	return c
}

// TestTableFindsWhatWasAdded looks at both ends of many ranges of all sizes, and at
// what stands beside them.
func TestTableFindsWhatWasAdded(t *testing.T) {
	for _, end := range []uint64{1 << 32, 0} {
		for range 300 {
			var b tableBuilder
			last := end - 1
			want := make(map[uint64]Country)
			for next, full := uint64(0), false; !full && len(want) < 900; {
				c := Country(rand.IntN(250))
				first := next
				if rand.IntN(3) == 0 {
					first += rand.Uint64N(max((last-next)>>rand.IntN(64), 1))
					if first > next {
						want[next], want[first-1] = Unknown, Unknown
					}
				}
				until := first + rand.Uint64N(max((last-first)>>rand.IntN(64), 1))
				if rand.IntN(20) == 0 {
					until = last
				}
				b.add(first, until, c)
				want[first], want[until] = c, c
				next, full = until+1, until == last
				if full {
					break
				}
				want[next], want[last] = Unknown, Unknown
			}
			table, rest, err := cutTable(string(b.append(nil, end)))
			if err != nil || rest != "" {
				t.Fatalf("%v, %d bytes left", err, len(rest))
			}
			for number, c := range want {
				if got := table.find(number); got != c {
					t.Fatalf("%#x is in %v, want %v; ranges %v", number, got, c, b.ranges)
				}
			}
		}
	}
}

func TestEmptyTableKnowsNobody(t *testing.T) {
	d := (&Builder{}).Database("about")
	for _, a := range []string{"0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
		if c := d.Country(addr(a)); c != Unknown {
			t.Errorf("%s: %v", a, c)
		}
	}
}

func TestWhatComesFirstIsKept(t *testing.T) {
	var b Builder
	b.Add(addr("10.0.0.0"), addr("10.0.0.255"), of(t, "DE"))
	b.Add(addr("10.0.0.128"), addr("10.0.1.127"), of(t, "FR"))
	b.Add(addr("10.0.0.0"), addr("10.0.1.0"), of(t, "IT"))
	b.Add(addr("255.255.255.255"), addr("255.255.255.255"), of(t, "US"))
	b.Add(addr("255.255.255.255"), addr("255.255.255.255"), of(t, "CA"))
	b.Add(addr("2001:db8:0:1::5"), addr("2001:db8:0:1::6"), of(t, "DE"))
	b.Add(addr("2001:db8:0:1::7"), addr("2001:db8:0:2::7"), of(t, "FR"))
	d := b.Database("about")
	for a, want := range map[string]string{
		"9.255.255.255": "??", "10.0.0.0": "DE", "10.0.0.255": "DE", "10.0.1.0": "FR", "10.0.1.127": "FR", "10.0.1.128": "??",
		"255.255.255.254": "??", "255.255.255.255": "US", "::ffff:10.0.0.1": "DE",
		"2001:db8:0:1::": "DE", "2001:db8:0:1:ffff::": "DE", "2001:db8:0:2::ffff": "FR", "2001:db8:0:3::": "??", "2001:db8::": "??",
	} {
		if c := d.Country(addr(a)); c.String() != want {
			t.Errorf("%s: %v, want %s", a, c, want)
		}
	}
	if c := d.Country(netip.Addr{}); c != Unknown {
		t.Errorf("no address: %v", c)
	}
}

func TestNetworkHasAllItsAddresses(t *testing.T) {
	for _, network := range []string{"10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "128.0.0.0/1", "2001:db8::/32", "::/0", "2001:db8:0:1::/64", "8000::/1"} {
		p := netip.MustParsePrefix(network)
		var b Builder
		b.AddNetwork(p, of(t, "DE"))
		d := b.Database("about")
		for _, a := range []string{"9.255.255.255", "10.0.0.0", "10.1.2.2", "10.1.2.3", "10.1.2.4", "10.255.255.255", "11.0.0.0", "127.255.255.255", "128.0.0.0",
			"0.0.0.0", "255.255.255.255", "::", "2001:db7:ffff:ffff::", "2001:db8::", "2001:db8:0:1::", "2001:db8:0:1:ffff::", "2001:db8:0:2::", "2001:db8:ffff:ffff::",
			"2001:db9::", "8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
			if got := d.Country(addr(a)) != Unknown; got != p.Contains(addr(a)) {
				t.Errorf("%s in %s: %v", a, network, got)
			}
		}
	}
}

func TestEmbeddedDatabaseKnowsTheWorld(t *testing.T) {
	d := Embedded()
	if len(d.About) < len("2006-01-02 x") || d.About[4] != '-' {
		t.Errorf("it says of itself %q", d.About)
	}
	for a, want := range map[string]string{
		"8.8.8.8": "US", "193.0.6.139": "NL", "133.11.0.1": "JP", "131.188.0.1": "DE", "200.160.2.3": "BR", "202.112.0.1": "CN",
		"2001:4860:4860::8888": "US", "2001:67c:2e8::1": "NL", "2001:200::1": "JP", "2001:638::1": "DE", "2001:12ff::1": "BR",
		"127.0.0.1": "??", "10.1.2.3": "??", "192.168.0.1": "??", "::1": "??", "fe80::1": "??", "fd00::1": "??", "2001:db8::1": "??", "192.0.2.1": "??", "240.0.0.1": "??",
	} {
		if c := d.Country(addr(a)); c.String() != want {
			t.Errorf("%s: %v, want %s", a, c, want)
		}
	}
}

func TestSearchAllocatesNothing(t *testing.T) {
	four, six := addr("131.188.0.1"), addr("2001:638::1")
	if n := testing.AllocsPerRun(100, func() {
		d := Embedded() // its own two values may be on the heap
		d.Country(four)
	}); n > 1 {
		t.Errorf("the embedded database: %v allocations", n)
	}
	d := Embedded()
	if n := testing.AllocsPerRun(100, func() { d.Country(four); d.Country(six) }); n > 0 {
		t.Errorf("a search: %v allocations", n)
	}
}

func TestDamagedDataIsRefused(t *testing.T) {
	var b Builder
	b.Add(addr("10.0.0.0"), addr("10.0.0.255"), of(t, "DE"))
	whole := string(b.Bytes("about"))
	for cut := range len(whole) {
		if _, err := parse(whole[:cut]); err == nil {
			t.Errorf("%d of %d bytes are enough", cut, len(whole))
		}
	}
	if _, err := parse(whole + "x"); err == nil {
		t.Error("one byte too many is fine")
	}
	if _, err := parse("about\n??DE\n"); err == nil {
		t.Error("other codes are fine")
	}
}

// FuzzParse searches what it takes for a database: whatever is in it, a search
// ends and finds a country.
func FuzzParse(f *testing.F) {
	var b Builder
	b.Add(addr("10.0.0.0"), addr("10.0.0.255"), 7)
	b.Add(addr("2001:db8::"), addr("2001:db8::1"), 8)
	head := "about\n" + codes + "\n"
	f.Add(b.Bytes("about")[len(head):], uint64(0x0a000001))
	f.Fuzz(func(t *testing.T, tables []byte, number uint64) {
		d, err := parse(head + string(tables))
		if err != nil {
			return
		}
		_, _ = d.v4.find(number).String(), d.v6.find(number).String()
	})
}

func BenchmarkCountry(b *testing.B) {
	d := Embedded()
	random := rand.New(rand.NewPCG(1, 2))
	fours, sixes := make([]netip.Addr, 4096), make([]netip.Addr, 4096)
	for i := range fours {
		n := random.Uint64()
		fours[i] = netip.AddrFrom4([4]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
		// Most of what is in use begins with 24 to 2c.
		sixes[i] = netip.AddrFrom16([16]byte{0x24 + byte(n>>60)%9, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), byte(n >> 32)})
	}
	for name, addresses := range map[string][]netip.Addr{"IPv4": fours, "IPv6": sixes} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				d.Country(addresses[i%len(addresses)])
			}
		})
	}
}
