package certificate

import (
	"crypto/tls"
	"fmt"
	"testing"
)

func BenchmarkStoreGet(b *testing.B) {
	leaf := newLeaf(b, nil, newECDSA(b), "a.test")
	for _, n := range []int{10, 100_000} {
		var certs []*Certificate
		for i := range n {
			c := &Certificate{Name: fmt.Sprint(i), Domains: []string{fmt.Sprintf("x%d.test", i)}, Leaf: leaf.cert}
			c.current.Store(&tls.Certificate{})
			certs = append(certs, c)
		}
		s, _ := NewStore(certs)
		h := hello(modern, fmt.Sprintf("x%d.test", n/2))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Get(h); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHandshake(b *testing.B) {
	k, err := NewTicketKeys(TicketSpec{})
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	for _, resumed := range []bool{false, true} {
		server, client := site(b, ServerSpec{Tickets: k}, "a.test")
		if resumed {
			client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		}
		b.Run(fmt.Sprintf("resumed=%v", resumed), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := shake(b, server, client); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
