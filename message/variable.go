package message

// SameVariable reports whether two names of fields differ in case and in _ for -
// alone: to upstreams that know fields as variables, as those of CGI do,
// X_Forwarded_For is the same as X-Forwarded-For (RFC 3875 section 4.1.18).
func SameVariable(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if variableByte(a[i]) != variableByte(b[i]) {
			return false
		}
	}
	return true
}

func variableByte(c byte) byte {
	switch {
	case c == '-':
		return '_'
	case 'A' <= c && c <= 'Z':
		return c | 0x20
	}
	return c
}
