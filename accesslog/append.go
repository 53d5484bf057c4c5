package accesslog

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"pingap/message"
)

// appendText adds s, escaped, or a dash if it is empty.
func appendText(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, '-')
	}
	return appendEscaped(dst, s)
}

// appendEscaped adds s so that it can neither end a line nor a quoted value:
// quotes, backslashes, control characters and what is not UTF-8 become \xXX.
func appendEscaped(dst []byte, s string) []byte {
	start := len(dst)
	dst = append(dst, s...)
	plain := plainLength(dst[start:])
	if plain == len(s) {
		return dst
	}
	dst = dst[:start+plain]
	for s = s[plain:]; s != ""; {
		if n := wholeRune(s); n > 0 {
			dst, s = append(dst, s[:n]...), s[n:]
			continue
		}
		dst, s = append(dst, '\\', 'x', hexDigits[s[0]>>4], hexDigits[s[0]&15]), s[1:]
	}
	return dst
}

// plainLength is how many bytes b begins with that need no look at each, which
// is all of them in nearly every value: printable ASCII but quotes and
// backslashes. It may be up to 7 too small.
func plainLength(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if message.ControlIn(w)|w&message.HighBits|holds(w, '"')|holds(w, '\\') != 0 {
			return i
		}
	}
	for i < len(b) && isPlain(b[i]) {
		i++
	}
	return i
}

// holds is not 0 when c is among the bytes of w.
func holds(w uint64, c byte) uint64 {
	w ^= uint64(c) * message.EveryByte
	return (w - message.EveryByte) &^ w & message.HighBits
}

func isPlain(c byte) bool { return ' ' <= c && c < 0x7f && c != '"' && c != '\\' }

// wholeRune is the length of the character that s begins with, if it can stand
// as it is.
func wholeRune(s string) int {
	if s[0] < utf8.RuneSelf {
		if isPlain(s[0]) {
			return 1
		}
		return 0
	}
	if r, size := utf8.DecodeRuneInString(s); size > 1 && isPrintable(r) {
		return size
	}
	return 0
}

const hexDigits = "0123456789ABCDEF"

// isPrintable refuses the characters beyond ASCII that terminals and viewers
// take for the end of a line or for a command: the C1 controls, the line and
// paragraph separators, and those that change the direction of text.
func isPrintable(r rune) bool {
	switch {
	case r < 0xa0, r == 0x2028, r == 0x2029, 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069, r == 0xfeff:
		return false
	}
	return true
}

// appendSize adds a number of bytes for people: 123B, 1.2KB, 3MB (1000).
func appendSize(dst []byte, n int64) []byte {
	units := [...]string{"B", "KB", "MB", "GB", "TB", "PB", "EB"}
	unit, whole := 0, int64(1)
	for n/whole >= 1000 && unit < len(units)-1 {
		unit++
		whole *= 1000
	}
	dst = appendTenths(dst, n, whole)
	return append(dst, units[unit]...)
}

// appendDuration adds nanoseconds for people: 123ms, 1.2s, 3.4m, 1.1h.
func appendDuration(dst []byte, ns int64) []byte {
	ms := ns / 1e6
	switch {
	case ms < 1000:
		return append(strconv.AppendInt(dst, ms, 10), "ms"...)
	case ms < 60_000:
		return append(appendTenths(dst, ms, 1000), 's')
	case ms < 3_600_000:
		return append(appendTenths(dst, ms, 60_000), 'm')
	}
	return append(appendTenths(dst, ms, 3_600_000), 'h')
}

// appendTenths adds n/whole with one digit behind the point, unless that is 0.
func appendTenths(dst []byte, n, whole int64) []byte {
	dst = strconv.AppendInt(dst, n/whole, 10)
	if tenth := n % whole / max(whole/10, 1); whole > 1 && tenth > 0 {
		dst = append(dst, '.', byte('0'+tenth))
	}
	return dst
}
