package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/summerwind/h2spec/client"
	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/spec"
)

// Every case of h2spec for clients, which the proxy is to its upstream: a case is
// a peer that the proxy asks, and that breaks a rule.
func TestHTTP2TowardsPeersConformsInClearText(t *testing.T) { conformTowardsPeers(t, false) }

func TestHTTP2TowardsPeersConformsOverTLS(t *testing.T) { conformTowardsPeers(t, true) }

func conformTowardsPeers(t *testing.T, secure bool) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := &config.Config{Host: "127.0.0.1", Timeout: patience / 4, MaxHeaderLen: 4000, TLS: secure}
	keys := []string{`alpn = "h2"`}
	if secure {
		pair := selfSigned(t, x509.NewCertPool())
		c.CertFile, c.CertKeyFile = pair, pair
		keys = append(keys, `sni = "proxy.test"`, "verify_cert = false")
	}
	p := startProxy(t, proxyTo(ln.Addr().String(), keys...))
	cases := 0
	for _, group := range client.Spec().Groups {
		cases += conformClientGroup(t, group, c, p, ln)
	}
	if cases != 57 {
		t.Errorf("%d cases were tried", cases)
	}
}

func conformClientGroup(t *testing.T, g *spec.ClientTestGroup, c *config.Config, p *proxy, ln net.Listener) (cases int) {
	for _, sub := range g.Groups {
		cases += conformClientGroup(t, sub, c, p, ln)
	}
	for i, tc := range g.Tests {
		cases++
		t.Run(fmt.Sprintf("%s/%d", g.ID(), i+1), func(t *testing.T) {
			if err := conformClient(t, tc, c, p, ln); err != nil {
				t.Errorf("%s\n%s\n%v", tc.Desc, tc.Requirement, err)
			}
		})
	}
	return cases
}

// conformClient tries a case with a request of its own.
func conformClient(t *testing.T, tc *spec.ClientTestCase, c *config.Config, p *proxy, ln net.Listener) error {
	asked := make(chan error, 1)
	go func() {
		r, err := newClient(t).Get(p.url("/"))
		if err == nil {
			// A client that leaves would end the stream before the case does.
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
		asked <- err
	}()
	base, err := ln.Accept()
	if err != nil {
		return err
	}
	if c.TLS {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.CertKeyFile)
		if err != nil {
			return err
		}
		base = tls.Server(base, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}})
	}
	conn, err := spec.Accept(c, base)
	if err != nil {
		return err
	}
	err = tc.Run(c, conn)
	conn.Close()
	// The proxy may ask once more, after what the case has done to its
	// connection.
	again := make(chan struct{})
	go func() {
		defer close(again)
		for {
			further, err := ln.Accept()
			if err != nil {
				return
			}
			further.Close()
		}
	}()
	err = errors.Join(err, <-asked)
	ln.(*net.TCPListener).SetDeadline(time.Unix(1, 0))
	<-again
	ln.(*net.TCPListener).SetDeadline(time.Time{})
	return err
}
