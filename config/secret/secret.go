// Package secret encrypts texts of a configuration with a passphrase, and
// decrypts them: in a format of its own, and in that of Pingap, which is only
// read.
//
// The own format is "aes256gcm:", the number of rounds, a colon, and the base64
// of salt, nonce and ciphertext. The key is derived from the passphrase by
// PBKDF2 with SHA-256 (RFC 8018), and each text has a salt and a nonce of its
// own, so that equal texts do not look equal. In Pingap's format they do: it
// uses one nonce for everything and the passphrase itself as the key.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	prefix = "aes256gcm:"
	// rounds makes guessing a passphrase slow, and reading a configuration by
	// some 20 ms for each encrypted value. maxRounds bounds what a text can
	// ask for.
	rounds    = 100_000
	maxRounds = 10_000_000

	keySize   = 32
	saltSize  = 16
	nonceSize = 12
)

// ErrPassphrase says that the passphrase is not the one that the text was
// encrypted with, or that the text has been changed since.
var ErrPassphrase = errors.New("the passphrase is another one than the text was encrypted with, or the text has been changed")

// Encrypt encrypts a text. Twice the same text gives two results.
func Encrypt(text, passphrase string) (string, error) { return encrypt(text, passphrase, rounds) }

func encrypt(text, passphrase string, rounds int) (string, error) {
	if passphrase == "" {
		return "", errors.New("the passphrase is empty")
	}
	random := make([]byte, saltSize+nonceSize)
	rand.Read(random) // never fails
	salt, nonce := random[:saltSize], random[saltSize:]
	gcm, err := newGCM(passphrase, salt, rounds)
	if err != nil {
		return "", err
	}
	sealed := gcm.Seal(random, nonce, []byte(text), nil)
	return fmt.Sprintf("%s%d:%s", prefix, rounds, base64.StdEncoding.EncodeToString(sealed)), nil
}

// Decrypt returns the text that was encrypted, in either format.
func Decrypt(value, passphrase string) (string, error) {
	if passphrase == "" {
		return "", errors.New("the passphrase is empty")
	}
	value = strings.TrimSpace(value)
	own, isOwn := strings.CutPrefix(value, prefix)
	if !isOwn {
		return decryptPingap(value, passphrase)
	}
	number, encoded, ok := strings.Cut(own, ":")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 || n > maxRounds {
		return "", fmt.Errorf("after %q a number of rounds up to %d and a colon are expected", prefix, maxRounds)
	}
	sealed, err := decode(encoded)
	if err != nil {
		return "", err
	}
	if len(sealed) < saltSize+nonceSize+tagSize {
		return "", errors.New("the encrypted text is too short")
	}
	gcm, err := newGCM(passphrase, sealed[:saltSize], n)
	if err != nil {
		return "", err
	}
	text, err := gcm.Open(nil, sealed[saltSize:saltSize+nonceSize], sealed[saltSize+nonceSize:], nil)
	if err != nil {
		return "", ErrPassphrase
	}
	return string(text), nil
}

func newGCM(passphrase string, salt []byte, rounds int) (cipher.AEAD, error) {
	key, err := pbkdf2.Key(sha256.New, passphrase, salt, rounds, keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// decryptPingap reads what Pingap has written: base64 of AES-256-GCM-SIV, with
// the bytes of the passphrase, cut or filled up with zeros, as the key.
func decryptPingap(value, passphrase string) (string, error) {
	sealed, err := decode(value)
	if err != nil {
		return "", err
	}
	key := make([]byte, keySize)
	copy(key, passphrase)
	text, err := openGCMSIV(key, []byte("pingap nonce"), sealed)
	return string(text), err
}

// decode reads base64, which may be broken into lines.
func decode(text string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("the encrypted text is not base64")
	}
	return data, nil
}
