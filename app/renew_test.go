package app

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// served is the name in the certificate that the process shows.
func (p *process) served(t *testing.T) string {
	t.Helper()
	conn, err := net.Dial("unix", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c.ConnectionState().PeerCertificates[0].DNSNames[0]
}

func TestCertificateThatIsRenewedInPlaceIsServed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cert.pem")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(pair(t, "first.test"))
	p := launch(t, strings.ReplaceAll(answering, "[locations.all]", "global_certificates = true\n[locations.all]")+
		"[certificates.c]\nis_default = true\ntls_cert = \""+file+"\"\n")
	if got := p.served(t); got != "first.test" {
		t.Errorf("first: %q", got)
	}
	write("what cannot be used")
	if said := p.stderr.after("what was read before is served on"); said == "" {
		t.Errorf("nothing is said of a file that cannot be used:\n%s", p.stderr)
	}
	if got := p.served(t); got != "first.test" {
		t.Errorf("after a file that cannot be used: %q", got)
	}
	write(pair(t, "second.test"))
	if said := p.stderr.after("certificates read again"); !strings.Contains(said, file) {
		t.Errorf("the log says %q:\n%s", said, p.stderr)
	}
	if got := p.served(t); got != "second.test" {
		t.Errorf("after the renewal: %q", got)
	}
	p.signals <- syscall.SIGTERM
	p.exit(t)
}
