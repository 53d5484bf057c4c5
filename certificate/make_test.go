package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"sync"
	"testing"
	"time"
)

// pair is a certificate with its key, as tests make them.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer
}

var serials int64

// sign makes a certificate by issuer, or by itself when that is nil. It is valid
// for an hour around now unless the template says otherwise.
func sign(t testing.TB, template x509.Certificate, key crypto.Signer, issuer *pair) *pair {
	t.Helper()
	serials++
	template.SerialNumber = big.NewInt(serials)
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	if issuer == nil {
		issuer = &pair{&template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, issuer.cert, key.Public(), issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &pair{cert, key}
}

// newCA makes an authority, a root when issuer is nil.
func newCA(t testing.TB, name string, issuer *pair) *pair {
	t.Helper()
	return sign(t, x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{"Example"}}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour),
	}, newECDSA(t), issuer)
}

// newLeaf makes a certificate of a server for names.
func newLeaf(t testing.TB, issuer *pair, key crypto.Signer, names ...string) *pair {
	t.Helper()
	return sign(t, x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names}, key, issuer)
}

func newECDSA(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newEd25519(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newRSA returns the one key of RSA that all tests share: making one takes long.
var newRSA = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// certPEM is the PEM text of certificates, in this order.
func certPEM(pairs ...*pair) string {
	text := ""
	for _, p := range pairs {
		text += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw}))
	}
	return text
}

// keyPEM is the PEM text of a key in PKCS 8.
func keyPEM(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// loaded loads a pair with its chain.
func loaded(t testing.TB, spec Spec, leaf *pair, chain ...*pair) *Certificate {
	t.Helper()
	spec.Cert, spec.Key = certPEM(append([]*pair{leaf}, chain...)...), keyPEM(t, leaf.key)
	c, err := Load(spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// poolOf trusts a root.
func poolOf(roots ...*pair) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, r := range roots {
		pool.AddCert(r.cert)
	}
	return pool
}

// mustStapleExtension demands a staple (RFC 7633).
var mustStapleExtension = pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}}
