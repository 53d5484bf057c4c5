package certificate

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Peer is what is known about a client by its certificate, in printable ASCII:
// for header fields and logs.
type Peer struct {
	// Verify is NONE when the client showed no certificate, SUCCESS when one
	// that was asked for and verified, and FAILED: with a reason when it is not
	// to be trusted, which only servers with optional_no_ca let in.
	Verify string
	// Subject and Issuer are distinguished names as in RFC 2253.
	Subject, Issuer string
	// Serial is the number that the issuer gave it, in hexadecimal digits, in
	// upper case and of even number.
	Serial string
	// Fingerprint is the SHA-256 of the certificate in lower-case hexadecimal
	// digits.
	Fingerprint string
	// NotBefore and NotAfter are when it is valid.
	NotBefore, NotAfter time.Time
}

// The values of Peer.Verify; the last is followed by a reason.
const (
	VerifyNone    = "NONE"
	VerifySuccess = "SUCCESS"
	verifyFailed  = "FAILED:"
)

// Identify says who the client of a connection is, after the handshake; config
// is that of the server. It does not wait; it takes as long as a handshake when
// the certificate was not verified there, so ask once for a connection.
func Identify(state *tls.ConnectionState, config *tls.Config) Peer {
	if len(state.PeerCertificates) == 0 {
		return Peer{Verify: VerifyNone}
	}
	cert := state.PeerCertificates[0]
	sum := sha256.Sum256(cert.Raw)
	return Peer{
		Verify:      verdict(state, config),
		Subject:     DistinguishedName(cert.RawSubject),
		Issuer:      DistinguishedName(cert.RawIssuer),
		Serial:      fmt.Sprintf("%X", cert.SerialNumber.Bytes()),
		Fingerprint: hex.EncodeToString(sum[:]),
		NotBefore:   cert.NotBefore,
		NotAfter:    cert.NotAfter,
	}
}

// verdict is Peer.Verify for a client that showed a certificate. Whether one is
// to be trusted does not follow from its being there: with optional_no_ca the
// handshake does not look at it.
func verdict(state *tls.ConnectionState, config *tls.Config) string {
	if len(state.VerifiedChains) > 0 {
		return VerifySuccess
	}
	if config.ClientCAs == nil {
		return verifyFailed + "no authority is trusted"
	}
	intermediates := x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		intermediates.AddCert(cert)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: config.ClientCAs, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err == nil {
		return VerifySuccess
	}
	return verifyFailed + whyNot(err)
}

// whyNot says in a few words why a certificate was not trusted. It repeats
// nothing of the certificate.
func whyNot(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "unknown authority"
	}
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case !ok:
		return "invalid"
	case invalid.Reason == x509.Expired:
		return "expired or not yet valid"
	case invalid.Reason == x509.IncompatibleUsage:
		return "not for clients"
	case invalid.Reason == x509.NotAuthorizedToSign, invalid.Reason == x509.TooManyIntermediates, invalid.Reason == x509.CANotAuthorizedForThisName:
		return "issuer not authorized"
	}
	return "invalid"
}
