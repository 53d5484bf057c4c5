package message

import "strings"

// CheckTarget refuses bytes that may not stand in a request target, a fragment
// among them (RFC 9112 section 3.2).
func CheckTarget(target string) *Refusal {
	for i := range len(target) {
		if Class[target[i]]&TargetByte == 0 {
			if target[i] == '#' {
				return ErrFragment
			}
			return ErrTargetByte
		}
	}
	return nil
}

// SplitPath separates path and query at the first "?". Percent-encodings of
// the path must be well-formed: whoever decodes it next would have to guess.
func SplitPath(req *Request, target string) *Refusal {
	path := target
	if mark := strings.IndexByte(target, '?'); mark >= 0 {
		path = target[:mark]
		req.Query, req.HasQuery = target[mark+1:], true
	}
	for i := 0; ; i++ {
		escape := strings.IndexByte(path[i:], '%')
		if escape < 0 {
			break
		}
		if i += escape; !isEscape(path, i) {
			return ErrEscape
		}
	}
	req.Path = path
	return nil
}

// isEscape reports whether a percent-encoding stands at s[i:].
func isEscape(s string, i int) bool {
	return i+2 < len(s) && Class[s[i+1]]&HexByte != 0 && Class[s[i+2]]&HexByte != 0
}

// AppendEscaped appends a part of a request target. It was checked when it came
// in, but what a rewrite has made of it may hold anything: bytes that would end
// the target are percent-encoded.
func AppendEscaped(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}
