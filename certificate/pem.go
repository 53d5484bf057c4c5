package certificate

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// maxChain is how many certificates one text may hold. No chain is that long.
const maxChain = 64

// parseCertificates returns the certificates of a PEM text, in its order.
func parseCertificates(text []byte, limit int) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if len(certs) == limit {
			return nil, fmt.Errorf("holds more than %d certificates", limit)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the text cannot be read: %w", len(certs)+1, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("holds no certificate (%s)", describeBlocks(text))
	}
	return certs, nil
}

// parseKey returns the first private key of a PEM text, in PKCS 8 (RFC 5958),
// PKCS 1 (RFC 8017) or SEC 1 (RFC 5915).
func parseKey(text []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errEncrypted
		default:
			continue
		}
		if block.Headers["DEK-Info"] != "" {
			return nil, errEncrypted
		}
		if err != nil {
			return nil, fmt.Errorf("the private key cannot be read: %w", err)
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("the private key is of a kind that cannot sign (%T): TLS needs RSA, ECDSA or Ed25519", key)
		}
		return signer, nil
	}
	return nil, fmt.Errorf("holds no private key (%s)", describeBlocks(text))
}

var errEncrypted = errors.New("the private key is encrypted with a passphrase, which nobody can enter here: decrypt it with openssl pkey -in <file> -out <new file>")

// describeBlocks lists what a PEM text has in it.
func describeBlocks(text []byte) string {
	found := ""
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if len(found) > 200 {
			return found + " and more"
		}
		if found != "" {
			found += ", "
		}
		found += fmt.Sprintf("%.40q", block.Type)
	}
	if found == "" {
		return "no block of PEM is complete: each needs its BEGIN and END lines"
	}
	return "found " + found
}
