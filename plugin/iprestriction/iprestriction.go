// Package iprestriction is the plugin that lets some addresses of clients pass
// and refuses others.
package iprestriction

import (
	"net/netip"
	"slices"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of an ip_restriction plugin.
type settings struct {
	// IPList are addresses and networks.
	IPList []config.Network `config:"ip_list" example:"10.0.0.0/8"`
	// Type says whether those on the list alone may pass, or all others.
	Type string `config:"type" default:"allow" enum:"allow,deny"`
	// Message is what is told to who is refused.
	Message string `config:"message" default:"Request is forbidden"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "ip_restriction",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	r := &restriction{Restriction: plugin.NewRestriction(s.Type, s.Message), networks: newNetworks(s.IPList)}
	if len(problems) == 0 {
		problems = r.CheckList(table, "ip_list", len(s.IPList))
	}
	return r, problems
}

type restriction struct {
	plugin.Restriction
	networks networks
}

var unknown = &plugin.Content{
	Header: []message.Field{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}},
	Data:   []byte("The address of the client is not known"),
}

// Wrap looks at the address of the client that the exchange is for: that of the
// peer, or what a trusted proxy has reported. Who comes by a Unix socket has none,
// and could be anybody.
func (r *restriction) Wrap(next message.Handler) message.Handler {
	known := r.Restriction.Wrap(next, func(x *message.Exchange) bool { return r.networks.holds(x.ClientIP) })
	return message.HandlerFunc(func(x *message.Exchange) error {
		if !x.ClientIP.IsValid() {
			plugin.Answer(x, 400, unknown)
			return nil
		}
		return known.Serve(x)
	})
}

// networks are disjoint and sorted, so that how long a search takes hardly depends
// on their number.
type networks []netip.Prefix

func newNetworks(list []config.Network) networks {
	var sorted []netip.Prefix
	for _, n := range list {
		sorted = append(sorted, n.Prefix)
	}
	slices.SortFunc(sorted, netip.Prefix.Compare)
	var n networks
	for _, p := range sorted {
		// Of two networks that overlap one holds the other, and comes first.
		if len(n) == 0 || !n[len(n)-1].Overlaps(p) {
			n = append(n, p)
		}
	}
	return n
}

// holds reports whether addr is in one of the networks. An IPv4 address may be
// written as one of IPv6; the zone of a link-local address does not count.
func (n networks) holds(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	i, exact := slices.BinarySearchFunc(n, addr, func(p netip.Prefix, a netip.Addr) int { return p.Addr().Compare(a) })
	if exact {
		return true
	}
	return i > 0 && n[i-1].Contains(addr)
}
