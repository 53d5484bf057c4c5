package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pingap/certificate"
	"pingap/config"
)

// pair returns a certificate for a name and its key, as PEM text.
func pair(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

func TestCertificateGoesOnUntilItsSectionOrItsFileChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b.pem")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load := func(text string, before *certificate.Store) (*certificate.Store, map[string]*certificate.Certificate) {
		c, problems := config.Parse("test.toml", []byte(text))
		store, wrong := loadCertificates(c, before)
		if errs := append(problems, wrong...).Errors(); len(errs) > 0 {
			t.Fatal(errs)
		}
		certs := map[string]*certificate.Certificate{}
		for _, cert := range store.Certificates() {
			certs[cert.Name] = cert
		}
		return store, certs
	}
	write(pair(t, "b.test"))
	text := fmt.Sprintf("[certificates.a]\ntls_cert = '''%s'''\n[certificates.b]\ntls_cert = %q\n", pair(t, "a.test"), file)
	first, was := load(text, nil)
	second, is := load(text, first)
	if is["a"] != was["a"] || is["b"] != was["b"] {
		t.Error("certificates that are the same were made again")
	}
	write(pair(t, "b.test"))
	_, last := load(text, second)
	if last["a"] != was["a"] || last["b"] == was["b"] {
		t.Error("not the certificate was made again whose file has changed, or another too")
	}
}
