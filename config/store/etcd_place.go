package store

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"pingap/config"
)

// etcdOptions are what may stand behind the ? of an etcd URL.
var etcdOptions = []string{"timeout", "connect_timeout", "user", "password", "tls", "ca", "cert", "key", "insecure_skip_verify",
	"enable_history", "cache", "separation"}

const (
	etcdPort = "2379"
	// etcdTimeout bounds each request, unless ?timeout says otherwise.
	etcdTimeout = 10 * time.Second
	// etcdConnectTimeout bounds how long a connection takes to be made, unless
	// ?connect_timeout says otherwise.
	etcdConnectTimeout = 5 * time.Second
)

// etcdPlace is what an etcd URL says.
type etcdPlace struct {
	hosts          []string // with ports
	prefix         string   // of all keys; begins with a slash and ends without
	user, password string   // both or none
	timeout        time.Duration
	connectTimeout time.Duration
	tls            *tls.Config // nil for clear text
}

// openEtcd opens a store in etcd. rest is what follows etcd:// in its URL.
func openEtcd(rest string) (*Store, error) {
	address, query, _ := strings.Cut(rest, "?")
	hosts, prefix, _ := strings.Cut(address, "/")
	if i := strings.LastIndexByte(hosts, '@'); i >= 0 {
		return nil, errors.New("the configuration in etcd: a user stands before the @; write ?user=...&password=... at the end instead")
	}
	title := "etcd://" + address
	options, err := optionsOf(query, etcdOptions)
	if err != nil {
		return nil, fmt.Errorf("the configuration %s: %w", title, err)
	}
	e := &etcd{probe: etcdProbe, etcdPlace: etcdPlace{prefix: "/" + strings.Trim(prefix, "/"), user: options.Get("user"), password: options.Get("password")}}
	if e.prefix == "/" {
		e.prefix = ""
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if host = strings.TrimSpace(host); host != "" {
			e.hosts = append(e.hosts, withPort(host))
		}
	}
	e.timeout, err = durationOption(options, "timeout", etcdTimeout)
	if err == nil {
		e.connectTimeout, err = durationOption(options, "connect_timeout", etcdConnectTimeout)
	}
	if err == nil {
		e.tls, err = tlsOf(options)
	}
	switch {
	case err != nil:
	case len(e.hosts) == 0:
		err = errors.New("no host is named; write etcd://host:2379/prefix")
	case (e.user == "") != (e.password == ""):
		err = errors.New("user and password are given both or not at all")
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration %s: %w", title, err)
	}
	s := newStore(e, &place{title: title, layout: byItem, history: isOn(options, "enable_history")})
	s.cache = copyOf(title)
	if options.Has("cache") {
		s.cache = options.Get("cache")
	}
	return s, nil
}

// withPort adds etcd's port to a host that has none.
func withPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), etcdPort)
}

// durationOption reads a duration that is not zero.
func durationOption(options url.Values, name string, otherwise time.Duration) (time.Duration, error) {
	if !options.Has(name) {
		return otherwise, nil
	}
	d, err := config.ParseDuration(options.Get(name))
	if err != nil {
		return 0, fmt.Errorf("the option %s: %w", name, err)
	}
	if d <= 0 {
		return 0, fmt.Errorf("the option %s is %s; it must be more than nothing, such as %s", name, d, otherwise)
	}
	return d, nil
}

// tlsOf returns how to speak TLS with etcd; nil when no option asks for it.
func tlsOf(options url.Values) (*tls.Config, error) {
	ca, cert, key := options.Get("ca"), options.Get("cert"), options.Get("key")
	skip := isOn(options, "insecure_skip_verify")
	if !isOn(options, "tls") && cmp.Or(ca, cert, key) == "" && !skip {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: skip}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("the option ca: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the option ca: %s holds no certificate in PEM", ca)
		}
	}
	if (cert == "") != (key == "") {
		return nil, errors.New("cert and key are given both or not at all")
	}
	if cert == "" {
		return c, nil
	}
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		return nil, fmt.Errorf("the options cert and key: %w", err)
	}
	// The files are read for each connection: they are renewed now and then.
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(cert, key)
		return &pair, err
	}
	return c, nil
}
