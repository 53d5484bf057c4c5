package certificate

import (
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// upstream is a server with h2 that asks for certificates of clients' issuer,
// when that is given.
func upstream(t *testing.T, clients *pair) (server *tls.Config, ca *pair) {
	t.Helper()
	ca = newCA(t, "CA", nil)
	store, _ := NewStore([]*Certificate{loaded(t, Spec{Name: "x", Default: true}, newLeaf(t, ca, newECDSA(t), "a.test", "other.test"))})
	spec := ServerSpec{Store: store, HTTP2: true, Tickets: keysAt(t, TicketSpec{}, midnight)}
	if clients != nil {
		spec.ClientCA = certPEM(clients)
	}
	server, _, err := ServerConfig(spec)
	if err != nil {
		t.Fatal(err)
	}
	return server, ca
}

func clientConfig(t testing.TB, spec ClientSpec) *tls.Config {
	t.Helper()
	c, warnings, err := ClientConfig(spec)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return c
}

func TestClientsVerifyUpstreams(t *testing.T) {
	server, ca := upstream(t, nil)
	for _, c := range []struct {
		what string
		spec ClientSpec
		want string // "" when the handshake succeeds
	}{
		{"own authority", ClientSpec{ServerName: "a.test", CA: certPEM(ca)}, ""},
		{"wrong name", ClientSpec{ServerName: "b.test", CA: certPEM(ca)}, "not b.test"},
		{"other authority", ClientSpec{ServerName: "a.test", CA: certPEM(newCA(t, "Other", nil))}, "unknown authority"},
		{"wrong name, not verified", ClientSpec{ServerName: "b.test", SkipVerify: true}, ""},
		{"no name, not verified", ClientSpec{SkipVerify: true}, ""},
	} {
		_, _, err := shake(t, server, clientConfig(t, c.spec))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestClientsOfferTheProtocolsOfALPN(t *testing.T) {
	server, ca := upstream(t, nil)
	for alpn, want := range map[string]string{"": "http/1.1", "h1": "http/1.1", "H2": "h2", "h2h1": "h2"} {
		_, state, err := shake(t, server, clientConfig(t, ClientSpec{ServerName: "a.test", CA: certPEM(ca), ALPN: alpn}))
		if err != nil || state.NegotiatedProtocol != want {
			t.Errorf("%q: got %q, %v", alpn, state.NegotiatedProtocol, err)
		}
	}
	server.NextProtos = []string{"http/1.1"}
	for alpn, works := range map[string]bool{"h2": false, "h2h1": true} {
		_, _, err := shake(t, server, clientConfig(t, ClientSpec{ServerName: "a.test", CA: certPEM(ca), ALPN: alpn}))
		if (err == nil) != works {
			t.Errorf("%q at a server without it: %v", alpn, err)
		}
	}
}

func TestClientsShowTheirCertificate(t *testing.T) {
	clients := newCA(t, "Clients", nil)
	server, ca := upstream(t, clients)
	own := newLeaf(t, clients, newECDSA(t), "proxy.test")
	spec := ClientSpec{ServerName: "a.test", CA: certPEM(ca), Cert: certPEM(own), Key: keyPEM(t, own.key)}
	atServer, _, err := shake(t, server, clientConfig(t, spec))
	if err != nil || !atServer.PeerCertificates[0].Equal(own.cert) {
		t.Errorf("got %v", err)
	}
	spec.Cert, spec.Key = "", ""
	if _, _, err := shake(t, server, clientConfig(t, spec)); err == nil {
		t.Error("a client without a certificate came in")
	}
	spec.Cert, spec.Key = certPEM(own), keyPEM(t, newECDSA(t))
	if _, _, err := ClientConfig(spec); err == nil || !strings.Contains(err.Error(), "tls_client_key is not the key of tls_client_cert") {
		t.Errorf("got %v", err)
	}
}

func TestClientConfigSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		spec ClientSpec
		want string
	}{
		{ClientSpec{ServerName: "a.test", ALPN: "h2h"}, "alpn: \"h2h\" is neither of h1, h2, h2h1; did you mean"},
		{ClientSpec{}, "sni is empty"},
		{ClientSpec{ServerName: "a.test", CA: "/none.pem"}, "tls_ca file /none.pem: no such file"},
	} {
		if _, _, err := ClientConfig(c.spec); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestASystemWithoutAuthoritiesIsNoticed(t *testing.T) {
	// The pool of the system is read once, so this takes a process of its own.
	cmd := exec.Command(os.Args[0], "-test.run=^TestPrintWhatASystemWithoutAuthoritiesSays$")
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "SSL_CERT_FILE=/none", "SSL_CERT_DIR=/none", "PINGAP_TEST_NO_AUTHORITIES=1")
	output, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "ca-certificates") {
		t.Errorf("%v: %s", err, output)
	}
}

// TestPrintWhatASystemWithoutAuthoritiesSays is that process.
func TestPrintWhatASystemWithoutAuthoritiesSays(t *testing.T) {
	if os.Getenv("PINGAP_TEST_NO_AUTHORITIES") != "" {
		_, _, err := ClientConfig(ClientSpec{ServerName: "a.test"})
		fmt.Println(err)
		if _, _, err := ClientConfig(ClientSpec{ServerName: "a.test", SkipVerify: true}); err != nil {
			t.Error(err)
		}
	}
}
