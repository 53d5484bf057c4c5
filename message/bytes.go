package message

import (
	"encoding/binary"
	"math/bits"
)

// Classes of bytes, one bit each in the table Class.
const (
	TokenByte  = 1 << iota // tchar of RFC 9110 section 5.6.2
	TargetByte             // may stand in a request target as it is
	HostByte               // may stand in a registered name
	DigitByte
	HexByte
)

// Class tells what each byte may be part of.
var Class = func() (table [256]uint8) {
	add := func(bits uint8, bytes string) {
		for i := range len(bytes) {
			table[bytes[i]] |= bits
		}
	}
	const (
		digits  = "0123456789"
		letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	)
	add(TokenByte, "!#$%&'*+-.^_`|~"+digits+letters)
	add(DigitByte, digits)
	add(HexByte, digits+"abcdefABCDEF")
	// RFC 3986 reg-name, without the comma, since a list made of two fields
	// must not pass for a host, and without percent-encodings, since some
	// recipients decode them and others do not.
	add(HostByte, "-._~!$&'()*+;="+digits+letters)
	// All that is visible but '#'. RFC 3986 is narrower, but browsers send
	// some of the rest ('|', '{', '"') as they are.
	for b := '!'; b <= '~'; b++ {
		if b != '#' {
			table[b] |= TargetByte
		}
	}
	return table
}()

// Words for tests on eight bytes at once: EveryByte times b is b in each of
// them, HighBits the highest bit of each.
const (
	EveryByte = 0x0101010101010101
	HighBits  = 0x80 * EveryByte
)

// ControlIn marks, in the high bit of each byte of w, the bytes below 0x20 and
// 0x7f. Marks above the lowest one may be wrong, the lowest is right.
func ControlIn(w uint64) uint64 {
	below := (w - 0x20*EveryByte) &^ w
	del := w ^ 0x7f*EveryByte
	return (below | (del-EveryByte)&^del) & HighBits
}

// EndOfValue returns the index, from i on, of the first byte of b that cannot
// stand in a field value (RFC 9110 section 5.5): a control character other than
// HTAB. It returns len(b) when there is none.
func EndOfValue(b []byte, i int) int {
	for i+8 <= len(b) {
		marks := ControlIn(binary.LittleEndian.Uint64(b[i:]))
		if marks == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(marks) / 8
		if b[i] != '\t' {
			return i
		}
		i++
	}
	for i < len(b) && (b[i] >= ' ' && b[i] != 0x7f || b[i] == '\t') {
		i++
	}
	return i
}
