// Command scan has testssl.sh look at the TLS of this proxy, and at that of Caddy
// as it is without settings, and prints side by side what it does not like. It fails
// when it finds something at ours that is graver than "LOW", or something that is
// graver than at Caddy. It needs the Debian packages testssl.sh and caddy, and
// takes some minutes: make scan.
package main

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "scan:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "pingap-scan")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeCertificates(dir); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, "pingap"), "./cmd/pingap")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	found := map[string]report{}
	for _, p := range proxies(dir) {
		if found[p.name], err = p.scan(ctx, dir); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return compare(found["pingap"], found["caddy"])
}

// proxy is one that is scanned.
type proxy struct {
	name, command string
	args          []string
	file, config  string // what it reads; the address is put in the place of ADDRESS
}

func proxies(dir string) []proxy {
	in := func(file string) string { return filepath.Join(dir, file) }
	paths := strings.NewReplacer("DIR", dir)
	return []proxy{{
		name: "pingap", command: in("pingap"), args: []string{"-c", in("pingap.toml")}, file: in("pingap.toml"),
		config: paths.Replace(`
[servers.web]
addr = "ADDRESS"
locations = ["all"]
global_certificates = true
enabled_h2 = true
[locations.all]
plugins = ["hello"]
[plugins.hello]
category = "mock"
data = "hello"
[certificates.ecdsa]
tls_cert = "DIR/ecdsa.pem"
is_default = true
[certificates.rsa]
tls_cert = "DIR/rsa.pem"
is_default = true
`)}, {
		name: "caddy", command: "caddy", args: []string{"run", "--config", in("Caddyfile"), "--adapter", "caddyfile"}, file: in("Caddyfile"),
		config: paths.Replace(`
{
	admin off
	auto_https disable_redirects
	skip_install_trust
}
https://ADDRESS {
	tls DIR/ecdsa.pem DIR/ecdsa.pem
	respond "hello"
}
`)}}
}

// report is what was found, by its ID, where that is not as it should be.
type report map[string]finding

type finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Text     string `json:"finding"`
}

// severities are the words for how grave a finding is, in their order. WARN is for
// what could not be looked at.
var severities = []string{"OK", "INFO", "WARN", "LOW", "MEDIUM", "HIGH", "CRITICAL"}

const (
	harmless = 2 // the last of severities that is not reported
	most     = 3 // the last that may be found
)

func (f finding) grave() int { return slices.Index(severities, cmp.Or(f.Severity, "OK")) }

// scan starts a proxy, has it scanned and ends it.
func (p proxy) scan(ctx context.Context, dir string) (report, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.file, []byte(strings.ReplaceAll(p.config, "ADDRESS", address)), 0o600); err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	served := exec.CommandContext(ctx, p.command, p.args...)
	served.Env = append(os.Environ(), "HOME="+dir)
	log := &strings.Builder{}
	served.Stdout, served.Stderr = log, log
	if err := served.Start(); err != nil {
		end()
		return nil, err
	}
	defer served.Wait()
	defer end()
	if err := answers(ctx, address); err != nil {
		end()
		served.Wait()
		return nil, fmt.Errorf("%w\n%s", err, log)
	}
	return ask(ctx, address, dir, p.name)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// answers waits until somebody listens.
func answers(ctx context.Context, address string) error {
	ctx, done := context.WithTimeout(ctx, 30*time.Second)
	defer done()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ask has testssl.sh look at an address.
func ask(ctx context.Context, address, dir, name string) (report, error) {
	file := filepath.Join(dir, name+".json")
	scanner := exec.CommandContext(ctx, "testssl", "--quiet", "--warnings", "off", "--nodns", "none", "--color", "0",
		"--add-ca", filepath.Join(dir, "ca.pem"), "--jsonfile", file, address)
	scanner.Stdout = os.Stdout
	scanErr := scanner.Run() // its status counts findings
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.Join(scanErr, err)
	}
	var all []finding
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, errors.Join(scanErr, err)
	}
	found := report{}
	for _, f := range all {
		f.ID, _, _ = strings.Cut(f.ID, " ") // of which certificate
		switch g := f.grave(); {
		case g < 0: // the scanner gives up
			return nil, fmt.Errorf("%s: %s: %s", f.ID, f.Severity, f.Text)
		case g > harmless:
			found[f.ID] = f
		}
	}
	if len(all) < 100 {
		return nil, fmt.Errorf("only %d things were looked at: %w", len(all), cmp.Or(scanErr, errors.New("the scan broke off")))
	}
	return found, nil
}

// compare prints what was found, and judges it.
func compare(ours, theirs report) error {
	both := maps.Clone(theirs)
	maps.Copy(both, ours)
	fmt.Printf("%-24s %-10s %-10s\n", "finding", "pingap", "caddy")
	var wrong []error
	for _, id := range slices.Sorted(maps.Keys(both)) {
		o, t := ours[id], theirs[id]
		fmt.Printf("%-24s %-10s %-10s %s\n", id, cmp.Or(o.Severity, "ok"), cmp.Or(t.Severity, "ok"), cmp.Or(o.Text, t.Text))
		if o.grave() > most || o.grave() > t.grave() {
			wrong = append(wrong, fmt.Errorf("%s is %s: %s", id, o.Severity, o.Text))
		}
	}
	return errors.Join(wrong...)
}

// writeCertificates makes an authority, in ca.pem, and certificates with keys of
// both kinds.
func writeCertificates(dir string) error {
	rsaKey, err1 := rsa.GenerateKey(rand.Reader, 2048)
	caKey, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key, err3 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	ca := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Scan", Organization: []string{"Scan"}}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return errors.Join(
		writeCertificate(filepath.Join(dir, "ca.pem"), ca, ca, caKey, caKey),
		writeCertificate(filepath.Join(dir, "ecdsa.pem"), leaf(), ca, key, caKey),
		writeCertificate(filepath.Join(dir, "rsa.pem"), leaf(), ca, rsaKey, caKey),
	)
}

// leaf is a certificate as authorities of today issue them.
func leaf() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		CRLDistributionPoints: []string{"http://127.0.0.1/scan.crl"},
	}
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err)
	}
	return n
}

func writeCertificate(file string, template, issuer *x509.Certificate, key, issuerKey crypto.Signer) error {
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return os.WriteFile(file, append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), 0o600)
}
