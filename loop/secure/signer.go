package secure

import (
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"io"
	"net"

	"pingap/loop"
)

// OffLoop returns cert as it is to be used in a handshake on conn, the Conn of
// a tls.ClientHelloInfo: a signature with an RSA key takes a millisecond, in
// which all the loop's other connections would wait, so it is made on another
// goroutine. Other keys sign faster than that costs.
func OffLoop(conn net.Conn, cert *tls.Certificate) *tls.Certificate {
	t, ours := conn.(*transport)
	key, slow := cert.PrivateKey.(*rsa.PrivateKey)
	if !ours || !slow {
		return cert
	}
	away := *cert
	away.PrivateKey = &signer{key, t.conn.Loop()}
	return &away
}

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
	*rsa.PrivateKey
	loop *loop.Loop
}

// Sign implements crypto.Signer.
func (s *signer) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	s.loop.Await(func() { signature, err = s.PrivateKey.Sign(random, digest, opts) })
	return signature, err
}

// Decrypt implements crypto.Decrypter, for key exchanges by RSA in TLS 1.2.
func (s *signer) Decrypt(random io.Reader, text []byte, opts crypto.DecrypterOpts) (plain []byte, err error) {
	s.loop.Await(func() { plain, err = s.PrivateKey.Decrypt(random, text, opts) })
	return plain, err
}
