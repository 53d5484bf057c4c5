package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// tagSize is the length of the tags of AES-GCM and AES-GCM-SIV.
const tagSize = 16

// openGCMSIV decrypts AES-256-GCM-SIV (RFC 8452 section 5) without additional
// data. key has 32 bytes and nonce 12.
func openGCMSIV(key, nonce, sealed []byte) ([]byte, error) {
	if len(sealed) < tagSize {
		return nil, errors.New("the encrypted text is too short")
	}
	authentication, encryption, err := deriveKeys(key, nonce)
	if err != nil {
		return nil, err
	}
	text, tag := sealed[:len(sealed)-tagSize], sealed[len(sealed)-tagSize:]
	plain := counterMode(encryption, tag, text)
	if subtle.ConstantTimeCompare(tag, tagOf(authentication, encryption, nonce, plain)) == 0 {
		return nil, ErrPassphrase
	}
	return plain, nil
}

// deriveKeys makes the keys for one nonce (RFC 8452 section 4).
func deriveKeys(key, nonce []byte) (authentication [16]byte, encryption cipher.Block, err error) {
	generator, err := aes.NewCipher(key)
	if err != nil {
		return authentication, nil, err
	}
	var keys [48]byte
	var block [16]byte
	for i := range uint32(6) {
		binary.LittleEndian.PutUint32(block[:], i)
		copy(block[4:], nonce)
		generator.Encrypt(block[:], block[:])
		copy(keys[8*i:], block[:8])
	}
	encryption, err = aes.NewCipher(keys[16:])
	return [16]byte(keys[:16]), encryption, err
}

// counterMode encrypts or decrypts text. Its counter is the first 32 bits,
// little-endian, which sets it apart from the usual one.
func counterMode(encryption cipher.Block, tag, text []byte) []byte {
	counter := [16]byte(tag)
	counter[15] |= 0x80
	result := make([]byte, len(text))
	var stream [16]byte
	for at := 0; at < len(text); at += 16 {
		encryption.Encrypt(stream[:], counter[:])
		binary.LittleEndian.PutUint32(counter[:], binary.LittleEndian.Uint32(counter[:])+1)
		subtle.XORBytes(result[at:], text[at:], stream[:min(16, len(text)-at)])
	}
	return result
}

// tagOf returns the tag of a text in the clear.
func tagOf(authentication [16]byte, encryption cipher.Block, nonce, plain []byte) []byte {
	var sum fieldElement
	by := elementOf(authentication[:])
	for at := 0; at < len(plain); at += 16 {
		var block [16]byte
		copy(block[:], plain[at:])
		sum = sum.plus(elementOf(block[:])).times(by)
	}
	sum = sum.plus(fieldElement{high: uint64(len(plain)) * 8}).times(by)
	var tag [16]byte
	binary.LittleEndian.PutUint64(tag[:], sum.low)
	binary.LittleEndian.PutUint64(tag[8:], sum.high)
	subtle.XORBytes(tag[:], tag[:], nonce)
	tag[15] &= 0x7f
	encryption.Encrypt(tag[:], tag[:])
	return tag[:]
}

// fieldElement is a polynomial over GF(2) modulo x^128 + x^127 + x^126 + x^121
// + 1; the lowest bit of low is its constant term.
type fieldElement struct{ low, high uint64 }

func elementOf(block []byte) fieldElement {
	return fieldElement{binary.LittleEndian.Uint64(block), binary.LittleEndian.Uint64(block[8:])}
}

func (a fieldElement) plus(b fieldElement) fieldElement {
	return fieldElement{a.low ^ b.low, a.high ^ b.high}
}

// times is the dot of RFC 8452 section 3: a times b times x^-128, bit by bit.
// Texts of a configuration are short.
func (a fieldElement) times(b fieldElement) fieldElement {
	var r fieldElement
	for i := range 128 {
		word := a.low
		if i >= 64 {
			word = a.high
		}
		if word>>(i%64)&1 == 1 {
			r = r.plus(b)
		}
		// Divide by x; a constant term makes the modulus divisible.
		odd := r.low&1 == 1
		r.low = r.low>>1 | r.high<<63
		r.high >>= 1
		if odd {
			r.high ^= 0xe100000000000000
		}
	}
	return r
}
