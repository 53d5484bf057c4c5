package proxy

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
	return c, digestOf(fmt.Sprint(u.SNI, u.VerifyCert, u.ALPN), u.TLSCA, u.TLSClientCert, u.TLSClientKey), err
}

// digestOf is that of values which may be paths of files, and of what is in
// those.
func digestOf(values ...string) (digest [sha256.Size]byte) {
	sum := sha256.New()
	for _, v := range values {
		fmt.Fprintf(sum, "%d:%s", len(v), v)
		path := strings.TrimSpace(v)
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			if home, err := os.UserHomeDir(); err == nil {
				path = filepath.Join(home, rest)
			}
		}
		if content, err := os.ReadFile(path); err == nil {
			fmt.Fprintf(sum, "%d:%s", len(content), content)
		}
	}
	sum.Sum(digest[:0])
	return digest
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
