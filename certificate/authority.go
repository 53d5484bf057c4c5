package certificate

import (
	"container/list"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxIssued is how many certificates an authority keeps, of some 2 KiB each.
	// The one that has not been asked for longest makes room.
	maxIssued = 1024
	// issuedFor is how long a certificate is valid: within what browsers allow
	// below a root of one's own.
	issuedFor = 365 * 24 * time.Hour
	// backdated is how far the clocks of clients may be behind.
	backdated = 24 * time.Hour
	// renewed is how long before its end a certificate is issued again.
	renewed = issuedFor / 4
)

// offload calls slow where it does not keep the loop of conn from turning, and
// returns when it is done.
type offload func(conn net.Conn, slow func())

// inPlace is the offload of those who may wait.
func inPlace(_ net.Conn, slow func()) { slow() }

// authority issues certificates. They share one key, since making keys takes
// longer than signing and nobody is kept apart by them.
type authority struct {
	issuer *x509.Certificate
	signer crypto.Signer
	key    *ecdsa.PrivateKey // of what it issues
	chain  [][]byte          // what is sent behind it

	mu     sync.Mutex // held to look up and to enter, not to sign
	issued map[string]*list.Element
	recent *list.List // of *issuedLeaf, latest use first
}

type issuedLeaf struct {
	host        string
	certificate *tls.Certificate
}

// newAuthority checks that issuer may issue certificates.
func newAuthority(issuer *x509.Certificate, chain []*x509.Certificate, signer crypto.Signer) (*authority, error) {
	switch {
	case !issuer.IsCA:
		return nil, fmt.Errorf("is_ca is set, but the certificate of %s is not that of an authority (its basic constraints do not say CA:TRUE)", describe(issuer))
	case issuer.KeyUsage != 0 && issuer.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, fmt.Errorf("is_ca is set, but the key usage of the certificate of %s does not let it sign certificates", describe(issuer))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &authority{
		issuer: issuer, signer: signer, key: key, chain: [][]byte{issuer.Raw},
		issued: map[string]*list.Element{}, recent: list.New(),
	}
	for _, cert := range chain {
		a.chain = append(a.chain, cert.Raw)
	}
	return a, nil
}

var errNoHost = errors.New("no certificate is issued for a client that names no host")

// issueFor returns a certificate for an address.
func (a *authority) issueFor(addr netip.Addr, conn net.Conn, away offload) (*tls.Certificate, error) {
	if !addr.IsValid() {
		return nil, errNoHost
	}
	return a.issue([]byte(addr.String()), conn, away)
}

// issue returns a certificate for host, a name in lower case or an address.
func (a *authority) issue(host []byte, conn net.Conn, away offload) (*tls.Certificate, error) {
	now := time.Now()
	if cert := a.lookup(host, now); cert != nil {
		return cert, nil
	}
	name := string(host)
	addr, err := netip.ParseAddr(name)
	if err != nil && !validHost(name) {
		return nil, errNoHost
	}
	var cert *tls.Certificate
	// Whatever the key is: that the signature is right is checked too.
	away(conn, func() { cert, err = a.sign(name, addr, now) })
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate for %q: %w", name, err)
	}
	a.enter(name, cert)
	return cert, nil
}

// lookup returns the certificate for host that is there already, or nil.
func (a *authority) lookup(host []byte, now time.Time) *tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.issued[string(host)]
	if e == nil {
		return nil
	}
	cert := e.Value.(*issuedLeaf).certificate
	if end := cert.Leaf.NotAfter; now.After(end.Add(-renewed)) && end.Before(a.issuer.NotAfter) {
		return nil
	}
	a.recent.MoveToFront(e)
	return cert
}

// enter keeps the certificate for host.
func (a *authority) enter(host string, cert *tls.Certificate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.issued[host]; e != nil {
		e.Value.(*issuedLeaf).certificate = cert
		a.recent.MoveToFront(e)
		return
	}
	a.issued[host] = a.recent.PushFront(&issuedLeaf{host, cert})
	if a.recent.Len() > maxIssued {
		oldest := a.recent.Remove(a.recent.Back()).(*issuedLeaf)
		delete(a.issued, oldest.host)
	}
}

// sign makes a certificate for a name or, where it is valid, an address.
func (a *authority) sign(name string, addr netip.Addr, now time.Time) (*tls.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Organization: a.issuer.Subject.Organization, OrganizationalUnit: a.issuer.Subject.OrganizationalUnit},
		NotBefore:             later(now.Add(-backdated), a.issuer.NotBefore),
		NotAfter:              sooner(now.Add(issuedFor), a.issuer.NotAfter),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if len(name) <= 64 { // the longest common name (RFC 5280 appendix A.1)
		template.Subject.CommonName = name
	}
	if addr.IsValid() {
		template.IPAddresses = []net.IP{addr.AsSlice()}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.issuer, a.key.Public(), a.signer)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: append([][]byte{der}, a.chain...), PrivateKey: a.key, Leaf: leaf}, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func sooner(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
