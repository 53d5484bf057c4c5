package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

// authority issues certificates to clients.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Clients"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}}
	var der []byte
	der, a.key = a.sign(t, a.cert, nil)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return a
}

// sign makes a key, and a certificate for it; by is nil for a certificate that
// signs itself.
func (a *authority) sign(t *testing.T, template *x509.Certificate, by *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(crand.Reader, template, a.cert, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

// issue makes the certificate of a client.
func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	der, key := a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(0xabc), Subject: pkix.Name{CommonName: name, Organization: []string{"Shop"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestClientsAreKnownByTheirCertificates(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	own, foreign := ours.issue(t, "alice"), theirs.issue(t, "mallory")
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("X-Verify"), "|", r.Header.Get("X-Subject"), "|", r.Header.Get("X-Serial"))
	})
	const alice = "SUCCESS|CN=alice,O=Shop|0ABC"
	for _, c := range []struct {
		auth string
		cert *tls.Certificate
		want string // "" for a handshake that fails
	}{
		{"require", &own, alice},
		{"require", nil, ""},
		{"require", &foreign, ""},
		{"optional", &own, alice},
		{"optional", nil, "NONE||"},
		{"optional", &foreign, ""},
		{"optional_no_ca", &own, alice},
		{"optional_no_ca", nil, "NONE||"},
		{"optional_no_ca", &foreign, "FAILED:unknown authority|CN=mallory,O=Shop|0ABC"},
	} {
		trust := x509.NewCertPool()
		p := startProxy(t, strings.NewReplacer(
			"[locations.all]", fmt.Sprintf("enabled_h2 = true\nglobal_certificates = true\ntls_client_ca = %q\ntls_client_auth = %q\n"+
				"[certificates.own]\ntls_cert = %q\n[locations.all]\nproxy_set_headers = [%q, %q, %q]",
				ours.pem, c.auth, selfSigned(t, trust), "X-Verify: $tls_client_verify", "X-Subject: :tls_client_subject", "X-Serial: $tls_client_serial"),
		).Replace(proxyTo(upstream)))
		config := &tls.Config{RootCAs: trust, ServerName: "proxy.test"}
		if c.cert != nil {
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.cert, nil }
		}
		for _, h2 := range []bool{false, true} {
			transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: h2}
			req, err := http.NewRequest("GET", "https://"+p.addr+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Verify", "SUCCESS") // which nobody believes
			req.Header.Set("X-Subject", "CN=root")
			r, err := (&http.Client{Transport: transport, Timeout: patience}).Do(req)
			if c.want == "" {
				if err == nil {
					r.Body.Close()
					t.Errorf("%s: a client without a certificate of ours is let in", c.auth)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.auth, err)
				continue
			}
			got, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err != nil || string(got) != c.want {
				t.Errorf("%s, HTTP/2 %v: the upstream sees %q, %v, want %q", c.auth, h2, got, err, c.want)
			}
			transport.CloseIdleConnections()
		}
	}
}
