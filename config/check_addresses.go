package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// listening is one address of one server.
type listening struct {
	server *Server
	addr   ListenAddr
}

// checkAddresses reports addresses that two servers listen on, or one twice.
func (c *Config) checkAddresses(problems *Problems) {
	byPort := make(map[string][]listening)
	for _, s := range c.Servers {
		for _, a := range s.Addr {
			// Addresses with different ports, or paths, are never the same.
			port := fmt.Sprintf("%s:%d", a.Path, a.Port)
			for _, other := range byPort[port] {
				if a.overlaps(other.addr) {
					problems.add(s.conflict(a, other))
					break
				}
			}
			byPort[port] = append(byPort[port], listening{s, a})
		}
	}
}

// conflict says that a server listens where another, or itself, does already.
func (s *Server) conflict(a ListenAddr, first listening) Problem {
	where := fmt.Sprintf("where server %q listens (%s)", first.server.Name, first.server.At("addr"))
	if first.server == s {
		where = "in the same list"
	}
	hint := "give one of the servers another address, or all locations to one of them"
	switch {
	case a.normalHost() == first.addr.normalHost() && first.server == s:
		return s.Problem("addr", fmt.Sprintf("%s is in the list twice", a), "")
	case a.normalHost() == first.addr.normalHost():
		return s.Problem("addr", fmt.Sprintf("%s is %s", a, where), hint)
	}
	all, takes := first.addr, "the connections to all addresses"
	if a.covers(first.addr) {
		all = a
	}
	if all.normalHost() == "0.0.0.0" {
		takes += " of IPv4"
	} else {
		takes += ", those of IPv4 too"
	}
	return s.Problem("addr", fmt.Sprintf("%s overlaps with %s, %s", a, first.addr, where), fmt.Sprintf("%s takes %s", all, takes))
}

// overlaps reports whether two addresses cannot both be listened on: they are
// the same, or one stands for all and the other is among them.
func (a ListenAddr) overlaps(b ListenAddr) bool {
	if a.Path != "" || b.Path != "" {
		return a.Path == b.Path
	}
	if a.Port != b.Port {
		return false
	}
	return a.normalHost() == b.normalHost() || a.covers(b) || b.covers(a)
}

// normalHost returns the host in the one form that all ways to write it share.
func (a ListenAddr) normalHost() string {
	if ip, err := netip.ParseAddr(a.Host); err == nil {
		return ip.Unmap().String()
	}
	if a.Host == "" {
		return "::"
	}
	return strings.ToLower(a.Host)
}

// covers reports whether who listens on a gets the connections to b too. The
// address [::] takes those of IPv4 as well.
func (a ListenAddr) covers(b ListenAddr) bool {
	ip, err := netip.ParseAddr(b.normalHost())
	switch a.normalHost() {
	case "::":
		return true
	case "0.0.0.0":
		return err == nil && (ip.Is4() || ip.IsUnspecified())
	}
	return false
}
