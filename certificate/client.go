package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"pingap/config"
)

// ClientSpec is what the user sets about TLS towards the peers of an upstream.
type ClientSpec struct {
	// ServerName is asked for by SNI, and is what the certificate of the peer
	// has to be for.
	ServerName string
	// SkipVerify takes any certificate: whoever is on the way can then read and
	// change everything.
	SkipVerify bool
	// CA are the authorities that are trusted, in each form that Spec.Cert
	// has; empty stands for those of the system.
	CA string
	// Cert and Key are shown to peers that ask, as in Spec; both empty for none.
	Cert, Key string
	// ALPN is h1, h2, or h2h1 for the better of both; empty stands for h1.
	ALPN string
}

// protocols are what ALPN offers for the words that users write, best first.
var protocols = map[string][]string{
	"": {"http/1.1"}, "h1": {"http/1.1"}, "h2": {"h2"}, "h2h1": {"h2", "http/1.1"},
}

// ClientConfig makes the settings of crypto/tls from spec, and warnings about
// the certificate to show. It may read files. Whoever has sessions resumed sets a
// ClientSessionCache.
func ClientConfig(spec ClientSpec) (*tls.Config, []string, error) {
	offered, known := protocols[strings.ToLower(spec.ALPN)]
	if !known {
		words := []string{"h1", "h2", "h2h1"}
		return nil, nil, fmt.Errorf("alpn: %.40q is neither of %s; %s", spec.ALPN, strings.Join(words, ", "), config.Suggest(spec.ALPN, words))
	}
	if spec.ServerName == "" && !spec.SkipVerify {
		return nil, nil, errors.New("sni is empty, so there is no name that the certificate of the peer could be checked against")
	}
	c := &tls.Config{
		ServerName:                  spec.ServerName,
		InsecureSkipVerify:          spec.SkipVerify,
		MinVersion:                  tls.VersionTLS12,
		NextProtos:                  offered,
		CurvePreferences:            keyExchanges,
		DynamicRecordSizingDisabled: true,
	}
	if err := trust(c, spec); err != nil {
		return nil, nil, err
	}
	warnings, err := show(c, spec)
	if err != nil {
		return nil, nil, err
	}
	return c, warnings, nil
}

// trust sets the authorities that are trusted.
func trust(c *tls.Config, spec ClientSpec) (err error) {
	switch {
	case spec.CA != "":
		c.RootCAs, err = loadPool("tls_ca", spec.CA)
		return err
	case spec.SkipVerify:
		return nil
	}
	// An image of a container often has no authorities, and then every handshake
	// fails with words that do not say so.
	if pool, err := x509.SystemCertPool(); err != nil || pool.Equal(x509.NewCertPool()) {
		return errors.New("this system trusts no authority, so no certificate of a peer can be verified: install the package ca-certificates, set SSL_CERT_FILE, or set tls_ca")
	}
	return nil
}

// show sets the certificate to show.
func show(c *tls.Config, spec ClientSpec) (warnings []string, err error) {
	if spec.Cert == "" && spec.Key == "" {
		return nil, nil
	}
	// Default because it needs no names: nobody asks for it by one.
	own, err := load(Spec{Cert: spec.Cert, Key: spec.Key, Default: true}, keys{"tls_client_cert", "tls_client_key"})
	if err != nil {
		return nil, err
	}
	shown := own.TLS()
	// crypto/tls would show none when the peer's list of authorities does not
	// name the issuer, and the peer would not say why it refuses that.
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
	return own.Warnings, nil
}
