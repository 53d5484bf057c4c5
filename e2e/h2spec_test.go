package e2e

import (
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// Every case of h2spec, a conformance test of RFC 9113 and RFC 7541, with those
// that are only recommended.
func TestHTTP2ConformsInClearText(t *testing.T) { conform(t, false) }

func TestHTTP2ConformsOverTLS(t *testing.T) { conform(t, true) }

func conform(t *testing.T, secure bool) {
	// An upstream that reads a request before it answers: the proxy would
	// otherwise have ended a stream by the time that a case breaks its rules.
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "a page with some content, of which a small window lets a part through")
	})
	keys := ""
	if secure {
		keys = fmt.Sprintf("global_certificates = true\n[certificates.own]\ntls_cert = %q\nis_default = true\n", selfSigned(t, x509.NewCertPool()))
	}
	text := strings.Replace(proxyTo(upstream), "[locations.all]", "enabled_h2 = true\n"+keys+"[locations.all]", 1)
	p := startProxy(t, text)
	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &config.Config{Host: host, Path: "/", Timeout: patience / 4, MaxHeaderLen: 4000, Strict: true, TLS: secure, Insecure: true}
	if c.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		cases += conformGroup(t, group, c)
	}
	if cases != 146 {
		t.Errorf("%d cases were tried", cases)
	}
}

// conformGroup tries the cases of a group, each as a test of its own. One that
// h2spec would skip for a want of the server's fails, by an error that says so.
func conformGroup(t *testing.T, g *spec.TestGroup, c *config.Config) (cases int) {
	for _, sub := range g.Groups {
		cases += conformGroup(t, sub, c)
	}
	for i, tc := range append(g.Tests, g.StrictTests...) {
		cases++
		t.Run(fmt.Sprintf("%s/%d", g.ID(), i+1), func(t *testing.T) {
			conn, err := spec.Dial(c)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := tc.Run(c, conn); err != nil {
				t.Errorf("%s\n%s\n%v", tc.Desc, tc.Requirement, err)
			}
		})
	}
	return cases
}
