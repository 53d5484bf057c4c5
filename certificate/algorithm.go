package certificate

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
)

// algorithm is what the key of a certificate signs with. Its order is that of
// preference: signing with ECDSA is several times as fast as with RSA, and
// Ed25519 is not for browsers.
type algorithm int

const (
	ecdsaP256 algorithm = iota
	ecdsaP384
	ecdsaP521
	ed25519Pure
	rsaAny
)

func algorithmOf(cert *x509.Certificate) algorithm {
	switch key := cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve.Params().BitSize {
		case 384:
			return ecdsaP384
		case 521:
			return ecdsaP521
		}
		return ecdsaP256
	case ed25519.PublicKey:
		return ed25519Pure
	}
	return rsaAny
}

// schemes are the signature schemes of TLS 1.3 for each algorithm (RFC 8446
// section 4.2.3), and curves the curves that a client of TLS 1.2 must know for
// it (RFC 8422 section 5.1).
var (
	schemes = [...][]tls.SignatureScheme{
		ecdsaP256:   {tls.ECDSAWithP256AndSHA256},
		ecdsaP384:   {tls.ECDSAWithP384AndSHA384},
		ecdsaP521:   {tls.ECDSAWithP521AndSHA512},
		ed25519Pure: {tls.Ed25519},
		rsaAny:      {tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512},
	}
	curves = [...]tls.CurveID{ecdsaP256: tls.CurveP256, ecdsaP384: tls.CurveP384, ecdsaP521: tls.CurveP521}
)

// limits are the settings of a server that bear on which certificate can be
// used.
type limits struct {
	maxVersion uint16
	suites     []uint16 // up to TLS 1.2, those of signatures with ECDSA and Ed25519
	rsaSuites  []uint16 // up to TLS 1.2, those of keys of RSA
}

// limitsOf returns those of a server with these suites; none means all there
// are.
func limitsOf(maxVersion uint16, suites []uint16) *limits {
	l := &limits{maxVersion: maxVersion}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		switch name := suite.Name; {
		case len(suites) > 0 && !slices.Contains(suites, suite.ID):
		case strings.Contains(name, "_ECDSA_"):
			l.suites = append(l.suites, suite.ID)
		case strings.Contains(name, "_RSA_"):
			l.rsaSuites = append(l.rsaSuites, suite.ID)
		}
	}
	return l
}

// serves reports whether the client can use a certificate of algorithm a.
func (l *limits) serves(hello *tls.ClientHelloInfo, a algorithm) bool {
	if l.maxVersion >= tls.VersionTLS13 && slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
		return overlap(hello.SignatureSchemes, schemes[a])
	}
	if a == rsaAny {
		return overlap(hello.CipherSuites, l.rsaSuites)
	}
	if !overlap(hello.CipherSuites, l.suites) {
		return false
	}
	if a == ed25519Pure {
		return slices.Contains(hello.SignatureSchemes, tls.Ed25519)
	}
	// In TLS 1.2 a scheme names a hash, and the curve stands on its own.
	return slices.Contains(hello.SupportedCurves, curves[a]) &&
		(overlap(hello.SignatureSchemes, schemes[ecdsaP256]) || overlap(hello.SignatureSchemes, schemes[ecdsaP384]) || overlap(hello.SignatureSchemes, schemes[ecdsaP521]))
}

func overlap[T comparable](a, b []T) bool {
	for _, x := range a {
		if slices.Contains(b, x) {
			return true
		}
	}
	return false
}

// describeKey names the kind and the size of a public key.
func describeKey(key any) string {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return "an ECDSA key on " + key.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("an RSA key of %d bits", key.N.BitLen())
	case ed25519.PublicKey:
		return "an Ed25519 key"
	}
	return fmt.Sprintf("a key of type %T", key)
}
