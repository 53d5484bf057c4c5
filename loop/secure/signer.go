package secure

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"io"
	"net"

	"pingap/loop"
)

// OffLoop returns cert as it is to be used in a handshake on conn, the Conn of
// a tls.ClientHelloInfo. A signature with a slow key is made on another
// goroutine, since all the loop's other connections would wait for it.
func OffLoop(conn net.Conn, cert *tls.Certificate) *tls.Certificate {
	t, ours := conn.(*transport)
	if !ours {
		return cert
	}
	away := *cert
	switch key := cert.PrivateKey.(type) {
	case *rsa.PrivateKey:
		away.PrivateKey = &decrypter{signer{key, t.conn.Loop()}, key}
	case *ecdsa.PrivateKey:
		if !slow(key) {
			return cert
		}
		away.PrivateKey = &signer{key, t.conn.Loop()}
	default:
		return cert
	}
	return &away
}

// slow reports whether signing with key takes longer than a few hops between
// goroutines. P-256 has code of its own in Go, and takes a twentieth of a
// signature on P-384 and a sixtieth of one on P-521, which takes as long as one
// with 2048 bits of RSA (BenchmarkSignatures).
func slow(key *ecdsa.PrivateKey) bool { return key.Curve != elliptic.P256() }

// Await calls slow on another goroutine in the course of a handshake on conn,
// the Conn of a tls.ClientHelloInfo, and returns when that has.
func Await(conn net.Conn, slow func()) {
	if t, ours := conn.(*transport); ours {
		t.conn.Loop().Await(slow)
		return
	}
	slow()
}

// signer signs away from the loop.
type signer struct {
	crypto.Signer
	loop *loop.Loop
}

// Sign implements crypto.Signer.
func (s *signer) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	s.loop.Await(func() { signature, err = s.Signer.Sign(random, digest, opts) })
	return signature, err
}

// decrypter is a signer for key exchanges by RSA in TLS 1.2, too.
type decrypter struct {
	signer
	key *rsa.PrivateKey
}

// Decrypt implements crypto.Decrypter.
func (d *decrypter) Decrypt(random io.Reader, text []byte, opts crypto.DecrypterOpts) (plain []byte, err error) {
	d.loop.Await(func() { plain, err = d.key.Decrypt(random, text, opts) })
	return plain, err
}
