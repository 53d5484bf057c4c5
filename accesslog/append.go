package accesslog

import (
	"strconv"
	"unicode/utf8"
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
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); size > 1 && isPrintable(r) {
				i += size
				continue
			}
		} else if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		dst = append(dst, s[plain:i]...)
		for _, c := range []byte(s[i : i+size]) {
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
		i += size
		plain = i
	}
	return append(dst, s[plain:]...)
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
