package proxy

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"

	"pingap/certificate"
	"pingap/config"
)

// upstreamTLS makes the settings of TLS towards an upstream, and a digest of
// what they were made of; nil for one in clear text.
func upstreamTLS(u *config.Upstream) (c *tls.Config, digest [sha256.Size]byte, err error) {
	if u.SNI == "" {
		return nil, digest, nil
	}
	spec := certificate.ClientSpec{
		ServerName: u.SNI, SkipVerify: !u.VerifyCert, ALPN: u.ALPN,
		CA: u.TLSCA, Cert: u.TLSClientCert, Key: u.TLSClientKey,
	}
	c, _, err = certificate.ClientConfig(spec)
	return c, certificate.DigestOf(fmt.Sprint(u.SNI, u.VerifyCert, u.ALPN), u.TLSCA, u.TLSClientCert, u.TLSClientKey), err
}

// checkUpstreams reports what upstreams want of TLS and cannot have.
func checkUpstreams(c *config.Config) (problems config.Problems) {
	for _, u := range c.Upstreams {
		if u.SNI == "" {
			continue
		}
		if _, _, err := upstreamTLS(u); err != nil {
			problems = append(problems, u.Problem("sni", err.Error(), ""))
		}
	}
	return problems
}
