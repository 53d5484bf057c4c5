package config

import (
	"fmt"
	"slices"
	"strings"
)

// Checks is what other packages know of a configuration. A nil function finds
// nothing wrong.
type Checks struct {
	// Categories are the kinds of plugins there are.
	Categories []string
	// ReadyMade are the names of plugins that exist without being configured.
	ReadyMade []string
	// Upstreams are the keys of plugins that name an upstream, by category.
	Upstreams map[string]string
	// Server, Location and the others look at one section each; problems are
	// made with its Problem method or that of its Table. Plugin is asked about
	// plugins of known categories only.
	Server      func(*Server) []Problem
	Location    func(*Location) []Problem
	Upstream    func(*Upstream) []Problem
	Certificate func(*Certificate) []Problem
	Plugin      func(*Plugin) []Problem
}

const noServer = "there is no server, so nothing would be listened on"

// Check finds what is wrong between the sections of a configuration that Decode
// has made: names that lead nowhere, addresses that two servers listen on, and
// whatever the others know to be wrong.
func (c *Config) Check(others Checks) Problems {
	var problems Problems
	if len(c.Servers) == 0 && !c.broken {
		problems.add(Problem{Position: c.source, Message: noServer, Hint: "write a section [servers.main] with an addr and locations"})
	}
	c.checkReferences(&others, &problems)
	c.checkAddresses(&problems)
	c.checkCertificates(&problems)
	ask(c.Servers, others.Server, &problems)
	ask(c.Locations, others.Location, &problems)
	ask(c.Upstreams, others.Upstream, &problems)
	ask(c.Certificates, others.Certificate, &problems)
	for _, p := range c.Plugins {
		if p.checkCategory(others.Categories, &problems) && others.Plugin != nil {
			problems.add(others.Plugin(p)...)
		}
	}
	return problems
}

// ask has each section of a kind looked at.
func ask[T any](sections []T, check func(T) []Problem, problems *Problems) {
	for _, section := range sections {
		if check != nil {
			problems.add(check(section)...)
		}
	}
}

// checkCertificates reports servers that have TLS, but nothing to show.
func (c *Config) checkCertificates(problems *Problems) {
	if c.broken || slices.ContainsFunc(c.Certificates, func(s *Certificate) bool { return s.has("tls_cert") }) {
		return
	}
	for _, s := range c.Servers {
		switch {
		case !s.GlobalCertificates:
		case len(c.Certificates) == 0:
			problems.add(s.Problem("global_certificates", "there are no certificates, so no client could connect", "write a section [certificates.main] with tls_cert and tls_key"))
		default:
			problems.add(s.Warning("global_certificates", "no certificate has a tls_cert, so no client can connect", "this version does not order certificates by acme yet"))
		}
	}
}

// names are those that a key may refer to.
type names struct {
	kind  string // "location"
	known []string
	has   map[string]bool
}

func namesOf[T any](kind string, sections map[string]T) *names {
	n := &names{kind: kind, has: make(map[string]bool, len(sections))}
	for name := range sections {
		n.add(name)
	}
	// The order of a map must not decide which name is suggested.
	slices.Sort(n.known)
	return n
}

func (n *names) add(name string) {
	n.known = append(n.known, name)
	n.has[name] = true
}

func (c *Config) checkReferences(others *Checks, problems *Problems) {
	locations, upstreams, plugins := namesOf("location", c.locations), namesOf("upstream", c.upstreams), namesOf("plugin", c.plugins)
	for _, name := range others.ReadyMade {
		plugins.add(name)
	}
	for _, s := range c.Servers {
		c.checkNames(&s.Item, "locations", locations, problems)
		if !s.has("locations") && !c.broken && !s.meant("locations", keysOf(s)) {
			problems.add(s.Warning("", "has no locations, so every request is answered with 404", ""))
		}
	}
	c.checkUse(problems)
	for _, p := range c.Plugins {
		if key := others.Upstreams[p.Category]; key != "" {
			c.checkNames(&p.Item, key, upstreams, problems)
		}
	}
	for _, l := range c.Locations {
		if !strings.HasPrefix(l.Upstream, "$") {
			c.checkNames(&l.Item, "upstream", upstreams, problems)
		}
		c.checkNames(&l.Item, "plugins", plugins, problems)
		if !l.has("upstream") && !l.has("plugins") && !c.broken && !l.broken() && !l.meant("upstream", keysOf(l)) && !l.meant("plugins", keysOf(l)) {
			problems.add(l.Problem("", "has neither an upstream nor plugins, so nothing could answer its requests", `write upstream = "name"`))
		}
	}
}

// checkUse warns of locations that no server lists. Where something is wrong with
// what servers list, or with the name, that is all there is to say.
func (c *Config) checkUse(problems *Problems) {
	if c.broken || len(c.Servers) == 0 {
		return
	}
	used := make(map[string]bool)
	for _, s := range c.Servers {
		f, ok := s.table.node.Field("locations")
		if !ok || f.Node.Kind != KindArray {
			return
		}
		for _, n := range f.Node.Items {
			if c.locations[n.Text] == nil {
				return
			}
			used[n.Text] = true
		}
	}
	for _, l := range c.Locations {
		if !used[l.Name] && checkName(l.Name) == "" {
			problems.add(l.Warning("", "no server lists it, so it answers no request", fmt.Sprintf("add %q to the locations of a server", l.Name)))
		}
	}
}

// checkNames reports the names in a key, one or a list, that lead nowhere.
func (c *Config) checkNames(item *Item, key string, to *names, problems *Problems) {
	f, ok := item.table.node.Field(key)
	if !ok {
		return
	}
	used := f.Node.Items
	if f.Node.Kind == KindString {
		used = []*Node{f.Node}
	}
	seen := make(map[string]bool, len(used))
	for _, n := range used {
		if n.Kind != KindString || problems.full() {
			continue
		}
		p := Problem{Position: n.Position, Section: item.table.section, Key: key}
		switch {
		case seen[n.Text]:
			p.Message = fmt.Sprintf("the %s %q is named twice", to.kind, n.Text)
			problems.add(p)
		case !to.has[n.Text] && !c.broken:
			p.Message, p.Hint = to.missing(n.Text)
			problems.add(p)
		}
		seen[n.Text] = true
	}
}

// missing explains a name that leads nowhere.
func (n *names) missing(name string) (message, hint string) {
	message = fmt.Sprintf("there is no %s %q", n.kind, name)
	switch {
	case slices.Contains(laterPlugins, name):
		return fmt.Sprintf("this version does not have the plugin %q yet", name), ""
	case name == "":
		return fmt.Sprintf("the name of the %s is empty", n.kind), ""
	}
	if hint = Suggest(name, n.known); hint == "" {
		hint = fmt.Sprintf("it would be a section [%ss.%s]", n.kind, quoteName(name))
	}
	return message, hint
}

// quoteName returns a name as it is written in a header.
func quoteName(name string) string {
	for i := range len(name) {
		if c := name[i]; c != '-' && c != '_' && !isAlphanumeric(c) {
			return fmt.Sprintf("%q", name)
		}
	}
	return name
}
