package route

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"pingap/message"
)

// Host returns the host that the exchange is for as matching sees it: without
// port, without the brackets of an IPv6 address and in its shortest spelling
// (RFC 5952), in lower case, without the dot that may end a full name. It is
// "" when the request names no host. The string lives as long as the exchange.
func Host(x *message.Exchange) string {
	host := x.Request.Hostname()
	if isNormalHost(host) {
		return host
	}
	return message.View(appendHost(x.Buffer(max(len(host), maxAddress)), host))
}

// NormalizeHost returns a host, with or without port, in the form of [Host].
func NormalizeHost(host string) string {
	host = (&message.Request{Host: host}).Hostname()
	if isNormalHost(host) {
		return host
	}
	return string(appendHost(nil, host))
}

// maxAddress is the length of the longest IPv6 address in text.
const maxAddress = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

func isNormalHost(host string) bool {
	for i := range len(host) {
		if c := host[i]; c == ':' || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return !strings.HasSuffix(host, ".")
}

// appendHost appends a host, which has neither port nor brackets, in normal
// form.
func appendHost(dst []byte, host string) []byte {
	if strings.IndexByte(host, ':') >= 0 {
		if addr, err := netip.ParseAddr(host); err == nil {
			return addr.AppendTo(dst)
		}
	}
	host = strings.TrimSuffix(host, ".")
	for i := range len(host) {
		c := host[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// hostPattern is one item of a location's hosts.
type hostPattern struct {
	kind   hostKind
	name   string // normal form; of a wildcard without "*."
	regexp *regexp.Regexp
	source string // as configured
}

type hostKind uint8

const (
	hostExact hostKind = iota
	hostWildcard
	hostRegexp
)

// matches reports whether the pattern is for a host in normal form.
func (p *hostPattern) matches(host string) bool {
	switch p.kind {
	case hostExact:
		return host == p.name
	case hostWildcard:
		dot := len(host) - len(p.name) - 1
		return dot > 0 && host[dot] == '.' && host[dot+1:] == p.name
	}
	return p.regexp.MatchString(host)
}

// maxName is the length of the longest name that DNS knows.
const maxName = 253

func parseHost(text string) (hostPattern, error) {
	item := strings.TrimSpace(text)
	if item == "" {
		return hostPattern{}, errors.New("an empty host: leave it out, for a location without host serves every host")
	}
	p := hostPattern{source: item}
	if expr, ok := strings.CutPrefix(item, "~"); ok {
		p.kind = hostRegexp
		expr = strings.TrimSpace(expr)
		if err := checkRegexp(expr); err != nil {
			return p, err
		}
		// Names of hosts know no case (RFC 4343).
		p.regexp = regexp.MustCompile("(?i)" + expr)
		return p, nil
	}
	name, wildcard := strings.CutPrefix(item, "*.")
	if wildcard {
		p.kind = hostWildcard
	}
	if err := checkHostName(item, name); err != nil {
		return p, err
	}
	if strings.HasPrefix(name, "[") {
		name = name[1 : len(name)-1]
	}
	p.name = name
	if !isNormalHost(name) {
		p.name = string(appendHost(nil, name))
	}
	return p, nil
}

// checkHostName refuses names that no request could have, each with what would
// be right. item is the name as it was written.
func checkHostName(item, name string) error {
	if strings.HasPrefix(name, "[") || strings.Count(name, ":") > 1 {
		addr := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
		if _, err := netip.ParseAddr(addr); err != nil || name != addr && name != "["+addr+"]" {
			return fmt.Errorf("%q is no IPv6 address", item)
		}
		return nil
	}
	switch {
	case strings.Contains(name, "*"):
		return fmt.Errorf(`invalid host wildcard pattern: %q: a wildcard stands only in front, as in "*.example.com"; leave host out to serve every host`, item)
	case strings.Contains(name, ":"):
		return fmt.Errorf("%q: hosts are matched without their port; write %q", item, name[:strings.IndexByte(name, ':')])
	case name == "" || name == ".":
		return fmt.Errorf("%q is no host name", item)
	case len(name) > maxName+1:
		return fmt.Errorf("%q...: a host name is at most %d bytes long", item[:20], maxName)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 0x80:
			return fmt.Errorf(`%q: write an international name in its ASCII form, as in "xn--bcher-kva.example"`, item)
		case c <= ' ' || c == 0x7f || strings.IndexByte(`/?#@[]<>"\^{}|`+"`", c) >= 0:
			return fmt.Errorf("%q: a host name cannot contain %q", item, c)
		}
	}
	return nil
}
