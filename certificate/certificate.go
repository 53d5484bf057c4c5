package certificate

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Spec is a certificate as the user describes it.
type Spec struct {
	// Name is that of the section, for messages and to decide between equals.
	Name string
	// Cert is the certificate and its chain, leaf first, and Key the private
	// key: each as PEM text, base64 of PEM text, or the path of a file with
	// either, which may begin with ~. The key may also stand in Cert's text;
	// Key is empty then.
	Cert, Key string
	// Domains are the names to serve: exact, *.example.com (one label) or IP
	// addresses. With none the names that the certificate itself lists are
	// served.
	Domains []string
	// Default makes it the one for clients that name no server, or one that
	// nothing else matches.
	Default bool
	// CA says that the pair is a certification authority, which issues a
	// certificate for each name that a client asks for. With Domains it does so
	// for these names alone.
	CA bool
}

// Certificate is one that can be served. It does not change but for its staple,
// so it may be kept for as long as its Digest remains the same.
type Certificate struct {
	// Name, Default and CA are those of the Spec.
	Name        string
	Default, CA bool
	// Domains are the names that it serves, in lower case, each exact or with
	// *. in front, and Addrs the IP addresses.
	Domains []string
	Addrs   []netip.Addr
	// Leaf is the certificate itself, and Chain what is sent with it.
	Leaf  *x509.Certificate
	Chain []*x509.Certificate
	// Warnings say what is suspicious about it, one sentence each.
	Warnings []string
	// Files are those that it was read from: it may differ when one changes.
	Files []string
	// Digest is that of everything in the Spec, and of what was in the files.
	Digest [sha256.Size]byte

	algorithm  algorithm
	mustStaple bool                            // clients refuse it without a staple
	current    atomic.Pointer[tls.Certificate] // with its staple; never nil
	authority  *authority                      // of a CA, else nil
}

// TLS returns the certificate for crypto/tls, with the staple that it has now.
// It must not be changed.
func (c *Certificate) TLS() *tls.Certificate { return c.current.Load() }

// Load reads the certificate that spec describes. It may read files. An error
// says what is wrong with which key of the section; what is only suspicious is
// in the Certificate's Warnings.
func Load(spec Spec) (*Certificate, error) {
	return load(spec, keys{"tls_cert", "tls_key"})
}

// keys are what the values of a Spec are called in the configuration.
type keys struct{ cert, key string }

func load(spec Spec, called keys) (*Certificate, error) {
	c := &Certificate{Name: spec.Name, Default: spec.Default, CA: spec.CA}
	certs, key, err := c.readPair(spec, called)
	if err != nil {
		return nil, err
	}
	if err := c.arrange(certs, key, called); err != nil {
		return nil, err
	}
	if c.Domains, c.Addrs, err = parseDomains(spec.Domains); err != nil {
		return nil, fmt.Errorf("domains: %w", err)
	}
	if len(spec.Domains) == 0 && !spec.CA { // an authority does not serve itself
		c.Domains, c.Addrs = namesOf(c.Leaf)
	}
	c.algorithm, c.mustStaple = algorithmOf(c.Leaf), mustStaple(c.Leaf)
	c.current.Store(c.compose(key))
	if spec.CA {
		if c.authority, err = newAuthority(c.Leaf, c.Chain, key); err != nil {
			return nil, err
		}
	}
	c.Warnings = append(c.Warnings, warnings(c, len(spec.Domains) > 0, time.Now())...)
	return c, nil
}

// readPair returns the certificates and the key of spec, and notes where they
// came from.
func (c *Certificate) readPair(spec Spec, called keys) ([]*x509.Certificate, crypto.Signer, error) {
	text, path, err := readText(spec.Cert)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %w", called.cert, err)
	}
	certs, err := parseCertificates(text, maxChain)
	if err != nil {
		return nil, nil, fmt.Errorf("%s%s %w", called.cert, from(path), err)
	}
	keyText, keyPath, of := text, path, called.key+" is empty, and "+called.cert
	if spec.Key != "" {
		of = called.key
		if keyText, keyPath, err = readText(spec.Key); err != nil {
			return nil, nil, fmt.Errorf("%s %w", called.key, err)
		}
	}
	key, err := parseKey(keyText)
	if err != nil {
		return nil, nil, fmt.Errorf("%s%s %w", of, from(keyPath), err)
	}
	for _, p := range []string{path, keyPath} {
		if p != "" && !slices.Contains(c.Files, p) {
			c.Files = append(c.Files, p)
		}
	}
	c.Digest = digest(spec, text, keyText)
	return certs, key, nil
}

// from says which file a text came from.
func from(path string) string {
	if path == "" {
		return ""
	}
	return " (file " + path + ")"
}

// digest covers spec, with the texts in the place of where they came from.
func digest(spec Spec, cert, key []byte) (d [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %v %v %d ", spec.Name, spec.Domains, spec.Default, spec.CA, len(cert))
	h.Write(cert)
	h.Write(key)
	h.Sum(d[:0])
	return d
}

// DigestOf is that of values in each form that Spec.Cert has, by what they hold
// now: it tells whether something that was made of them is still the same. It
// may read files.
func DigestOf(values ...string) (d [sha256.Size]byte) {
	h := sha256.New()
	for _, v := range values {
		text, _, err := readText(v)
		if err != nil {
			text = []byte(v)
		}
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	h.Sum(d[:0])
	return d
}

// public is what every public key of crypto has.
type public interface{ Equal(crypto.PublicKey) bool }

// arrange tells the leaf from the chain, and checks that the key is the leaf's.
func (c *Certificate) arrange(certs []*x509.Certificate, key crypto.Signer, called keys) error {
	owner := slices.IndexFunc(certs, func(cert *x509.Certificate) bool {
		p, ok := cert.PublicKey.(public)
		return ok && p.Equal(key.Public())
	})
	switch {
	case owner < 0:
		return fmt.Errorf("%s is not the key of %s: the certificate of %s has %s, the key is %s; they were made for different requests, or one of the two is older",
			called.key, called.cert, describe(certs[0]), describeKey(certs[0].PublicKey), describeKey(key.Public()))
	case owner > 0:
		return fmt.Errorf("%s is the key of certificate %d in %s, that of %s: it must stand first, the certificates of its issuers behind it", called.key, owner+1, called.cert, describe(certs[owner]))
	}
	c.Leaf = certs[0]
	var unused []*x509.Certificate
	c.Chain, unused = orderChain(c.Leaf, certs[1:])
	for _, cert := range unused {
		c.warn("%s holds the certificate of %s, which is not an issuer in the chain of %s: it is not sent", called.cert, describe(cert), describe(c.Leaf))
	}
	return nil
}

func (c *Certificate) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// orderChain returns those of certs that lead from leaf to a root, each issued
// by the next (RFC 5246 section 7.4.2), and the rest.
func orderChain(leaf *x509.Certificate, certs []*x509.Certificate) (chain, rest []*x509.Certificate) {
	rest = slices.Clone(certs)
	for at := leaf; !selfIssued(at); {
		i := slices.IndexFunc(rest, func(cert *x509.Certificate) bool { return issued(cert, at) })
		if i < 0 {
			break
		}
		at = rest[i]
		chain, rest = append(chain, at), slices.Delete(rest, i, i+1)
	}
	return chain, rest
}

// issued reports whether issuer signed cert. A signature by an algorithm that
// nobody trusts any more counts as one: it is reported elsewhere.
func issued(issuer, cert *x509.Certificate) bool {
	if !bytes.Equal(issuer.RawSubject, cert.RawIssuer) {
		return false
	}
	err := cert.CheckSignatureFrom(issuer)
	_, weak := err.(x509.InsecureAlgorithmError)
	return err == nil || weak
}

func selfIssued(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawSubject, cert.RawIssuer)
}

// compose makes the certificate for crypto/tls.
func (c *Certificate) compose(key crypto.Signer) *tls.Certificate {
	t := &tls.Certificate{Certificate: [][]byte{c.Leaf.Raw}, PrivateKey: key, Leaf: c.Leaf}
	for _, cert := range c.Chain {
		t.Certificate = append(t.Certificate, cert.Raw)
	}
	return t
}
