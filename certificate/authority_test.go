package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// verify checks what a client would, without the network.
func verify(t *testing.T, cert *tls.Certificate, root *pair, host string) {
	t.Helper()
	intermediates := x509.NewCertPool()
	for _, der := range cert.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		intermediates.AddCert(c)
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: poolOf(root), Intermediates: intermediates}); err != nil {
		t.Errorf("%s: %v", host, err)
	}
}

func TestAuthorityIssuesCertificatesThatClientsTrust(t *testing.T) {
	root := newCA(t, "Root", nil)
	c := loaded(t, Spec{Name: "ca", CA: true, Default: true}, newCA(t, "Sub", root), root)
	s, _ := NewStore([]*Certificate{c})
	for _, name := range []string{"a.test", "www.A.test", "x_y.b.c.d.test", strings.Repeat("long-", 12) + "x.test"} {
		cert, err := s.Get(hello(modern, name))
		if err != nil {
			t.Fatal(err)
		}
		verify(t, cert, root, name)
	}
	cert, err := s.Get(toAddress(modern, "192.0.2.7"))
	if err != nil {
		t.Fatal(err)
	}
	verify(t, cert, root, "192.0.2.7")
}

func TestAuthorityIssuesForAllowedNamesAlone(t *testing.T) {
	ca := newCA(t, "CA", nil)
	all, _ := NewStore([]*Certificate{loaded(t, Spec{Name: "ca", CA: true}, ca)})
	some, _ := NewStore([]*Certificate{loaded(t, Spec{Name: "ca", CA: true, Default: true, Domains: []string{"a.test", "*.b.test"}}, ca)})
	for _, c := range []struct {
		name      string
		all, some bool
	}{
		{"a.test", true, true},
		{"www.b.test", true, true},
		{"b.test", true, false},
		{"other.test", true, false},
		{"-a.b.test", false, false},
		{"*.b.test", false, false},
		{"a b.b.test", false, false},
		{"a..test", false, false},
		{"<script>.b.test", false, false},
		{"\n.b.test", false, false},
		{"192.0.2.1", false, false},
		{strings.Repeat("x", 64) + ".b.test", false, false},
		{strings.Repeat("x.", 130) + "b.test", false, false},
		{"", false, false},
	} {
		_, err := all.Get(hello(modern, c.name))
		if (err == nil) != c.all {
			t.Errorf("%q, any name: %v", c.name, err)
		}
		if _, err = some.Get(hello(modern, c.name)); (err == nil) != c.some {
			t.Errorf("%q, some names: %v", c.name, err)
		}
	}
}

func TestCertificatesOfTheirOwnComeBeforeTheAuthority(t *testing.T) {
	ca := newCA(t, "CA", nil)
	s, _ := NewStore([]*Certificate{
		loaded(t, Spec{Name: "any", CA: true}, ca),
		loaded(t, Spec{Name: "named", CA: true, Domains: []string{"a.test"}}, ca),
		loaded(t, Spec{Name: "own"}, newLeaf(t, ca, newECDSA(t), "a.test")),
		loaded(t, Spec{Name: "default", Default: true}, newLeaf(t, ca, newECDSA(t), "default.test")),
	})
	if got := chosen(s, hello(modern, "a.test")); got != "own" {
		t.Errorf("got %s", got)
	}
	cert, err := s.Get(hello(modern, "b.test"))
	if err != nil || cert.Leaf.DNSNames[0] != "b.test" {
		t.Errorf("b.test got %v, %v", cert, err)
	}
	if got := chosen(s, hello(modern, "no host")); got != "default" {
		t.Errorf("what is no host got %s", got)
	}
}

func TestAuthorityKeepsABoundedNumberOfCertificates(t *testing.T) {
	c := loaded(t, Spec{Name: "ca", CA: true}, newCA(t, "CA", nil))
	s, _ := NewStore([]*Certificate{c})
	get := func(name string) *tls.Certificate {
		cert, err := s.Get(hello(modern, name))
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	kept, dropped := get("kept.test"), get("dropped.test")
	for i := range maxIssued - 1 {
		get("kept.test")
		get(fmt.Sprintf("x%d.test", i))
	}
	if n := len(c.authority.issued); n != maxIssued || c.authority.recent.Len() != n {
		t.Errorf("%d certificates are kept", n)
	}
	if get("kept.test") != kept {
		t.Error("one that is in use was dropped")
	}
	if get("dropped.test") == dropped {
		t.Error("the one that was not used longest was kept")
	}
}

func TestAuthorityRenewsInTime(t *testing.T) {
	c := loaded(t, Spec{Name: "ca", CA: true}, newCA(t, "CA", nil))
	a := c.authority
	first, err := a.issue([]byte("a.test"), nil, inPlace)
	if err != nil {
		t.Fatal(err)
	}
	if a.lookup([]byte("a.test"), first.Leaf.NotAfter.Add(-renewed-time.Minute)) != first {
		t.Error("not kept until then")
	}
	if a.lookup([]byte("a.test"), first.Leaf.NotAfter.Add(-renewed+time.Minute)) != nil {
		t.Error("kept until it is about to expire")
	}
	if first.Leaf.NotAfter.After(time.Now().Add(398 * 24 * time.Hour)) {
		t.Error("valid for longer than browsers accept")
	}
}

func TestAuthorityIssuesAwayFromTheLoop(t *testing.T) {
	c := loaded(t, Spec{Name: "ca", CA: true}, newCA(t, "CA", nil))
	s, _ := NewStore([]*Certificate{c})
	asked := 0
	away := func(conn net.Conn, slow func()) {
		asked++
		done := make(chan struct{})
		go func() { slow(); close(done) }()
		<-done
	}
	for range 2 {
		if _, err := s.get(hello(modern, "a.test"), anything, away); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("issued away from the loop %d times", asked)
	}
}

func TestAuthorityIsSafeForManyLoops(t *testing.T) {
	c := loaded(t, Spec{Name: "ca", CA: true}, newCA(t, "CA", nil))
	s, _ := NewStore([]*Certificate{c})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				name := fmt.Sprintf("x%d.test", (i+j)%20)
				cert, err := s.Get(hello(modern, name))
				if err != nil || cert.Leaf.DNSNames[0] != name {
					t.Error(name, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestClientsWithoutANameAndAnAddressGetNothingIssued(t *testing.T) {
	c := loaded(t, Spec{Name: "ca", CA: true, Default: true}, newCA(t, "CA", nil))
	s, _ := NewStore([]*Certificate{c})
	if _, err := s.Get(hello(modern, "")); !errors.Is(err, errNoHost) {
		t.Errorf("got %v", err)
	}
}
