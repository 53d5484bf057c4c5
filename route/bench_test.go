package route

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"pingap/message"
)

// BenchmarkMatch asks for locations all over tables of growing size ("all"),
// and for a few again and again ("few"), which shows the steps without the
// misses of the processor's caches. Requests are written into one buffer as a
// connection's would be, which takes the same time for all sizes ("0").
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{0, 10, 1_000, 100_000} {
		choose := table(b, manySpecs(n)...)
		numbers := rand.New(rand.NewPCG(1, 2)).Perm(1 << 20)
		for i := range numbers {
			numbers[i] = 2 + numbers[i]%max(n-2, 1)
		}
		for name, asked := range map[string][]int{"all": numbers, "few": numbers[:8]} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				x := get("", "")
				buffer := make([]byte, 0, 256)
				i := 0
				for b.Loop() {
					x.Request.Host, x.Request.Path, buffer = requestFor(asked[i], buffer[:0])
					if _, ok := choose.Match(x); !ok {
						b.Fatal("no location")
					}
					if i++; i == len(asked) {
						i = 0
					}
				}
			})
		}
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
