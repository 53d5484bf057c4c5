package message

import "strings"

// MayTrail reports whether a field of this name may come in the trailer section
// of a request. What says where a request goes, who sends it, on which terms, or
// what its content is, has to be known before the content (RFC 9110 section
// 6.5.1): whoever merges trailers into the header would believe there what has
// been checked, or set, by those in front of it.
func MayTrail(name string) bool {
	for _, prefix := range [...]string{"x-forwarded-", "if-", "proxy-", "sec-", "content-"} {
		if len(name) >= len(prefix) && EqualFold(name[:len(prefix)], prefix) {
			return EqualFold(name, "content-digest") // RFC 9530
		}
	}
	for _, known := range noTrailers {
		if EqualFold(name, known) {
			return false
		}
	}
	return true
}

var noTrailers = strings.Fields(`
	authorization cache-control connection cookie expect forwarded host http2-settings
	keep-alive max-forwards origin pragma range referer te trailer transfer-encoding
	upgrade user-agent via x-real-ip`)
