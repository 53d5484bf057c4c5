package route

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strconv"
	"testing"

	"pingap/message"
)

// BenchmarkMatch asks for a few locations of tables of growing size again and
// again ("few"), which shows the steps without the misses of the processor's
// caches, and for locations all over the tables ("all"). A request is written
// into one buffer, where a connection would have it. Whoever serves a location
// looks at the target next ("served"), which takes time in which none of it is
// in the caches; "floor" is the same without a table, for a target that a hash
// of the request picks.
func BenchmarkMatch(b *testing.B) {
	seed := maphash.MakeSeed()
	for _, n := range []int{10, 1_000, 100_000} {
		table, targets := manyServed(b, n)
		all := rand.New(rand.NewPCG(1, 2)).Perm(1 << 20)
		for i := range all {
			all[i] = 2 + all[i]%(n-2)
		}
		match := func(x *message.Exchange) *served {
			target, _ := table.Match(x)
			return target
		}
		pick := func(x *message.Exchange) *served {
			h := maphash.String(seed, x.Request.Host) ^ maphash.String(seed, x.Request.Path)
			return targets[h%uint64(len(targets))]
		}
		for _, c := range []struct {
			name   string
			asked  []int
			choose func(*message.Exchange) *served
			serve  bool
		}{
			{"few", all[:8], match, false},
			{"all", all, match, false},
			{"served", all, match, true},
			{"floor", all, pick, true},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, c.name), func(b *testing.B) { benchmarkChoice(b, c.asked, c.choose, c.serve) })
		}
	}
}

func benchmarkChoice(b *testing.B, asked []int, choose func(*message.Exchange) *served, serve bool) {
	x := get("", "")
	buffer := make([]byte, 0, 256)
	i := 0
	for b.Loop() {
		x.Request.Host, x.Request.Path, buffer = requestFor(asked[i], buffer[:0])
		target := choose(x)
		if target == nil {
			b.Fatal("no location")
		}
		if serve {
			x.Location = target.name
		}
		if i++; i == len(asked) {
			i = 0
		}
	}
}

// served stands for what serves a location; it is of that size.
type served struct {
	name string
	_    [112]byte
}

// manyServed is the table of manySpecs, and its targets.
func manyServed(t testing.TB, n int) (*Table[*served], []*served) {
	var targets []*served
	var specs []Spec[*served]
	for _, s := range manySpecs(n) {
		target := &served{name: s.Name}
		targets = append(targets, target)
		specs = append(specs, Spec[*served]{Name: s.Name, Hosts: s.Hosts, Path: s.Path, Target: target})
	}
	choose, err := New(specs)
	if err != nil {
		t.Fatal(err)
	}
	return choose, targets
}

// BenchmarkNew makes tables of growing size.
func BenchmarkNew(b *testing.B) {
	for _, n := range []int{10, 10_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			specs := manySpecs(n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := New(specs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// requestFor writes a request for spec number i of manySpecs.
func requestFor(i int, b []byte) (host, path string, buffer []byte) {
	switch i % 5 {
	case 0:
		b = fill(b, "host", i, ".example.com")
	case 1:
		b = fill(b, "host", i-1, ".example.com")
	case 2:
		b = fill(b, "www.tenant", i, ".example.com")
	default:
		b = append(b, "www.example.org"...)
	}
	split := len(b)
	switch i % 5 {
	case 0, 2:
		b = append(b, "/index.html"...)
	case 1:
		b = append(b, "/api/items/42"...)
	case 3:
		b = fill(b, "/service-", i, "/items/42")
	case 4:
		b = fill(b, "/page/", i, "/index.html")
	}
	return message.View(b[:split]), message.View(b[split:]), b
}

func fill(b []byte, before string, i int, after string) []byte {
	return append(strconv.AppendInt(append(b, before...), int64(i), 10), after...)
}
