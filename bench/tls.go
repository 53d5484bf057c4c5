package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// writeCertificate makes the certificate that all proxies show: cert.pem and
// key.pem, and both.pem with both.
func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"bench.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
	}
	der, err1 := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	private, err2 := x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	for name, text := range map[string][]byte{"cert.pem": certPEM, "key.pem": keyPEM, "both.pem": append(append([]byte{}, certPEM...), keyPEM...)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// anyCertificate is for clients that know whom they ask.
func anyCertificate() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: "bench.test"}
}

// url returns where a path is asked for.
func (p *process) url(path string) string {
	if p.tlsPort != 0 {
		return "https://" + address(p.tlsPort) + path
	}
	return "http://" + address(p.port) + path
}

// dialTLS opens a connection over which one request has been answered.
func (p *process) dialTLS(config *tls.Config) (*tls.Conn, error) {
	conn, err := tls.Dial("tcp", address(p.tlsPort), config)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(readyTimeout))
	if _, err := fmt.Fprint(conn, "GET /ping HTTP/1.1\r\nHost: bench.test\r\n\r\n"); err != nil {
		conn.Close()
		return nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	response.Body.Close()
	conn.SetDeadline(time.Time{})
	return conn, nil
}

// handshakes is how many are measured.
const handshakes = 1000

func fullHandshakes(ctx context.Context, p *process) (float64, error) {
	return handshakeCost(ctx, p, anyCertificate())
}

func resumedHandshakes(ctx context.Context, p *process) (float64, error) {
	config := anyCertificate()
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	return handshakeCost(ctx, p, config)
}

// handshakeCost returns the CPU time, in µs, that the process takes for a
// connection with one request.
func handshakeCost(ctx context.Context, p *process, config *tls.Config) (float64, error) {
	connect := func(n int) error {
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			conn, err := p.dialTLS(config)
			if err != nil {
				return err
			}
			resumed := conn.ConnectionState().DidResume
			conn.Close()
			if wanted := config.ClientSessionCache != nil; resumed != wanted && i > 0 {
				return fmt.Errorf("%s: a session that is resumed: %v, want %v", p.name, resumed, wanted)
			}
		}
		return nil
	}
	if err := connect(100); err != nil {
		return 0, err
	}
	before, err := p.usage()
	if err != nil {
		return 0, err
	}
	if err := connect(handshakes); err != nil {
		return 0, err
	}
	after, err := p.usage()
	user, system := after.since(before)
	return microseconds(user+system) / handshakes, err
}

// idleTLS is how many connections the memory of one with TLS is measured with.
const idleTLS = 5000

// idleTLSMemory is idleMemory for connections with TLS.
func idleTLSMemory(ctx context.Context, p *process) (float64, error) {
	open := func(n int) (conns []*tls.Conn, err error) {
		for range n {
			conn, err := p.dialTLS(anyCertificate())
			if err != nil || ctx.Err() != nil {
				return conns, errors.Join(err, ctx.Err())
			}
			conns = append(conns, conn)
		}
		return conns, nil
	}
	first, err := open(200)
	defer closeTLS(first)
	if err != nil {
		return 0, err
	}
	before, err := p.settledMemory(ctx)
	if err != nil {
		return 0, err
	}
	rest, err := open(idleTLS)
	defer closeTLS(rest)
	if err != nil {
		return 0, err
	}
	after, err := p.settledMemory(ctx)
	return (after - before) / idleTLS, err
}

func closeTLS(conns []*tls.Conn) {
	for _, c := range conns {
		c.NetConn().Close()
	}
}
