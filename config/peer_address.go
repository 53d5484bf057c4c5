package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// PeerAddr is one address of an upstream, written "host[:port] [weight]" or
// "unix:/path [weight]".
type PeerAddr struct {
	Host   string // an address or a name
	Port   uint16
	Path   string // of a Unix socket, instead of Host and Port
	Weight int    // share of the exchanges compared with other addresses

	portless bool // Port is the default
}

// String returns the address without its weight.
func (a PeerAddr) String() string { return addrString(a.Host, a.Port, a.Path) }

const (
	// defaultPort is the port of peers that are written without one.
	defaultPort = 80
	// defaultTLSPort is that of peers that are spoken to with TLS.
	defaultTLSPort = 443
	// maxWeight is the largest weight of a peer or a location.
	maxWeight = 65535
)

const peerHint = `write it as "10.0.0.1:8080", "[2001:db8::1]:8080", "app.internal:8080" or "unix:/run/app.sock"`

// UnmarshalText reads the address.
func (a *PeerAddr) UnmarshalText(text []byte) error {
	words := strings.Fields(string(text))
	if len(words) == 0 || len(words) > 2 {
		return &ValueError{Message: fmt.Sprintf("%q is no address of an upstream", text), Hint: peerHint + `, and a weight behind a blank: "10.0.0.1:8080 5"`}
	}
	a.Weight = 1
	if len(words) == 2 {
		if err := a.setWeight(words[1]); err != nil {
			return err
		}
	}
	address := words[0]
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		a.Path = path
		return checkSocketPath(path)
	}
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		hint := fmt.Sprintf("write %q", strings.TrimRight(rest, "/"))
		if scheme == "https" {
			hint += `, and the name in its certificate into sni`
		}
		return &ValueError{Message: fmt.Sprintf("%q is a URL; an upstream's address is a host and a port", address), Hint: hint}
	}
	if err := a.setHostPort(address); err != nil {
		return err
	}
	if err := a.checkHost(); err != nil {
		return err
	}
	if a.portless && usualPort(a.Weight) && len(words) == 2 {
		return &ValueError{
			Message: fmt.Sprintf("%q has the weight %d, and no port", text, a.Weight),
			Hint:    fmt.Sprintf("if %d is the port, write %q", a.Weight, net.JoinHostPort(a.Host, words[1])), Warning: true,
		}
	}
	return nil
}

// usualPort reports whether a weight is more likely to be a port whose colon was
// forgotten.
func usualPort(weight int) bool {
	return weight == 80 || weight == 443 || weight == 3000 || weight >= 8000 && weight <= 9999
}

func (a *PeerAddr) setWeight(text string) error {
	weight, err := strconv.Atoi(text)
	if err != nil || weight < 1 || weight > maxWeight {
		return &ValueError{Message: fmt.Sprintf("the weight %q is not between 1 and %d", text, maxWeight), Hint: "leave an address out to send it nothing"}
	}
	a.Weight = weight
	return nil
}

// setHostPort reads host:port, or a host alone: an IPv6 address then needs no
// brackets.
func (a *PeerAddr) setHostPort(text string) error {
	a.Port = defaultPort
	a.portless = true
	if bare := withoutBrackets(text); isIP(bare) || !strings.Contains(text, ":") {
		a.Host = bare
		return nil
	}
	a.portless = false
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return &ValueError{Message: fmt.Sprintf("%q is no address of an upstream", text), Hint: peerHint}
	}
	if a.Port, err = parsePort(portText); err != nil {
		return &ValueError{Message: fmt.Sprintf("the address %q: %v", text, err), Hint: peerHint}
	}
	a.Host = host
	return nil
}

// checkHost refuses hosts that no connection can be made to.
func (a *PeerAddr) checkHost() error {
	ip, err := netip.ParseAddr(a.Host)
	if err != nil {
		if !isHostName(a.Host) {
			return &ValueError{Message: fmt.Sprintf("%q is neither an IP address nor a host name", a.Host), Hint: peerHint}
		}
		return nil
	}
	kind, ip := "", ip.Unmap()
	switch {
	case ip.IsUnspecified():
		kind = "an unspecified"
	case ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		kind = "the broadcast"
	case ip.IsMulticast():
		kind = "a multicast"
	case ip.IsLinkLocalUnicast(), ip.Zone() != "":
		kind = "a link-local"
	default:
		return nil
	}
	return &ValueError{Message: fmt.Sprintf("%s is %s address, which is that of no server", ip, kind), Hint: "write the address of the server itself, such as 127.0.0.1 for this machine"}
}
