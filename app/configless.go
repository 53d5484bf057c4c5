package app

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// starter is a configuration to begin one's own with.
//
//go:embed starter.toml
var starter string

// simple is a proxy that the command line describes, without a configuration:
// one server with one location before one upstream.
type simple struct {
	upstream string // addresses, separated by commas
	domain   string // names, separated by commas; any without
	cert     string // file or directory
	key      string // file
	addr     string // where to listen
}

// commandLine is the name of that configuration in messages.
const commandLine = "the command line"

// text returns the configuration.
func (s *simple) text() (string, error) {
	cert, key, err := s.pair()
	if err != nil {
		return "", err
	}
	addr, server := s.addr, ""
	switch {
	case cert != "":
		server = "global_certificates = true\nenabled_h2 = true\n"
		if addr == "" {
			addr = "0.0.0.0:443"
		}
	case addr == "":
		addr = "0.0.0.0:80"
	}
	var peers []string
	for peer := range strings.SplitSeq(s.upstream, ",") {
		peers = append(peers, quote(strings.TrimSpace(peer)))
	}
	text := "[servers.pingap]\naddr = " + quote(addr) + "\nlocations = [\"pingap\"]\naccess_log = \"combined\"\n" + server +
		"\n[locations.pingap]\npath = \"/\"\nupstream = \"pingap\"\n" + unlessEmpty("host", s.domain) +
		"\n[upstreams.pingap]\naddrs = [" + strings.Join(peers, ", ") + "]\n"
	if cert != "" {
		text += "\n[certificates.pingap]\nis_default = true\n" +
			unlessEmpty("domains", s.domain) + unlessEmpty("tls_cert", cert) + unlessEmpty("tls_key", key)
	}
	return text, nil
}

// unlessEmpty is the line of a key; none for an empty value.
func unlessEmpty(key, value string) string {
	if value == "" {
		return ""
	}
	return key + " = " + quote(value) + "\n"
}

// quote writes a text as TOML does.
func quote(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(text) // cannot fail: it is a string, and b is memory
	return strings.TrimSpace(b.String())
}

// The names by which programs that order certificates keep them, in a
// directory.
var (
	certNames = []string{"fullchain.pem", "cert.pem", "tls.crt", "server.crt", "cert.crt"}
	keyNames  = []string{"privkey.pem", "key.pem", "tls.key", "server.key", "cert.key"}
)

// pair returns the files of the certificate and its key; "" without TLS.
func (s *simple) pair() (cert, key string, err error) {
	if s.cert == "" {
		return "", "", nil
	}
	if cert, err = filepath.Abs(s.cert); err != nil {
		return "", "", err
	}
	info, err := os.Stat(cert)
	if err != nil {
		return "", "", missing("certificate", cert, err)
	}
	dir := filepath.Dir(cert)
	if info.IsDir() {
		dir = cert
		if cert = firstOf(dir, certNames); cert == "" {
			return "", "", fmt.Errorf("no certificate found in %s, expected one of: %s", dir, strings.Join(certNames, ", "))
		}
	}
	if s.key == "" {
		if key = firstOf(dir, keyNames); key == "" {
			return "", "", fmt.Errorf("no private key found in %s, expected one of: %s, use --key to set it", dir, strings.Join(keyNames, ", "))
		}
		return cert, key, nil
	}
	if key, err = filepath.Abs(s.key); err != nil {
		return "", "", err
	}
	if _, err := os.Stat(key); err != nil {
		return "", "", missing("private key", key, err)
	}
	return cert, key, nil
}

func missing(what, path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s %s does not exist", what, path)
	}
	return fmt.Errorf("read the %s: %w", what, err)
}

// firstOf returns the first of the names that is in a directory; "" when none
// is.
func firstOf(dir string, names []string) string {
	for _, name := range names {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	return ""
}

// check refuses options that do not go together.
func (s *simple) check(conf string, given bool) error {
	switch {
	case given && strings.TrimSpace(s.upstream) == "":
		return errors.New("--upstream should not be empty: write host:port")
	case given && conf != "":
		return errors.New("--upstream and --conf exclude each other: the proxy is described by one of both")
	case !given && s.domain+s.cert+s.key+s.addr != "":
		return errors.New("--domain, --cert, --key and --addr go with --upstream: the proxy is described by it, or by a configuration")
	case s.key != "" && s.cert == "":
		return errors.New("--key should be used with --cert")
	case s.domain != "" && s.cert == "" && s.addr == "":
		return errors.New("--domain without --cert asks for a certificate by ACME, which this version does not do: give --cert, or --addr to serve the domain without TLS")
	}
	return nil
}
