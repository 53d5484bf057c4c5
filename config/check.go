package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// ReadyMadePrefix begins the names of plugins that exist without being
// configured.
const ReadyMadePrefix = "pingap:"

// Check finds what is wrong between sections: names that lead nowhere,
// addresses that are used twice. readyMade are the names of plugins that exist
// without being configured.
func (c *Config) Check(readyMade []string) Problems {
	var problems Problems
	c.checkReferences(readyMade, &problems)
	c.checkAddresses(&problems)
	return problems
}

func (c *Config) checkReferences(readyMade []string, problems *Problems) {
	locations := names(c.Locations, func(l *Location) string { return l.Name })
	upstreams := names(c.Upstreams, func(u *Upstream) string { return u.Name })
	plugins := append(names(c.Plugins, func(p *Plugin) string { return p.Name }), readyMade...)
	for _, s := range c.Servers {
		checkNames(&s.Item, "servers", "locations", "location", s.Locations, locations, problems)
	}
	for _, l := range c.Locations {
		if l.Upstream != "" && !strings.HasPrefix(l.Upstream, "$") {
			checkNames(&l.Item, "locations", "upstream", "upstream", []string{l.Upstream}, upstreams, problems)
		}
		checkNames(&l.Item, "locations", "plugins", "plugin", l.Plugins, plugins, problems)
		if l.Upstream == "" && len(l.Plugins) == 0 {
			problems.add(l.Position, "locations."+l.Name, "", "has neither an upstream nor a plugin", "nothing could answer its requests")
		}
	}
	for _, p := range c.Plugins {
		if strings.HasPrefix(p.Name, ReadyMadePrefix) {
			problems.add(p.Position, "plugins."+p.Name, "", fmt.Sprintf("names that begin with %s belong to ready-made plugins", ReadyMadePrefix), "choose another name")
		}
	}
}

func names[T any](list []*T, nameOf func(*T) string) []string {
	all := make([]string, len(list))
	for i, item := range list {
		all[i] = nameOf(item)
	}
	return all
}

// checkNames reports the names in a key that are not those of any section.
func checkNames(item *Item, kind, key, what string, used, known []string, problems *Problems) {
	section := kind + "." + item.Name
	seen := make(map[string]bool, len(used))
	for _, name := range used {
		if seen[name] {
			problems.add(item.at(key), section, key, fmt.Sprintf("%s %q is named twice", what, name), "")
		}
		seen[name] = true
	}
	exists := make(map[string]bool, len(known))
	for _, name := range known {
		exists[name] = true
	}
	for _, name := range used {
		if exists[name] {
			continue
		}
		hint := Suggest(name, known)
		if hint == "" {
			hint = fmt.Sprintf("define it as [%ss.%s]", what, name)
		}
		problems.add(item.at(key), section, key, fmt.Sprintf("%s %q is not defined", what, name), hint)
	}
}

// checkAddresses reports addresses that two servers, or one twice, listen on.
func (c *Config) checkAddresses(problems *Problems) {
	type use struct {
		server *Server
		addr   ListenAddr
	}
	var uses []use
	for _, s := range c.Servers {
		for _, a := range s.Addr {
			for _, u := range uses {
				if a.conflicts(u.addr) {
					problems.add(s.at("addr"), "servers."+s.Name, "addr",
						fmt.Sprintf("%s is already used: server %q listens on %s (%s)", a, u.server.Name, u.addr, u.server.at("addr")),
						"an address belongs to one server")
				}
			}
			uses = append(uses, use{s, a})
		}
	}
}

// conflicts reports whether two addresses cannot both be listened on: they are
// the same, or one is all addresses and the other among them. [::] takes IPv4
// connections too.
func (a ListenAddr) conflicts(b ListenAddr) bool {
	if a.Path != "" || b.Path != "" {
		return a.Path == b.Path
	}
	if a.Port != b.Port {
		return false
	}
	hostA, hostB := a.host(), b.host()
	if hostA == hostB {
		return true
	}
	return covers(hostA, hostB) || covers(hostB, hostA)
}

// host returns the host in one form for each address.
func (a ListenAddr) host() string {
	if a.Host == "" {
		return "::"
	}
	if addr, err := netip.ParseAddr(a.Host); err == nil {
		return addr.Unmap().String()
	}
	return strings.ToLower(a.Host)
}

// covers reports whether listening on all means listening on one too.
func covers(all, one string) bool {
	addr, err := netip.ParseAddr(one)
	switch all {
	case "::":
		return true
	case "0.0.0.0":
		return err != nil || addr.Is4()
	}
	return false
}
