package certificate

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"
)

// leastRSA is how many bits a key of RSA has that clients still trust (CA/Browser
// Forum baseline requirements, section 6.1.5).
const leastRSA = 2048

// warnings says what is suspicious about c at the time now; chosen is whether
// the user listed its names.
func warnings(c *Certificate, chosen bool, now time.Time) (found []string) {
	warn := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if w := Validity(c.Leaf, now); w != "" {
		warn("%s", w)
	}
	for _, cert := range c.Chain {
		if w := Validity(cert, now); w != "" {
			warn("in the chain: %s", w)
		}
	}
	for i, cert := range append([]*x509.Certificate{c.Leaf}, c.Chain...) {
		if weakSignature(cert) && (i == 0 || !selfIssued(cert)) {
			warn("the certificate of %s is signed with %s, which clients refuse: have it issued again", describe(cert), cert.SignatureAlgorithm)
		}
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < leastRSA {
			warn("the certificate of %s has %s, which clients refuse: it needs %d", describe(cert), describeKey(key), leastRSA)
		}
	}
	if w := incomplete(c); w != "" {
		warn("%s", w)
	}
	if c.mustStaple && !c.canStaple() {
		warn("the certificate of %s demands an OCSP staple, and there is none to be had: it needs the address of a responder in it, and its issuer's certificate behind it in tls_cert", describe(c.Leaf))
	}
	if len(c.Domains)+len(c.Addrs) == 0 && !c.CA && !c.Default {
		warn("the certificate of %s lists no names, so no client gets it: set domains, or is_default", describe(c.Leaf))
	}
	if chosen && !c.CA {
		if wrong := uncovered(c); len(wrong) > 0 {
			warn("the certificate of %s is not valid for %s, which it is to serve: clients refuse it there", describe(c.Leaf), strings.Join(wrong, ", "))
		}
	}
	return found
}

// Validity says so when cert has expired at the time now, or is not valid yet;
// "" when it is valid.
func Validity(cert *x509.Certificate, now time.Time) string {
	const form = "2006-01-02 15:04 MST"
	switch {
	case now.After(cert.NotAfter):
		return fmt.Sprintf("the certificate of %s expired on %s: clients refuse it", describe(cert), cert.NotAfter.UTC().Format(form))
	case now.Before(cert.NotBefore):
		return fmt.Sprintf("the certificate of %s is not valid before %s: clients refuse it (is the clock right?)", describe(cert), cert.NotBefore.UTC().Format(form))
	}
	return ""
}

func weakSignature(cert *x509.Certificate) bool {
	return slices.Contains([]x509.SignatureAlgorithm{
		x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1,
	}, cert.SignatureAlgorithm)
}

// incomplete says so when an intermediate certificate is missing. Only those
// that say where their issuer's certificate is found are surely issued by an
// intermediate: an authority of one's own often signs with its root.
func incomplete(c *Certificate) string {
	last := c.Leaf
	if len(c.Chain) > 0 {
		last = c.Chain[len(c.Chain)-1]
	}
	if selfIssued(last) || len(last.IssuingCertificateURL) == 0 || last != c.Leaf {
		return ""
	}
	return fmt.Sprintf("the certificate of %s comes without that of its issuer %q, so that many clients cannot verify it: append the intermediate certificate to tls_cert (found at %.200q)",
		describe(last), last.Issuer.CommonName, last.IssuingCertificateURL[0])
}

// uncovered lists the names that c is to serve and that are not in it.
func uncovered(c *Certificate) (wrong []string) {
	inside, addrs := namesOf(c.Leaf)
	for _, name := range c.Domains {
		_, parent, _ := strings.Cut(name, ".")
		if !slices.Contains(inside, name) && !slices.Contains(inside, "*."+parent) {
			wrong = append(wrong, name)
		}
	}
	for _, addr := range c.Addrs {
		if !slices.Contains(addrs, addr) {
			wrong = append(wrong, addr.String())
		}
	}
	return wrong
}
