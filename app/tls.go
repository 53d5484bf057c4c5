package app

import (
	"crypto/tls"

	"pingap/certificate"
	"pingap/config"
	"pingap/loop/secure"
)

// loadCertificates reads the certificates of a configuration, and checks what
// servers want of TLS. Those of before that are the same go on, with the staples
// that they have and the certificates that they have issued; before may be nil.
func loadCertificates(c *config.Config, before *certificate.Store) (*certificate.Store, config.Problems) {
	var problems config.Problems
	var certs []*certificate.Certificate
	known := byDigest(before)
	for _, section := range c.Certificates {
		if section.TLSCert == "" {
			continue
		}
		cert, err := certificate.Load(certificate.Spec{
			Name: section.Name, Cert: section.TLSCert, Key: section.TLSKey,
			Domains: section.Domains, Default: section.IsDefault, CA: section.IsCA,
		})
		if err != nil {
			problems = append(problems, section.ProblemAt(err.Error(), "tls_cert"))
			continue
		}
		if same := known[cert.Digest]; same != nil {
			cert = same
		}
		for _, w := range cert.Warnings {
			problems = append(problems, section.ProblemAt(w, "tls_cert").AsWarning())
		}
		certs = append(certs, cert)
	}
	store, conflicts := certificate.NewStore(certs)
	for _, s := range c.Servers {
		if !s.GlobalCertificates {
			continue
		}
		_, warnings, err := certificate.ServerConfig(serverTLS(s, store, nil))
		if err != nil {
			problems = append(problems, s.ProblemAt(err.Error(), "global_certificates"))
		}
		for _, w := range append(warnings, conflicts...) {
			problems = append(problems, s.ProblemAt(w, "global_certificates").AsWarning())
		}
		conflicts = nil
	}
	return store, problems
}

// byDigest returns the certificates of a store by what they were made of.
func byDigest(s *certificate.Store) map[[32]byte]*certificate.Certificate {
	if s == nil {
		return nil
	}
	certs := make(map[[32]byte]*certificate.Certificate)
	for _, c := range s.Certificates() {
		certs[c.Digest] = c
	}
	return certs
}

// serverTLS is what a server wants of TLS.
func serverTLS(s *config.Server, store *certificate.Store, tickets *certificate.TicketKeys) certificate.ServerSpec {
	spec := certificate.ServerSpec{
		Store:      store,
		MinVersion: s.TLSMinVersion, MaxVersion: s.TLSMaxVersion,
		CipherList: s.TLSCipherList, CipherSuites: s.TLSCiphersuites,
		HTTP2:    s.EnabledH2,
		ClientCA: s.TLSClientCA,
		Tickets:  tickets,
		Offload:  secure.Await,
	}
	if s.TLSClientCA != "" {
		spec.ClientAuth = s.TLSClientAuth
	}
	return spec
}

// secureServer makes the settings of TLS for a server; nil for one in clear
// text. Signatures that take long are made off the event loops.
func secureServer(s *config.Server, store *certificate.Store, tickets *certificate.TicketKeys) (*tls.Config, error) {
	if !s.GlobalCertificates {
		return nil, nil
	}
	c, _, err := certificate.ServerConfig(serverTLS(s, store, tickets))
	if err != nil {
		return nil, err
	}
	choose := c.GetCertificate
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := choose(hello)
		if cert == nil || err != nil {
			return nil, err
		}
		return secure.OffLoop(hello.Conn, cert), nil
	}
	return c, nil
}
