package secure

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"net"
	"strings"
	"testing"

	"pingap/loop"
)

// forgery writes the records of a client after its handshake, since crypto/tls
// has no way to ask for a KeyUpdate. It knows the one cipher suite that is
// chosen where both sides are the Go library's.
type forgery struct {
	conn   net.Conn
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	number uint64
}

// forged makes a connection whose client is forged; what it reads is read by
// client.
func forged(t *testing.T, l *loop.Loop) (near *loop.Conn, client *tls.Conn, f *forgery) {
	t.Helper()
	server, config := configs(t)
	var keys bytes.Buffer
	config.KeyLogWriter = &keys
	near, client = served(t, l, server, config)
	if suite := client.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Fatalf("the cipher suite is %s, not the one that is forged", tls.CipherSuiteName(suite))
	}
	f = &forgery{conn: client.NetConn()}
	for line := range strings.Lines(keys.String()) {
		if words := strings.Fields(line); words[0] == "CLIENT_TRAFFIC_SECRET_0" {
			secret, err := hex.DecodeString(words[2])
			if err != nil {
				t.Fatal(err)
			}
			f.use(secret)
		}
	}
	return near, client, f
}

// use derives the keys of a traffic secret (RFC 8446 section 7.3).
func (f *forgery) use(secret []byte) {
	block, err := aes.NewCipher(expand(secret, "key", 16))
	if err != nil {
		panic(err)
	}
	f.secret, f.iv, f.number = secret, expand(secret, "iv", 12), 0
	if f.aead, err = cipher.NewGCM(block); err != nil {
		panic(err)
	}
}

// expand is HKDF-Expand-Label without a context (RFC 8446 section 7.1).
func expand(secret []byte, label string, length int) []byte {
	info := binary.BigEndian.AppendUint16(nil, uint16(length))
	info = append(info, byte(len("tls13 "+label)))
	info = append(info, "tls13 "+label...)
	key, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), length)
	if err != nil {
		panic(err)
	}
	return key
}

// record sends a protected record (RFC 8446 section 5.2).
func (f *forgery) record(kind byte, content []byte) error {
	inner := append(bytes.Clone(content), kind)
	header := []byte{23, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(len(inner)+f.aead.Overhead()))
	nonce := bytes.Clone(f.iv)
	for i := range 8 {
		nonce[4+i] ^= byte(f.number >> (8 * (7 - i)))
	}
	f.number++
	_, err := f.conn.Write(f.aead.Seal(header, nonce, inner, header))
	return err
}

// send sends application data.
func (f *forgery) send(p []byte) error { return f.record(23, p) }

// keyUpdate changes the keys and asks the server to change its own.
func (f *forgery) keyUpdate() error {
	err := f.record(22, []byte{24, 0, 0, 1, 1})
	f.use(expand(f.secret, "traffic upd", sha256.Size))
	return err
}
