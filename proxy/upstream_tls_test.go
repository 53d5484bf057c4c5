package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pingap/config"
)

// expired is a certificate that was valid until an hour ago, with its key.
func expired(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"proxy.test"},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
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

func TestCertificateThatPeersWillRefuseIsWarnedOf(t *testing.T) {
	c, problems := config.Parse("test.toml", fmt.Appendf(nil, `
[upstreams.app]
addrs = ["127.0.0.1:1"]
sni = "app.test"
verify_cert = false
tls_client_cert = '''%s'''
`, expired(t)))
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	for _, p := range Check(c) {
		if p.Key == "tls_client_cert" && p.Warning && strings.Contains(p.Message, "expired") {
			return
		}
	}
	t.Errorf("got %v", Check(c))
}
