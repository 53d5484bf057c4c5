package route

import (
	"strings"

	"pingap/message"
)

// Hostname returns the host of an authority: without port, without the
// brackets of an IPv6 address, without the dot at the end that makes a name
// absolute.
func Hostname(authority string) string {
	host := authority
	if strings.HasPrefix(host, "[") {
		if end := strings.IndexByte(host, ']'); end > 0 {
			return host[1:end]
		}
	}
	// More than one colon is an IPv6 address without brackets.
	if i := strings.IndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i+1:], ':') < 0 {
		host = host[:i]
	}
	return strings.TrimSuffix(host, ".")
}

// NormalHost returns the host of an authority in lower case. It lives as long
// as the exchange.
func NormalHost(x *message.Exchange, authority string) string {
	host := Hostname(authority)
	for i := range len(host) {
		if 'A' <= host[i] && host[i] <= 'Z' {
			return lower(x, host)
		}
	}
	return host
}

func lower(x *message.Exchange, s string) string {
	b := append(x.Buffer(len(s)), s...)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return message.View(b)
}

// NormalPath returns the path in the one form that all ways to write it share,
// so that a location cannot be dodged by writing its path in another way that
// the upstream takes for the same: percent-encoded characters that need not be
// are decoded (RFC 3986 section 6.2.2.2), the other encodings are in upper case
// (6.2.2.1), dot segments are removed (6.2.2.3), and slashes in a row are one.
// Encoded slashes stay encoded. What is passed on is the path as it was sent.
// A path that is normal already costs no more than looking at it.
func NormalPath(x *message.Exchange, path string) string {
	if isNormal(path) {
		return path
	}
	return message.View(appendNormal(x.Buffer(len(path)), path))
}

// isNormal reports whether nothing in path could need a change.
func isNormal(path string) bool {
	for i := range len(path) {
		switch path[i] {
		case '%':
			return false
		case '/':
			if i+1 < len(path) && (path[i+1] == '/' || path[i+1] == '.') {
				return false
			}
		}
	}
	return true
}

// appendNormal appends the normal form of path to dst, which is empty and has
// room for it.
func appendNormal(dst []byte, path string) []byte {
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) {
			if v, ok := unhex(path[i+1], path[i+2]); ok {
				i += 2
				if !isUnreserved(v) {
					dst = append(dst, '%', upperHex[v>>4], upperHex[v&15])
					continue
				}
				c = v
			}
		}
		if c == '/' {
			dst = endSegment(dst)
			if len(dst) > 0 && dst[len(dst)-1] == '/' {
				continue
			}
		}
		dst = append(dst, c)
	}
	return endSegment(dst)
}

// endSegment removes a dot segment from the end of dst, and with .. the one
// before it.
func endSegment(dst []byte) []byte {
	switch {
	case hasSuffix(dst, "/."):
		return dst[:len(dst)-1]
	case hasSuffix(dst, "/.."):
		dst = dst[:len(dst)-len("/..")]
		for len(dst) > 0 && dst[len(dst)-1] != '/' {
			dst = dst[:len(dst)-1]
		}
		if len(dst) == 0 {
			return append(dst, '/')
		}
	}
	return dst
}

func hasSuffix(b []byte, suffix string) bool {
	return len(b) >= len(suffix) && string(b[len(b)-len(suffix):]) == suffix
}

const upperHex = "0123456789ABCDEF"

func unhex(a, b byte) (byte, bool) {
	high, low := hexValue(a), hexValue(b)
	return high<<4 | low&15, high < 16 && low < 16
}

func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

// isUnreserved reports whether c means the same encoded or not (RFC 3986
// section 2.3).
func isUnreserved(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '-' || c == '.' || c == '_' || c == '~'
}
