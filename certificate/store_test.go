package certificate

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// modern is what browsers send, old what clients did that know RSA alone.
var (
	modern = tls.ClientHelloInfo{
		SupportedVersions: []uint16{tls.VersionTLS13, tls.VersionTLS12},
		SignatureSchemes:  []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256, tls.PKCS1WithSHA256},
		CipherSuites:      []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		SupportedCurves:   []tls.CurveID{tls.X25519, tls.CurveP256},
	}
	old = tls.ClientHelloInfo{
		SupportedVersions: []uint16{tls.VersionTLS12},
		SignatureSchemes:  []tls.SignatureScheme{tls.PKCS1WithSHA256},
		CipherSuites:      []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		SupportedCurves:   []tls.CurveID{tls.CurveP256},
	}
)

func hello(of tls.ClientHelloInfo, name string) *tls.ClientHelloInfo {
	of.ServerName = name
	return &of
}

// connTo is a connection that a client made to an address.
type connTo struct {
	net.Conn
	addr net.Addr
}

func (c connTo) LocalAddr() net.Addr { return c.addr }

func toAddress(of tls.ClientHelloInfo, addr string) *tls.ClientHelloInfo {
	of.Conn = connTo{addr: &net.TCPAddr{IP: net.ParseIP(addr), Port: 443}}
	return &of
}

// chosen is the name of the section whose certificate a client gets.
func chosen(s *Store, h *tls.ClientHelloInfo) string {
	cert, err := s.Get(h)
	if errors.Is(err, ErrNoCertificate) {
		return "none"
	}
	for _, c := range s.Certificates() {
		if c.TLS() == cert {
			return c.Name
		}
	}
	return fmt.Sprint("not in the store: ", err)
}

func TestStoreChoosesByName(t *testing.T) {
	ca := newCA(t, "CA", nil)
	leaf := func(spec Spec, names ...string) *Certificate {
		return loaded(t, spec, newLeaf(t, ca, newECDSA(t), names...))
	}
	withAddr := sign(t, x509.Certificate{IPAddresses: []net.IP{net.ParseIP("192.0.2.1"), net.ParseIP("2001:db8::1")}}, newECDSA(t), ca)
	certs := []*Certificate{
		leaf(Spec{Name: "exact"}, "www.a.test", "a.test"),
		leaf(Spec{Name: "wildcard"}, "*.a.test"),
		leaf(Spec{Name: "listed", Domains: []string{"B.test", " *.b.test "}}, "other.test"),
		leaf(Spec{Name: "default", Default: true}, "default.test"),
		loaded(t, Spec{Name: "address"}, withAddr),
	}
	s, warnings := NewStore(certs)
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	without, _ := NewStore(slices.DeleteFunc(slices.Clone(certs), func(c *Certificate) bool { return c.Default }))
	for _, c := range []struct{ name, want string }{
		{"www.a.test", "exact"},
		{"WWW.a.TEST", "exact"},
		{"www.a.test.", "exact"},
		{"a.test", "exact"},
		{"other.a.test", "wildcard"},
		{"two.other.a.test", ""},
		{".a.test", ""},
		{"b.test", "listed"},
		{"x.b.test", "listed"},
		{"other.test", ""},
		{"none.test", ""},
		{"", ""},
		{"*.a.test", "wildcard"},
		{strings.Repeat("x", 300) + ".a.test", ""},
	} {
		if got := chosen(s, hello(modern, c.name)); got != cmp.Or(c.want, "default") {
			t.Errorf("%q: got %s, want %s", c.name, got, cmp.Or(c.want, "default"))
		}
		if got := chosen(without, hello(modern, c.name)); got != cmp.Or(c.want, "none") {
			t.Errorf("%q without a default: got %s, want %s", c.name, got, cmp.Or(c.want, "none"))
		}
	}
	for addr, want := range map[string]string{"192.0.2.1": "address", "::ffff:192.0.2.1": "address", "2001:db8::1": "address", "192.0.2.2": "default"} {
		if got := chosen(s, toAddress(modern, addr)); got != want {
			t.Errorf("without a name, at %s: got %s, want %s", addr, got, want)
		}
	}
}

func TestStorePrefersECDSAForClientsThatKnowIt(t *testing.T) {
	ca := newCA(t, "CA", nil)
	s, warnings := NewStore([]*Certificate{
		loaded(t, Spec{Name: "rsa"}, newLeaf(t, ca, newRSA(), "a.test")),
		loaded(t, Spec{Name: "ecdsa"}, newLeaf(t, ca, newECDSA(t), "a.test")),
		loaded(t, Spec{Name: "ed25519"}, newLeaf(t, ca, newEd25519(t), "a.test")),
	})
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	modern12, onlyEd, ecdsaOnly12 := modern, modern, modern
	modern12.SupportedVersions = []uint16{tls.VersionTLS12}
	onlyEd.SignatureSchemes = []tls.SignatureScheme{tls.Ed25519}
	// The curve of the key is not among those that the client knows.
	ecdsaOnly12.SupportedVersions, ecdsaOnly12.SupportedCurves = []uint16{tls.VersionTLS12}, []tls.CurveID{tls.X25519}
	for _, c := range []struct {
		what  string
		hello tls.ClientHelloInfo
		want  string
	}{
		{"TLS 1.3", modern, "ecdsa"},
		{"TLS 1.2", modern12, "ecdsa"},
		{"RSA alone", old, "rsa"},
		{"Ed25519 alone", onlyEd, "ed25519"},
		{"TLS 1.2 without the curve", ecdsaOnly12, "rsa"},
		{"nothing that fits", tls.ClientHelloInfo{SupportedVersions: []uint16{tls.VersionTLS13}}, "ecdsa"},
	} {
		if got := chosen(s, hello(c.hello, "a.test")); got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

func TestStoreFallsBackToAWildcardThatTheClientCanUse(t *testing.T) {
	s, _ := NewStore([]*Certificate{
		loaded(t, Spec{Name: "exact"}, newLeaf(t, nil, newECDSA(t), "www.a.test")),
		loaded(t, Spec{Name: "wildcard"}, newLeaf(t, nil, newRSA(), "*.a.test")),
	})
	if got := chosen(s, hello(old, "www.a.test")); got != "wildcard" {
		t.Errorf("a client of RSA alone got %s", got)
	}
}

func TestStoreChoosesAmongEqualsByValidityAndNeverByChance(t *testing.T) {
	day := 24 * time.Hour
	at := func(name string, from, to time.Duration) *Certificate {
		return loaded(t, Spec{Name: name}, sign(t, x509.Certificate{DNSNames: []string{"a.test"},
			NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to).Truncate(day)}, newECDSA(t), nil))
	}
	expired, first, second, renewed, future := at("expired", -9*day, -day), at("first", -day, 3*day), at("second", -day, 3*day),
		at("renewed", -day, 9*day), at("future", 5*day, 20*day)
	for _, c := range []struct {
		certs []*Certificate
		want  string
	}{
		{[]*Certificate{first, second}, "first"},
		{[]*Certificate{first, renewed}, "renewed"},
		{[]*Certificate{first, future}, "first"},
		{[]*Certificate{expired, first, second, renewed, future}, "renewed"},
		{[]*Certificate{expired, future}, "future"},
		{[]*Certificate{expired}, "expired"},
	} {
		for range 10 {
			rand.Shuffle(len(c.certs), func(i, j int) { c.certs[i], c.certs[j] = c.certs[j], c.certs[i] })
			s, warnings := NewStore(c.certs)
			if got := chosen(s, hello(modern, "a.test")); got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
			if len(warnings) != len(c.certs)-1 {
				t.Fatalf("warnings: %q", warnings)
			}
		}
	}
}

func TestStoreLookupDoesNotAllocate(t *testing.T) {
	ca := newCA(t, "CA", nil)
	s, _ := NewStore([]*Certificate{
		loaded(t, Spec{Name: "exact", Default: true}, newLeaf(t, ca, newECDSA(t), "www.a.test")),
		loaded(t, Spec{Name: "wildcard"}, newLeaf(t, ca, newECDSA(t), "*.a.test")),
		loaded(t, Spec{Name: "ca", CA: true, Domains: []string{"*.ca.test"}}, ca),
	})
	for _, name := range []string{"WWW.a.test", "x.a.test", "none.test", "x.ca.test", ""} {
		h := hello(modern, name)
		if n := testing.AllocsPerRun(100, func() { s.Get(h) }); n > 0 {
			t.Errorf("%q: %v allocations", name, n)
		}
	}
}

// FuzzStoreMatchesTheObviousChoice compares the index with a walk over all
// certificates.
func FuzzStoreMatchesTheObviousChoice(f *testing.F) {
	f.Add("a.test,*.a.test,b.test", "x.a.test")
	f.Add("*.test,a.test", "A.test.")
	f.Fuzz(func(t *testing.T, list, name string) {
		domains, _, err := parseDomains(strings.Split(list, ","))
		if err != nil || len(domains) > 8 || name == "" {
			return
		}
		var certs []*Certificate
		for i, d := range domains {
			c := &Certificate{Name: fmt.Sprint(i), Domains: []string{d}, Leaf: &x509.Certificate{NotAfter: time.Now().Add(time.Hour)}, algorithm: ecdsaP256}
			c.current.Store(&tls.Certificate{})
			certs = append(certs, c)
		}
		s, _ := NewStore(certs)
		host := strings.ToLower(strings.TrimSuffix(name, "."))
		want := "none"
		for _, pattern := range []string{host, "*" + host[max(0, strings.IndexByte(host, '.')):]} {
			if i := slices.Index(domains, pattern); want == "none" && i >= 0 && strings.IndexByte(host, '.') != 0 {
				want = fmt.Sprint(i)
			}
		}
		if got := chosen(s, hello(modern, name)); got != want {
			t.Errorf("%q among %q: got %s, want %s", name, domains, got, want)
		}
	})
}
