package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ListenAddr is where a server listens.
type ListenAddr struct {
	Host string // an address or a name; "" for all addresses, IPv6 and IPv4
	Port uint16
	Path string // of a Unix socket, instead of Host and Port
	// IP is the address that Host is. Of a name it is set by whoever looks that
	// up, and invalid until then.
	IP netip.Addr
}

// String returns the address as it is written.
func (a ListenAddr) String() string { return addrString(a.Host, a.Port, a.Path) }

func addrString(host string, port uint16, path string) string {
	if path != "" {
		return "unix:" + path
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// ListenAddrs is a list of addresses, separated by commas.
type ListenAddrs []ListenAddr

// UnmarshalText reads the list.
func (l *ListenAddrs) UnmarshalText(text []byte) error {
	var errs []error
	for part := range strings.SplitSeq(string(text), ",") {
		a, err := parseListenAddr(strings.TrimSpace(part))
		*l, errs = append(*l, a), append(errs, err)
	}
	return errors.Join(errs...)
}

const listenHint = `write it as "0.0.0.0:80", "[::]:80", ":80" or "unix:/run/pingap.sock"`

func parseListenAddr(text string) (ListenAddr, error) {
	wrong := func(format string, args ...any) (ListenAddr, error) {
		return ListenAddr{}, &ValueError{Message: fmt.Sprintf(format, args...), Hint: listenHint}
	}
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		return ListenAddr{Path: path}, checkSocketPath(path)
	}
	host, portText, err := net.SplitHostPort(text)
	switch {
	case text == "":
		return wrong("an address to listen on is missing")
	case strings.Contains(text, "://"):
		return wrong("%q is a URL, not an address to listen on", text)
	case err != nil && isBareIPv6(text):
		return ListenAddr{}, &ValueError{Message: fmt.Sprintf("the address %q has no brackets, or no port", text), Hint: `an IPv6 address is written "[2001:db8::1]:80"`}
	case err != nil && !strings.Contains(strings.TrimPrefix(text, "["), ":"):
		return wrong("the address %q has no port", text)
	case err != nil:
		return wrong("%q is no address to listen on", text)
	}
	port, err := parsePort(portText)
	if err != nil {
		return wrong("the address %q: %v", text, err)
	}
	if host != "" && !isIP(host) && !isHostName(host) {
		return wrong("the address %q: %q is neither an IP address nor a name", text, host)
	}
	ip, _ := netip.ParseAddr(host) // or a name, which is looked up later
	return ListenAddr{Host: host, Port: port, IP: ip}, nil
}

func parsePort(text string) (uint16, error) {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("the port %q is not between 1 and 65535", text)
	}
	return uint16(port), nil
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// withoutBrackets removes the brackets around an IPv6 address.
func withoutBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}

func isBareIPv6(text string) bool {
	return strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[")
}

// maxSocketPath is what fits into the kernel's address of a Unix socket.
const maxSocketPath = 107

// checkSocketPath checks the path of a Unix socket. One that begins with @ is
// a name in Linux's abstract namespace.
func checkSocketPath(path string) error {
	hint := `write it as "unix:/run/app.sock"`
	switch {
	case len(path) < 2 || path[0] != '/' && path[0] != '@':
		return &ValueError{Message: fmt.Sprintf("the path %q of a Unix socket does not begin with a slash", path), Hint: hint}
	case len(path) > maxSocketPath:
		return &ValueError{Message: fmt.Sprintf("the path of a Unix socket has %d bytes, but the system takes %d at most", len(path), maxSocketPath), Hint: "use a shorter path"}
	}
	return nil
}

// isHostName reports whether s may be a name in the DNS, or one with the
// underscores that containers have.
func isHostName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; c != '-' && c != '_' && !isAlphanumeric(c) {
				return false
			}
		}
	}
	// A name that ends in a number is an address that went wrong, such as
	// 10.0.0.256 (https://url.spec.whatwg.org/#ends-in-a-number-checker).
	_, err := strconv.Atoi(s[strings.LastIndexByte(s, '.')+1:])
	return err != nil
}
