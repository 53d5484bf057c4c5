package http1

import (
	"net/netip"
	"strings"

	"pingap/message"
)

// checkAuthority accepts host [":" port] of RFC 3986 section 3.2 as an http URI
// may have it (RFC 9110 section 4.2): a non-empty host, no user information,
// and no colon without a port behind it.
func checkAuthority(s string) *Error {
	host := s
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || !isIPv6(s[1:end]) {
			return errHost
		}
		return checkPort(s[end+1:])
	}
	if colon := strings.IndexByte(s, ':'); colon >= 0 {
		host = s[:colon]
		if err := checkPort(s[colon:]); err != nil {
			return hostError(s, err)
		}
	}
	if host == "" {
		return errHost
	}
	for i := range len(host) {
		if class[host[i]]&hostByte == 0 {
			return hostError(s, errHost)
		}
	}
	return nil
}

// hostError names user information where that is what is wrong.
func hostError(s string, err *Error) *Error {
	if strings.IndexByte(s, '@') >= 0 {
		return errUserInfo
	}
	return err
}

// isIPv6 reports whether s is an IPv6 address without a zone.
func isIPv6(s string) bool {
	// Looked at before parsing, whose errors take memory.
	for i := range len(s) {
		if class[s[i]]&hexByte == 0 && s[i] != ':' && s[i] != '.' {
			return false
		}
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6()
}

// checkPort accepts "" and ":" followed by a port number.
func checkPort(s string) *Error {
	if s == "" {
		return nil
	}
	if s[0] != ':' || len(s) < 2 || len(s) > 6 {
		return errHost
	}
	port := 0
	for i := 1; i < len(s); i++ {
		if class[s[i]]&digitByte == 0 {
			return errHost
		}
		port = port*10 + int(s[i]-'0')
	}
	if port < 1 || port > 65535 {
		return errHost
	}
	return nil
}

// settleHost decides for which host the request is. The authority of the
// request target wins over Host (RFC 9112 section 3.2.2), but since the two
// could be read by two recipients, they must be the same. A request without
// Host is one of HTTP/1.0.
func settleHost(req *message.Request, authority string, c *control) *Error {
	switch {
	case c.hosts > 1:
		return errHostRepeated
	case c.hosts == 0 && req.Version != message.HTTP10:
		return errHostMissing
	}
	if c.hosts == 1 {
		if err := checkAuthority(c.host); err != nil {
			return err
		}
		if authority != "" && !message.EqualFold(authority, c.host) {
			return errHostMismatch
		}
	}
	req.Host = c.host
	if authority != "" {
		req.Host = authority
	}
	return nil
}
