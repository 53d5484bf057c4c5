package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// redirecting has a server in clear text and one with TLS, both of which send on
// what belongs to https or below /app. The location rewrites what is below.
const redirecting = `
[basic]
trusted_proxies = ["127.0.0.2"]
[servers.main]
addr = "<ADDR>"
locations = ["all"]
enabled_h2 = true
[servers.secure]
addr = %q
locations = ["all"]
enabled_h2 = true
global_certificates = true
[locations.all]
rewrite = "^/app/ /"
plugins = ["away"]
upstream = "peer"
[plugins.away]
category = "redirect"
http_to_https = true
prefix = "/app"
[upstreams.peer]
addrs = [%q]
[certificates.pair]
tls_cert = %q
is_default = true
tls_key = %q
`

func TestRedirectLeadsToWhereTheAnswerIs(t *testing.T) {
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "peer "+r.URL.RequestURI()) })
	pair, secure := selfSigned(t, x509.NewCertPool()), freeAddr(t)
	p := startProxy(t, fmt.Sprintf(redirecting, secure, peer, pair, pair))
	p.answers(t, secure)
	host, _, _ := net.SplitHostPort(p.addr)
	for version, c := range bothVersions(t) {
		response, _ := answerTo(t, c, p.url("/a?b"))
		if got := response.Header.Get("Location"); response.StatusCode != 307 || got != "https://"+host+"/app/a?b" {
			t.Errorf("%s: %s to %q", version, response.Status, got)
		}
		// HTTP/2 has the URI in parts, of which Pingap makes a malformed Location.
		c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		if version == "HTTP/2" {
			c.Transport.(*http.Transport).Protocols.SetHTTP2(true)
		}
		response, _ = answerTo(t, c, "https://"+secure+"/a?b")
		if got := response.Header.Get("Location"); response.StatusCode != 307 || got != "https://"+secure+"/app/a?b" {
			t.Errorf("%s with TLS: %s to %q", version, response.Status, got)
		}
	}
	for _, option := range []string{"--http1.1", "--http2"} {
		out, err := exec.Command("curl", "-sSk", "-L", "--max-redirs", "2", option, "https://"+secure+"/a?b").CombinedOutput()
		if err != nil || string(out) != "peer /a?b" {
			t.Errorf("curl %s follows to %q, %v", option, out, err)
		}
	}
}

// A balancer in front that has taken TLS away speaks http to the proxy: asking
// for https again would never end.
func TestRedirectBehindABalancerDoesNotLoop(t *testing.T) {
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	pair := selfSigned(t, x509.NewCertPool())
	p := startProxy(t, fmt.Sprintf(redirecting, freeAddr(t), peer, pair, pair))
	for source, want := range map[string]int{"127.0.0.2": 200, "127.0.0.1": 307} {
		c := newClient(t)
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
		c.Transport.(*http.Transport).DialContext = dialer.DialContext
		response, _ := answerTo(t, c, p.url("/app/a"), "X-Forwarded-Proto: https")
		if response.StatusCode != want || strings.HasPrefix(response.Header.Get("Location"), "http:") {
			t.Errorf("from %s: %s to %q, want %d", source, response.Status, response.Header.Get("Location"), want)
		}
	}
}
