package config

import (
	"errors"
	"fmt"
	"strings"
)

// Certificate is a section [certificates.name]: a certificate that servers with
// global_certificates show to clients.
type Certificate struct {
	Item
	// Domains are the names it is for, separated by commas: exact,
	// *.example.com or addresses. Empty means those that it lists itself.
	Domains Domains `config:"domains" example:"example.com, *.example.com"`
	// TLSCert is the certificate, and its chain behind it: PEM text, base64 of
	// PEM text, or the path of a file with either, which may begin with ~.
	TLSCert string `config:"tls_cert" example:"/etc/pingap/example.com.pem"`
	// TLSKey is the private key, in the same forms. It may be left out where
	// it stands in tls_cert as well.
	TLSKey string `config:"tls_key" example:"/etc/pingap/example.com.key"`
	// IsDefault makes it the one for clients that name no server, or one that
	// no certificate is for.
	IsDefault bool `config:"is_default"`
	// IsCA says that the pair is a certification authority of your own, which
	// issues a certificate for each name that is asked for.
	IsCA bool `config:"is_ca"`
	// ACME orders the certificate instead: "lets_encrypt".
	ACME string `config:"acme" inert:"true" enum:",lets_encrypt"`
	// DNSChallenge proves by DNS, not by HTTP, whose the domains are.
	DNSChallenge bool `config:"dns_challenge" inert:"true"`
	// DNSProvider is who runs the DNS of the domains; empty or manual leaves
	// the record to you.
	DNSProvider string `config:"dns_provider" inert:"true" enum:",ali,aliyun,cf,cloudflare,huawei,manual,tencent"`
	// DNSServiceURL is the provider's service with its credentials.
	DNSServiceURL string `config:"dns_service_url" inert:"true"`
	// BufferDays is how many days before its end the certificate is renewed,
	// or warned of; 0 leaves it to the version.
	BufferDays int `config:"buffer_days" inert:"true" min:"0" max:"365"`
	// Includes are storages whose keys are taken in; they win over those here.
	Includes []string `config:"includes"`
	// Remark is a note.
	Remark string `config:"remark"`
}

func (c *Certificate) check() Problems {
	switch {
	case c.TLSCert == "" && c.TLSKey != "":
		return Problems{c.Problem("tls_key", "has no certificate", "write it into tls_cert")}
	case c.TLSKey == "" && isWithoutKey(c.TLSCert):
		return Problems{c.Problem("tls_cert", "has no private key", "write it into tls_key")}
	case c.TLSCert == "" && c.IsCA:
		return Problems{c.Problem("is_ca", "has no certificate to issue others with", "write that of the authority into tls_cert and its key into tls_key")}
	case c.TLSCert == "" && c.ACME != "" && len(c.Domains) == 0:
		return Problems{c.Problem("acme", "has no names to order a certificate for", `write domains = "example.com"`)}
	case !c.has("tls_cert") && !c.has("acme") && !c.broken():
		return Problems{c.Problem("", "has no certificate", "write tls_cert and tls_key")}
	}
	return nil
}

// isWithoutKey reports whether text is PEM, and surely holds no private key.
func isWithoutKey(text string) bool {
	return strings.Contains(text, "-----BEGIN") && !strings.Contains(text, "PRIVATE KEY")
}

// Domains are names that a certificate is for.
type Domains []string

// UnmarshalText splits the list at its commas. Whether they are names is for
// those to say who compare them.
func (d *Domains) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	var errs []error
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			errs = append(errs, &ValueError{Message: fmt.Sprintf("a name in %q is empty", text), Hint: "leave the key out for the names in the certificate"})
		}
		*d = append(*d, name)
	}
	return errors.Join(errs...)
}
