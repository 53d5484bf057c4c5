package proxy

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"

	"pingap/certificate"
	"pingap/config"
)

// clientSpec is what an upstream wants of TLS.
func clientSpec(u *config.Upstream) certificate.ClientSpec {
	return certificate.ClientSpec{
		ServerName: u.SNI, SkipVerify: !u.VerifyCert, ALPN: u.ALPN,
		CA: u.TLSCA, Cert: u.TLSClientCert, Key: u.TLSClientKey,
	}
}

// upstreamTLS makes the settings of TLS towards an upstream, and a digest of
// what they were made of; nil for one in clear text.
func upstreamTLS(u *config.Upstream) (c *tls.Config, digest [sha256.Size]byte, err error) {
	if u.SNI == "" {
		return nil, digest, nil
	}
	c, _, err = certificate.ClientConfig(clientSpec(u))
	return c, certificate.DigestOf(fmt.Sprint(u.SNI, u.VerifyCert, u.ALPN), u.TLSCA, u.TLSClientCert, u.TLSClientKey), err
}

// checkUpstreams reports what upstreams want of TLS and cannot have, and what
// their peers will not like.
func checkUpstreams(c *config.Config) (problems config.Problems) {
	for _, u := range c.Upstreams {
		if u.SNI == "" {
			continue
		}
		_, warnings, err := certificate.ClientConfig(clientSpec(u))
		if err != nil {
			problems = append(problems, u.ProblemAt(err.Error(), "sni"))
		}
		for _, w := range warnings {
			problems = append(problems, u.ProblemAt(w, "tls_client_cert").AsWarning())
		}
	}
	return problems
}
