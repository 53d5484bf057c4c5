package secure

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

// selfSigned makes a certificate for "a.test" with key, and a pool that trusts it.
func selfSigned(t testing.TB, key crypto.Signer) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"a.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

func newECDSA(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// configs returns those of a server and of a client that trusts it.
func configs(t testing.TB) (server, client *tls.Config) {
	cert, pool := selfSigned(t, newECDSA(t, elliptic.P256()))
	return &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: pool, ServerName: "a.test"}
}

const patience = 30 * time.Second

// served makes a TLS connection of a loop whose client is on the far goroutine.
func served(t *testing.T, l *loop.Loop, config, clientConfig *tls.Config) (*loop.Conn, *tls.Conn) {
	t.Helper()
	near, far := looptest.Pair(t, l)
	client := tls.Client(far, clientConfig)
	failed := make(chan error, 1)
	go func() { failed <- client.Handshake() }()
	if _, err := Server(near, config, patience); err != nil {
		t.Fatal(err)
	}
	l.Await(func() {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	})
	return near, client
}

func TestBytesPassBothWaysInEveryVersion(t *testing.T) {
	server, client := configs(t)
	big := bytes.Repeat([]byte("0123456789"), 200_000)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := client.Clone()
		client.MaxVersion = version
		looptest.Run(t, func(l *loop.Loop) {
			near, far := served(t, l, server, client)
			defer near.Close()
			var got []byte
			var failed error
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if _, err := far.Write(big); err != nil {
					t.Error(err)
				}
				if got, failed = io.ReadAll(far); failed != nil {
					t.Error(failed)
				}
			}()
			echo := make([]byte, 0, len(big))
			for len(echo) < len(big) {
				n, err := near.Read(echo[len(echo):cap(echo)])
				if err != nil {
					t.Fatal(err)
				}
				echo = echo[:len(echo)+n]
			}
			if n, err := near.Writev(echo[:1000], echo[1000:]); err != nil || n != int64(len(big)) {
				t.Errorf("%d bytes written, error %v", n, err)
			}
			if err := near.CloseWrite(); err != nil {
				t.Error(err)
			}
			l.Await(func() { <-ended })
			if !bytes.Equal(got, big) {
				t.Errorf("%d bytes came back changed", len(got))
			}
		})
	}
}

// joined passes on in one write what is written until it is closed.
type joined struct {
	net.Conn
	held []byte
	hold bool
}

func (j *joined) Write(p []byte) (int, error) {
	if !j.hold {
		return j.Conn.Write(p)
	}
	j.held = append(j.held, p...)
	return len(p), nil
}

func (j *joined) release() error {
	j.SetWriteDeadline(time.Time{}) // crypto/tls has let it pass with the end
	_, err := j.Conn.Write(j.held)
	return err
}

func TestBytesThatComeTogetherWithTheEndAreRead(t *testing.T) {
	server, clientConfig := configs(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		looptest.Run(t, func(l *loop.Loop) {
			near, far := looptest.Pair(t, l)
			defer near.Close()
			config := clientConfig.Clone()
			config.MaxVersion = version
			wire := &joined{Conn: far}
			client := tls.Client(wire, config)
			sent := make(chan error, 1)
			go func() {
				err := client.Handshake()
				wire.hold = true
				if err == nil {
					_, err = io.WriteString(client, "hello")
				}
				sent <- errors.Join(err, client.CloseWrite(), wire.release())
			}()
			if _, err := Server(near, server, patience); err != nil {
				t.Fatal(err)
			}
			l.Await(func() {
				if err := <-sent; err != nil {
					t.Error(err)
				}
			})
			buffer := make([]byte, 16)
			if n, err := near.Read(buffer); err != nil || string(buffer[:n]) != "hello" {
				t.Errorf("%s: read %q, %v", tls.VersionName(version), buffer[:n], err)
			}
			for range 2 {
				if n, err := near.Read(buffer); n != 0 || err != io.EOF {
					t.Errorf("%s: read %q, %v at the end", tls.VersionName(version), buffer[:n], err)
				}
			}
		})
	}
}

func TestClientSpeaksToServerOfTheSameLoop(t *testing.T) {
	server, client := configs(t)
	looptest.Run(t, func(l *loop.Loop) {
		a, b := looptest.Both(t, l)
		defer a.Close()
		defer b.Close()
		done := false
		co := l.Current()
		l.Go(loop.TaskFunc(func() {
			defer func() { done = true; co.Wake() }()
			if _, err := Server(b, server, patience); err != nil {
				t.Error(err)
				return
			}
			buffer := make([]byte, 16)
			n, err := b.Read(buffer)
			if err != nil {
				t.Error(err)
			}
			b.Append(buffer[:n])
			b.Append([]byte("!"))
		}))
		if _, err := Client(a, client, patience); err != nil {
			t.Fatal(err)
		}
		a.Append([]byte("hello"))
		buffer := make([]byte, 16)
		n, err := a.Read(buffer)
		if err != nil || string(buffer[:n]) != "hello!" {
			t.Errorf("read %q, %v", buffer[:n], err)
		}
		for !done {
			l.Park()
		}
	})
}

// Whoever is on the way can cut a connection, but cannot say in TLS that it ends.
func TestEndThatWasNotSaidInTLSIsTheServersFaultAlone(t *testing.T) {
	serverConfig, clientConfig := configs(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			said, client bool
			want         error
		}{{true, true, io.EOF}, {false, true, io.ErrUnexpectedEOF}, {true, false, io.EOF}, {false, false, io.EOF}} {
			looptest.Run(t, func(l *loop.Loop) {
				near, far := looptest.Pair(t, l)
				defer near.Close()
				config := clientConfig.Clone()
				config.MaxVersion = version
				peer := tls.Client(far, config)
				if c.client {
					peer = tls.Server(far, serverConfig)
				}
				ended := make(chan error, 1)
				go func() {
					_, err := io.WriteString(peer, "hello")
					if c.said {
						err = errors.Join(err, peer.CloseWrite())
					}
					ended <- errors.Join(err, far.(interface{ CloseWrite() error }).CloseWrite())
				}()
				var err error
				if c.client {
					_, err = Client(near, config, patience)
				} else {
					_, err = Server(near, serverConfig, patience)
				}
				if err != nil {
					t.Fatal(err)
				}
				buffer := make([]byte, 16)
				if n, err := near.Read(buffer); err != nil || string(buffer[:n]) != "hello" {
					t.Errorf("read %q, %v", buffer[:n], err)
				}
				for range 2 {
					if _, err := near.Read(buffer); err != c.want {
						t.Errorf("%s, %+v: %v", tls.VersionName(version), c, err)
					}
				}
				l.Await(func() { err = <-ended })
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestHandshakeEndsWhenItsTimeIsOver(t *testing.T) {
	server, _ := configs(t)
	looptest.Run(t, func(l *loop.Loop) {
		near, _ := looptest.Pair(t, l)
		defer near.Close()
		if _, err := Server(near, server, 20*time.Millisecond); err != ErrHandshakeLate {
			t.Errorf("error %v", err)
		}
	})
}

func TestPeerThatDoesNotSpeakTLSIsAnError(t *testing.T) {
	server, _ := configs(t)
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		defer near.Close()
		go io.WriteString(far, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		_, err := Server(near, server, patience)
		if _, ok := errors.AsType[tls.RecordHeaderError](err); !ok {
			t.Errorf("error %v", err)
		}
	})
}

func TestSlowSignaturesAreMadeOffTheLoop(t *testing.T) {
	for _, c := range []struct {
		key  crypto.Signer
		away bool
	}{
		{newRSA(t), true},
		{newECDSA(t, elliptic.P521()), true},
		{newECDSA(t, elliptic.P384()), true},
		{newECDSA(t, elliptic.P256()), false},
	} {
		cert, pool := selfSigned(t, c.key)
		away := false
		server := &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			used := OffLoop(hello.Conn, &cert)
			away = used != &cert
			return used, nil
		}}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			looptest.Run(t, func(l *loop.Loop) {
				near, _ := served(t, l, server, &tls.Config{RootCAs: pool, ServerName: "a.test", MaxVersion: version})
				near.Close()
			})
		}
		if away != c.away {
			t.Errorf("%T of %T: signs off the loop: %v", c.key, c.key.Public(), away)
		}
	}
}

// In the key exchange by RSA the server decrypts instead of signing.
func TestSecretsAreDecryptedOffTheLoop(t *testing.T) {
	cert, pool := selfSigned(t, newRSA(t))
	suites := []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
	server := &tls.Config{CipherSuites: suites, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		return OffLoop(hello.Conn, &cert), nil
	}}
	looptest.Run(t, func(l *loop.Loop) {
		near, client := served(t, l, server, &tls.Config{RootCAs: pool, ServerName: "a.test", MaxVersion: tls.VersionTLS12, CipherSuites: suites})
		if suite := client.ConnectionState().CipherSuite; suite != suites[0] {
			t.Errorf("the cipher suite is %s", tls.CipherSuiteName(suite))
		}
		near.Close()
	})
}

// BenchmarkSignatures is what decides which keys sign off the loop.
func BenchmarkSignatures(b *testing.B) {
	for name, key := range map[string]crypto.Signer{
		"P-256": newECDSA(b, elliptic.P256()), "P-384": newECDSA(b, elliptic.P384()), "P-521": newECDSA(b, elliptic.P521()), "RSA-2048": newRSA(b),
	} {
		digest := sha256.Sum256(nil)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A client that stops reading and asks for new keys (RFC 8446 section 4.6.3)
// makes the reader answer while a writer waits for room.
func TestKeyUpdatesDuringAStalledDownloadHangNeitherLoopNorConnection(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far, forge := forged(t, l)
		defer near.Close()
		download := make([]byte, 8<<20)
		written, readError := false, error(nil)
		co := l.Current()
		l.Go(loop.TaskFunc(func() {
			_, err := near.Write(download)
			if err != nil {
				t.Error(err)
			}
			written = true
			co.Wake()
		}))
		// The writer is stalled once its output waits.
		for near.Pending() == 0 {
			l.Yield()
		}
		keyUpdates := make(chan error, 1)
		go func() {
			for range 10 {
				if err := forge.keyUpdate(); err != nil {
					keyUpdates <- err
					return
				}
			}
			keyUpdates <- forge.send([]byte("hello"))
		}()
		buffer := make([]byte, 16)
		n, err := near.Read(buffer)
		if err != nil || string(buffer[:n]) != "hello" {
			t.Errorf("read %q, %v", buffer[:n], err)
		}
		if written {
			t.Error("the download was not stalled")
		}
		// The client reads on: all arrives, under the new keys.
		var got int64
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			got, readError = io.CopyN(io.Discard, far, int64(len(download)))
		}()
		for !written {
			if err := l.Park(); err != nil {
				t.Fatal(err)
			}
		}
		l.Await(func() { <-ended; err = <-keyUpdates })
		if got != int64(len(download)) || readError != nil || err != nil {
			t.Errorf("the client got %d bytes, %v; it sent with %v", got, readError, err)
		}
	})
}

func TestClientThatMakesTLSAnswerWithoutReadingIsCutOff(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, _, forge := forged(t, l)
		l.Go(loop.TaskFunc(func() { near.Write(make([]byte, 64<<20)) }))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for forge.keyUpdate() == nil && forge.send([]byte("x")) == nil {
			}
		}()
		buffer := make([]byte, 4096)
		for {
			_, err := near.Read(buffer)
			if err != nil {
				if err != errFlood {
					t.Errorf("error %v", err)
				}
				break
			}
		}
		near.Abort()
		l.Await(func() { <-ended })
	})
}

// Output that is corked leaves with the turn, each time.
func TestCorkedOutputLeavesTurnAfterTurn(t *testing.T) {
	server, clientConfig := configs(t)
	looptest.Run(t, func(l *loop.Loop) {
		near, far := served(t, l, server, clientConfig)
		defer near.Close()
		for i := range 5 {
			near.SetOutput(append(near.Output(1), byte('a'+i)))
			var got [1]byte
			var err error
			l.Await(func() { _, err = io.ReadFull(far, got[:]) })
			if err != nil || got[0] != byte('a'+i) {
				t.Fatalf("got %q, %v", got, err)
			}
		}
	})
}
