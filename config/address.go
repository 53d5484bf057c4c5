package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ListenAddr is where a server listens.
type ListenAddr struct {
	Host string // address or name; "" for all addresses
	Port uint16
	Path string // of a Unix socket, instead of host and port
}

// String returns the address as it is written.
func (a ListenAddr) String() string {
	if a.Path != "" {
		return "unix:" + a.Path
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}

// ListenAddrs is a list of addresses, separated by commas.
type ListenAddrs []ListenAddr

// UnmarshalText reads the list.
func (l *ListenAddrs) UnmarshalText(text []byte) error {
	for part := range strings.SplitSeq(string(text), ",") {
		a, err := parseListenAddr(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*l = append(*l, a)
	}
	return nil
}

func parseListenAddr(text string) (ListenAddr, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if err := checkSocketPath(path); err != nil {
			return ListenAddr{}, err
		}
		return ListenAddr{Path: path}, nil
	}
	hint := `write it as "127.0.0.1:80", "[::]:80", ":80" or "unix:/path"`
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		message := fmt.Sprintf("%q is no address to listen on", text)
		if text != "" && !strings.Contains(text, ":") {
			message = fmt.Sprintf("the address %q has no port", text)
		}
		return ListenAddr{}, &valueError{message, hint}
	}
	port, err := parsePort(portText)
	if err != nil {
		return ListenAddr{}, &valueError{fmt.Sprintf("the address %q: %v", text, err), hint}
	}
	if _, err := netip.ParseAddr(host); host != "" && err != nil && !isHostName(host) {
		return ListenAddr{}, &valueError{fmt.Sprintf("the address %q has the invalid host %q", text, host), hint}
	}
	return ListenAddr{Host: host, Port: port}, nil
}

func parsePort(text string) (uint16, error) {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("the port %q is not between 1 and 65535", text)
	}
	return uint16(port), nil
}

// maxSocketPath is what the kernel's address of a Unix socket has room for.
const maxSocketPath = 107

func checkSocketPath(path string) error {
	hint := `write it as "unix:/run/app.sock"`
	switch {
	case path == "" || path[0] != '/' && path[0] != '@':
		return &valueError{fmt.Sprintf("the path %q of a Unix socket does not begin with a slash", path), hint}
	case len(path) > maxSocketPath:
		return &valueError{fmt.Sprintf("the path of a Unix socket is %d bytes long; the system takes %d", len(path), maxSocketPath), hint}
	}
	return nil
}

// isHostName reports whether s may be a name in the DNS, with the underscores
// that containers use.
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
			c := label[i]
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
				return false
			}
		}
	}
	// What ends in a number is an address that went wrong (RFC 3986 and the
	// URL standard read it so): 10.0.0.256 is no name.
	last := s[strings.LastIndexByte(s, '.')+1:]
	_, err := strconv.Atoi(last)
	return err != nil
}

// PeerAddr is one address of an upstream: "host[:port] [weight]".
type PeerAddr struct {
	Host    string // address or name
	Port    uint16 // 0 until the default is known
	Path    string // of a Unix socket, instead of host and port
	Weight  int
	written string
}

// String returns the address without its weight.
func (a PeerAddr) String() string {
	if a.Path != "" {
		return "unix:" + a.Path
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}

// maxWeight bounds the weight of a peer.
const maxWeight = 1000

// UnmarshalText reads the address.
func (a *PeerAddr) UnmarshalText(text []byte) error {
	hint := `write it as "10.0.0.1:8080", "app.internal:8080 2" (with a weight) or "unix:/run/app.sock"`
	words := strings.Fields(string(text))
	if len(words) == 0 || len(words) > 2 {
		return &valueError{fmt.Sprintf("%q is no address of an upstream", text), hint}
	}
	*a = PeerAddr{Weight: 1, written: string(text)}
	if len(words) == 2 {
		weight, err := strconv.Atoi(words[1])
		if err != nil || weight < 1 || weight > maxWeight {
			return &valueError{fmt.Sprintf("the weight %q of %s is not between 1 and %d", words[1], words[0], maxWeight), hint}
		}
		a.Weight = weight
	}
	if path, ok := strings.CutPrefix(words[0], "unix:"); ok {
		a.Path = path
		return checkSocketPath(path)
	}
	if strings.Contains(words[0], "://") {
		return &valueError{fmt.Sprintf("%q is a URL; an upstream's address is a host and a port", words[0]), hint}
	}
	return a.parseHostPort(words[0], hint)
}

func (a *PeerAddr) parseHostPort(text, hint string) error {
	host, portText := text, ""
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	bare := err == nil
	if bare {
		host = addr.String()
	} else if strings.Contains(text, ":") {
		if host, portText, err = net.SplitHostPort(text); err != nil {
			return &valueError{fmt.Sprintf("%q is no address of an upstream", text), hint}
		}
		if a.Port, err = parsePort(portText); err != nil {
			return &valueError{fmt.Sprintf("the address %q: %v", text, err), hint}
		}
		addr, err = netip.ParseAddr(host)
		bare = err == nil
	}
	if !bare && !isHostName(host) {
		return &valueError{fmt.Sprintf("the address %q has the invalid host %q", text, host), hint}
	}
	if bare && (addr.IsUnspecified() || addr.IsMulticast() || addr.IsLinkLocalUnicast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255})) {
		return &valueError{fmt.Sprintf("%s is no address that a connection can be made to (unspecified, broadcast, multicast or link-local)", addr),
			"write the address of the server itself, such as 127.0.0.1"}
	}
	a.Host = host
	return nil
}
