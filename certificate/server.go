package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"pingap/config"
)

// ServerSpec is what the user sets about TLS on a server.
type ServerSpec struct {
	// Store chooses the certificates.
	Store *Store
	// MinVersion and MaxVersion are tlsv1.1, tlsv1.2 or tlsv1.3; empty stands
	// for 1.2 and 1.3.
	MinVersion, MaxVersion string
	// CipherList selects suites up to TLS 1.2, in OpenSSL's notation; empty
	// stands for those with forward secrecy and authenticated encryption.
	CipherList string
	// CipherSuites are those of TLS 1.3. They are checked, but cannot be chosen
	// in Go.
	CipherSuites string
	// HTTP2 offers h2 before http/1.1.
	HTTP2 bool
	// ClientCA are the authorities whose certificates clients may show, in each
	// form that Spec.Cert has.
	ClientCA string
	// ClientAuth is what is asked of clients: "require" a certificate that the
	// authorities have issued, the default with ClientCA; "optional", one of
	// theirs or none; "optional_no_ca", any or none, so that Identify says what
	// is wrong with it. Empty without ClientCA asks for none.
	ClientAuth string
	// Tickets let clients resume sessions; nil means that none does.
	Tickets *TicketKeys
	// Offload calls slow where it does not keep the event loop of conn from
	// turning, and returns when slow has: it is for an authority that issues a
	// certificate. nil calls it in place.
	Offload func(conn net.Conn, slow func())
}

// keyExchanges are offered to all clients. The first is safe from whoever keeps
// what he hears until he has a quantum computer.
var keyExchanges = []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

// ServerConfig makes the settings of crypto/tls from spec, and warnings about
// those that do something else than they seem to. It may read a file. The
// callbacks of what it returns do no I/O and do not wait, but for Offload.
//
// A client that no certificate matches is told so (the alert
// unrecognized_name), and Explain puts it in words.
func ServerConfig(spec ServerSpec) (*tls.Config, []string, error) {
	c := &tls.Config{
		CurvePreferences:            keyExchanges,
		DynamicRecordSizingDisabled: true, // small records cost more than they save once connections are reused
		SessionTicketsDisabled:      spec.Tickets == nil,
	}
	var err error
	if c.MinVersion, c.MaxVersion, err = parseVersions(spec.MinVersion, spec.MaxVersion); err != nil {
		return nil, nil, err
	}
	offer(c, spec.HTTP2)
	warnings, err := setCiphers(c, spec)
	if err != nil {
		return nil, nil, err
	}
	if err := requestCertificates(c, spec.ClientCA, spec.ClientAuth); err != nil {
		return nil, nil, err
	}
	c.GetCertificate = chooseFrom(spec, limitsOf(c.MaxVersion, c.CipherSuites))
	if spec.Tickets != nil {
		spec.Tickets.attach(c)
	}
	return c, warnings, nil
}

// offer sets the versions of HTTP that clients can choose. What speaks HTTP/1.0 by
// ALPN, as curl can, would be refused if it were not among them. HTTP/2 needs TLS
// 1.2 (RFC 9113 section 9.2).
func offer(c *tls.Config, http2 bool) {
	c.NextProtos = []string{"http/1.1", "http/1.0"}
	if !http2 || c.MaxVersion < tls.VersionTLS12 {
		return
	}
	one := c.NextProtos
	c.NextProtos = append([]string{"h2"}, one...)
	if c.MinVersion >= tls.VersionTLS12 {
		return
	}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if overlap(hello.SupportedVersions, []uint16{tls.VersionTLS12, tls.VersionTLS13}) {
			return nil, nil
		}
		old := c.Clone()
		old.NextProtos = one
		return old, nil
	}
}

// setCiphers sets the suites up to TLS 1.2.
func setCiphers(c *tls.Config, spec ServerSpec) (warnings []string, err error) {
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	c.CipherSuites = standard(c.MinVersion)
	if spec.CipherList != "" {
		ids, left, err := parseCipherList(spec.CipherList)
		if err != nil {
			return nil, fmt.Errorf("tls_cipher_list: %w", err)
		}
		c.CipherSuites = ids
		for _, w := range left {
			warn("tls_cipher_list: %s", w)
		}
	}
	if spec.CipherSuites != "" {
		warning, err := checkCiphersuites(spec.CipherSuites)
		if err != nil {
			return nil, fmt.Errorf("tls_ciphersuites: %w", err)
		}
		if warning != "" {
			warn("tls_ciphersuites %s", warning)
		}
	}
	if c.MinVersion < tls.VersionTLS12 {
		warn("tls_min_version: TLS 1.1 is broken and was withdrawn by RFC 8996: use tlsv1.2 unless a client that cannot be replaced needs it")
	}
	if spec.HTTP2 && c.MinVersion < tls.VersionTLS13 && !hasAEAD(c.CipherSuites) {
		warn("tls_cipher_list: HTTP/2 forbids all of these (RFC 9113 appendix A), so that browsers with TLS 1.2 fail: add ECDHE-RSA-AES128-GCM-SHA256 and ECDHE-ECDSA-AES128-GCM-SHA256, or turn enabled_h2 off")
	}
	return warnings, nil
}

// hasAEAD reports whether some of the suites may be used with HTTP/2.
func hasAEAD(ids []uint16) bool { return overlap(standard(tls.VersionTLS12), ids) }

// clientAuth are the words for what is asked of clients.
var clientAuth = map[string]tls.ClientAuthType{
	"": tls.RequireAndVerifyClientCert, "require": tls.RequireAndVerifyClientCert,
	"optional": tls.VerifyClientCertIfGiven, "optional_no_ca": tls.RequestClientCert,
}

// requestCertificates sets what is asked of clients.
func requestCertificates(c *tls.Config, ca, auth string) error {
	mode, known := clientAuth[strings.ToLower(auth)]
	if !known {
		words := []string{"require", "optional", "optional_no_ca"}
		return fmt.Errorf("tls_client_auth: %.40q is neither of %s; %s", auth, strings.Join(words, ", "), config.Suggest(auth, words))
	}
	if ca == "" && auth == "" {
		return nil
	}
	if ca == "" && mode != tls.RequestClientCert {
		return errors.New("tls_client_auth asks for certificates of clients, and tls_client_ca does not say who issues them: every public authority could")
	}
	c.ClientAuth, c.ClientCAs = mode, x509.NewCertPool()
	if ca == "" {
		return nil
	}
	var err error
	c.ClientCAs, err = loadPool("tls_client_ca", ca)
	return err
}

// maxAuthorities is how many certificates a list of authorities may hold.
const maxAuthorities = 4096

// loadPool reads the list of authorities that is the value of key.
func loadPool(key, value string) (*x509.CertPool, error) {
	text, path, err := readText(value)
	if err != nil {
		return nil, fmt.Errorf("%s %w", key, err)
	}
	certs, err := parseCertificates(text, maxAuthorities)
	if err != nil {
		return nil, fmt.Errorf("%s%s %w", key, from(path), err)
	}
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool, nil
}

// chooseFrom returns the GetCertificate of a server.
func chooseFrom(spec ServerSpec, l *limits) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	away := offload(inPlace)
	if spec.Offload != nil {
		away = spec.Offload
	}
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := spec.Store.get(hello, l, away)
		if err == ErrNoCertificate || err == errNoHost {
			return nil, nil // for which crypto/tls has the right alert
		}
		return cert, err
	}
}
