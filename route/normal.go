package route

import (
	"bytes"
	"strings"

	"pingap/message"
)

// Path returns the path of the exchange's request in the normal form that
// matching and rewriting use:
//
//   - percent-encoded characters that may stand in a path as they are, stand as
//     they are, and all others are encoded, with upper-case digits (RFC 3986
//     section 6.2.2.1 and 6.2.2.2); %2F, %5C, %3F, %23 and %25 stay encoded, for
//     decoded they would mean something else;
//   - slashes in a row are one;
//   - "." and ".." are resolved (RFC 3986 section 6.2.2.3).
//
// So "/%61dmin", "//admin" and "/x/../admin" are all matched as "/admin". The
// request is passed on with its path as it was sent unless it is rewritten, and
// upstreams differ in how they read "..", "%2F", "\" and "..;". Where another
// reading would lead to another location, [Table.Match] finds none: whatever
// the upstream makes of a path, the location that serves it is the one that was
// written for it.
//
// A path in normal form is returned as it is; another one becomes a string
// that lives as long as the exchange.
func Path(x *message.Exchange) string {
	path := x.Request.Path
	if isPlain(path) {
		return path
	}
	return message.View(reading(0).append(x.Buffer(len(path)), path))
}

// NormalizePath returns a path in the normal form of [Path].
func NormalizePath(path string) string {
	if isPlain(path) {
		return path
	}
	return string(reading(0).append(nil, path))
}

// asIs tells which bytes stand in the normal form as they are.
var asIs = func() (table [256]bool) {
	for c := '!'; c <= '~'; c++ {
		table[c] = !strings.ContainsRune(`%?#\`, c)
	}
	return table
}()

// isPlain reports, for nearly all paths that are, that a path has one reading:
// no encoding, no slashes in a row, nothing like a dot segment, no backslash.
func isPlain(path string) bool {
	previous := byte(0)
	for i := range len(path) {
		c := path[i]
		switch {
		case c == '/':
			if previous == '/' {
				return false
			}
		case c == '.':
			if previous == '/' && (i+1 == len(path) || strings.IndexByte("./;", path[i+1]) >= 0) {
				return false
			}
		case !asIs[c]:
			return false
		}
		previous = c
	}
	return true
}

// reading is a way in which a path can be understood; 0 is the normal form.
type reading uint8

const (
	// lenient takes %2F, %5C and "\" for slashes, and "..;x" for "..".
	lenient reading = 1 << iota
	// keepDots leaves dot segments where they are.
	keepDots
	// keepEmpty resolves dot segments before slashes are merged, so that an
	// empty segment is one that ".." removes, as in RFC 3986 section 5.2.4.
	keepEmpty
)

// otherReadings lists the ways besides the normal form in which an upstream
// may read a path that is not plain.
func otherReadings(path string) []reading {
	if hidesSlash(path) {
		return allReadings[:]
	}
	return allReadings[:2]
}

var allReadings = [...]reading{keepDots, keepEmpty, lenient, lenient | keepDots, lenient | keepEmpty}

// hidesSlash reports whether a lenient reading may differ.
func hidesSlash(path string) bool {
	for i := range len(path) {
		switch path[i] {
		case '\\', ';':
			return true
		case '%':
			switch c, _ := unescape(path[i:]); c {
			case '/', '\\', ';':
				return true
			}
		}
	}
	return false
}

// append appends a path as it is read. A path that does not begin with a slash
// ("*") has no segments.
func (r reading) append(dst []byte, path string) []byte {
	start := len(dst)
	dst = decode(dst, path, r)
	if p := dst[start:]; len(p) > 0 && p[0] == '/' {
		if r&keepEmpty != 0 {
			p = resolve(p, r)
		}
		p = resolve(p, r&^keepEmpty)
		dst = dst[:start+len(p)]
	}
	return dst
}

// decode appends a path with its percent-encodings in normal form, and with
// slashes for what the reading takes for one.
func decode(dst []byte, path string, r reading) []byte {
	for i := 0; i < len(path); i++ {
		c := path[i]
		escaped := false
		if c == '%' {
			if c, escaped = unescape(path[i:]); escaped {
				i += 2
			} else {
				c = '%'
			}
		}
		switch {
		case r&lenient != 0 && (c == '\\' || c == '/'):
			dst = append(dst, '/')
		case asIs[c] && (c != '/' || !escaped), c == '\\' && !escaped:
			dst = append(dst, c)
		default:
			const digits = "0123456789ABCDEF"
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

// unescape returns the byte that is percent-encoded at the start of s, if one
// is.
func unescape(s string) (c byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, ok1 := hex(s[1])
	low, ok2 := hex(s[2])
	return high<<4 | low, ok1 && ok2
}

func hex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// resolve merges slashes and removes dot segments, in place, as far as the
// reading does.
func resolve(p []byte, r reading) []byte {
	out := p[:0] // never longer than what has been read
	for start := 0; start < len(p); {
		end := start + 1
		for end < len(p) && p[end] != '/' {
			end++
		}
		segment, last := p[start+1:end], end == len(p)
		switch dots := dotSegment(segment, r); {
		case dots == 2:
			out = out[:max(0, bytes.LastIndexByte(out, '/'))]
			fallthrough
		case dots == 1:
			if last {
				out = append(out, '/')
			}
		case len(segment) == 0 && !last && r&keepEmpty == 0:
		default:
			out = append(out, p[start:end]...)
		}
		start = end
	}
	return out
}

// dotSegment returns 1 for ".", 2 for "..", and 0 for all other segments and
// where the reading keeps them.
func dotSegment(segment []byte, r reading) int {
	if r&keepDots != 0 || len(segment) == 0 || segment[0] != '.' {
		return 0
	}
	n := 1
	if len(segment) > 1 && segment[1] == '.' {
		n = 2
	}
	if len(segment) == n || r&lenient != 0 && segment[n] == ';' {
		return n
	}
	return 0
}
