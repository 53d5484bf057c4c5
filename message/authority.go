package message

import (
	"net/netip"
	"strings"
)

// CheckAuthority accepts host [":" port] of RFC 3986 section 3.2 as an http URI
// may have it (RFC 9110 section 4.2): a non-empty host, no user information,
// and no colon without a port behind it.
func CheckAuthority(s string) *Refusal {
	host := s
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || !isIPv6(s[1:end]) {
			return ErrHost
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
		return ErrHost
	}
	for i := range len(host) {
		if Class[host[i]]&HostByte == 0 {
			return hostError(s, ErrHost)
		}
	}
	return nil
}

// hostError names user information where that is what is wrong.
func hostError(s string, err *Refusal) *Refusal {
	if strings.IndexByte(s, '@') >= 0 {
		return ErrUserInfo
	}
	return err
}

// isIPv6 reports whether s is an IPv6 address without a zone.
func isIPv6(s string) bool {
	// Looked at before parsing, whose errors take memory.
	for i := range len(s) {
		if Class[s[i]]&HexByte == 0 && s[i] != ':' && s[i] != '.' {
			return false
		}
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6()
}

// checkPort accepts "" and ":" followed by a port number.
func checkPort(s string) *Refusal {
	if s == "" {
		return nil
	}
	if s[0] != ':' || len(s) < 2 || len(s) > 6 {
		return ErrHost
	}
	port := 0
	for i := 1; i < len(s); i++ {
		if Class[s[i]]&DigitByte == 0 {
			return ErrHost
		}
		port = port*10 + int(s[i]-'0')
	}
	if port < 1 || port > 65535 {
		return ErrHost
	}
	return nil
}
