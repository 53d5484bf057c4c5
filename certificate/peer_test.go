package certificate

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"testing"
	"time"
)

// shown is a certificate of a client.
func shown(t testing.TB, issuer *pair, change func(*x509.Certificate)) *pair {
	t.Helper()
	template := x509.Certificate{
		Subject:     pkix.Name{CommonName: "Ann\n", Organization: []string{"Example"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	change(&template)
	return sign(t, template, newECDSA(t), issuer)
}

func TestIdentifySaysWhoTheClientIs(t *testing.T) {
	known, unknown := newCA(t, "Known", nil), newCA(t, "Unknown", nil)
	middle := newCA(t, "Middle", known)
	same := func(*x509.Certificate) {}
	for _, c := range []struct {
		what  string
		mode  string
		chain []*pair
		want  string
	}{
		{"none", "optional", nil, "NONE"},
		{"good", "require", []*pair{shown(t, known, same)}, "SUCCESS"},
		{"good, unasked", "optional_no_ca", []*pair{shown(t, known, same)}, "SUCCESS"},
		{"good by an intermediate", "optional_no_ca", []*pair{shown(t, middle, same), middle}, "SUCCESS"},
		{"without the intermediate", "optional_no_ca", []*pair{shown(t, middle, same)}, "FAILED:unknown authority"},
		{"of another issuer", "optional_no_ca", []*pair{shown(t, unknown, same)}, "FAILED:unknown authority"},
		{"expired", "optional_no_ca", []*pair{shown(t, known, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })}, "FAILED:expired or not yet valid"},
		{"of a server", "optional_no_ca", []*pair{shown(t, known, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })}, "FAILED:not for clients"},
	} {
		server, client := site(t, ServerSpec{ClientCA: certPEM(known), ClientAuth: c.mode, Tickets: keysAt(t, TicketSpec{}, midnight)}, "a.test")
		client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert := &tls.Certificate{}
			for _, p := range c.chain {
				cert.Certificate, cert.PrivateKey = append(cert.Certificate, p.cert.Raw), c.chain[0].key
			}
			return cert, nil
		}
		for _, resumed := range []bool{false, true} {
			state, _, err := shake(t, server, client)
			if err != nil || state.DidResume != resumed {
				// A client with an expired certificate shows it again.
				if err != nil || c.what != "expired" {
					t.Errorf("%s: resumed %v: %v", c.what, state.DidResume, err)
				}
			}
			if got := Identify(&state, server); got.Verify != c.want || (got.Subject == "") != (c.chain == nil) {
				t.Errorf("%s: got %+v, want %s", c.what, got, c.want)
			}
		}
	}
}

func TestIdentifyWritesWhatFitsIntoAHeaderField(t *testing.T) {
	issuer := newCA(t, "Known, Ltd.", nil)
	p := shown(t, issuer, func(*x509.Certificate) {})
	cert := *p.cert
	cert.SerialNumber = big.NewInt(0x0abc)
	sum := sha256.Sum256(cert.Raw)
	got := Identify(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{&cert}}, &tls.Config{})
	want := Peer{
		Verify: "FAILED:no authority is trusted", Subject: `CN=Ann\0A,O=Example`, Issuer: `CN=Known\, Ltd.,O=Example`,
		Serial: "0ABC", Fingerprint: hex.EncodeToString(sum[:]), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
