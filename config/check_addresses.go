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

// allIPv4 stands for all addresses of IPv4.
var allIPv4 = ListenAddr{IP: netip.IPv4Unspecified()}

// port is what is listened on at one port, or path. There may be thousands of
// addresses, so those that another could overlap with are found by their hosts.
type port struct {
	byHost  map[string]listening // the first of each
	first   listening
	firstV4 listening // the first that 0.0.0.0 overlaps with
}

// checkAddresses reports addresses that two servers listen on, or one twice.
func (c *Config) checkAddresses(problems *Problems) {
	ports := make(map[string]*port)
	for _, s := range c.Servers {
		for _, a := range s.Addr {
			// Addresses with different ports, or paths, are never the same.
			key := fmt.Sprintf("%s:%d", a.Path, a.Port)
			p := ports[key]
			if p == nil {
				p = &port{byHost: make(map[string]listening)}
				ports[key] = p
			}
			if first, ok := p.conflicting(a); ok {
				problems.add(s.conflict(a, first))
			}
			p.add(listening{s, a})
		}
	}
}

// conflicting returns an address of the port that overlaps with a.
func (p *port) conflicting(a ListenAddr) (listening, bool) {
	same := p.byHost[a.normalHost()]
	for _, l := range []listening{same, p.byHost["::"], p.byHost["0.0.0.0"], p.firstV4, p.first} {
		if l.server != nil && a.overlaps(l.addr) {
			return l, true
		}
	}
	return listening{}, false
}

func (p *port) add(l listening) {
	host := l.addr.normalHost()
	if _, ok := p.byHost[host]; !ok {
		p.byHost[host] = l
	}
	if p.first.server == nil {
		p.first = l
	}
	if p.firstV4.server == nil && allIPv4.covers(l.addr) {
		p.firstV4 = l
	}
}

// conflict says that a server listens where another, or itself, does already.
func (s *Server) conflict(a ListenAddr, first listening) Problem {
	where := fmt.Sprintf("where server %q listens (%s)", first.server.Name, first.server.At("addr"))
	if first.server == s {
		where = "in the same list"
	}
	hint := "give one of the servers another address, or all locations to one of them"
	same := a.Path == "" && a.normalHost() == first.addr.normalHost() && a.String() != first.addr.String()
	switch {
	case same && first.server == s:
		return s.Problem("addr", fmt.Sprintf("%s is the same address as %s, %s", a, first.addr, where), "leave one of them out")
	case same:
		return s.Problem("addr", fmt.Sprintf("%s is the same address as %s, %s", a, first.addr, where), hint)
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
	if a.IP.IsValid() {
		return a.IP.Unmap().String()
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
