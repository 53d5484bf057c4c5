package certificate

import (
	"crypto/tls"
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
	// SkipVerify takes any certificate.
	SkipVerify bool
	// CA are the authorities that are trusted, in each form that Spec.Cert
	// has; empty stands for those of the system.
	CA string
	// Cert and Key are shown to peers that ask; empty for none.
	Cert, Key string
	// ALPN is h1, h2, or h2h1 for the better of both; empty stands for h1.
	ALPN string
	// Sessions is how many sessions are kept to be resumed, of all peers
	// together; 0 stands for 256, less for none.
	Sessions int
}

const defaultSessions = 256

// protocols are what ALPN offers for the words that users write.
var protocols = map[string][]string{
	"": {"http/1.1"}, "h1": {"http/1.1"}, "h2": {"h2"}, "h2h1": {"h2", "http/1.1"},
}

// ClientConfig makes the settings of crypto/tls from spec, and warnings about
// those that do something else than they seem to. It may read files.
func ClientConfig(spec ClientSpec) (c *tls.Config, warnings []string, err error) {
	if spec.ServerName == "" && !spec.SkipVerify {
		return nil, nil, errors.New("sni is empty: the certificate of the peer is to be for some name")
	}
	c = &tls.Config{
		ServerName:                  spec.ServerName,
		InsecureSkipVerify:          spec.SkipVerify,
		MinVersion:                  tls.VersionTLS12,
		CurvePreferences:            keyExchanges,
		DynamicRecordSizingDisabled: true,
	}
	words := []string{"h1", "h2", "h2h1"}
	offered, known := protocols[strings.ToLower(spec.ALPN)]
	if !known {
		return nil, nil, fmt.Errorf("alpn: %.40q is neither of %s; %s", spec.ALPN, strings.Join(words, ", "), config.Suggest(spec.ALPN, words))
	}
	c.NextProtos = offered
	if spec.CA != "" {
		if c.RootCAs, err = loadPool("ca", spec.CA); err != nil {
			return nil, nil, err
		}
	}
	if spec.Sessions >= 0 {
		n := spec.Sessions
		if n == 0 {
			n = defaultSessions
		}
		c.ClientSessionCache = tls.NewLRUClientSessionCache(n)
	}
	if spec.Cert == "" {
		return c, nil, nil
	}
	own, err := Load(Spec{Cert: spec.Cert, Key: spec.Key})
	if err != nil {
		return nil, nil, fmt.Errorf("certificate to show: %w", err)
	}
	shown := own.TLS()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
	return c, own.Warnings, nil
}
