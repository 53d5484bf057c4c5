// Package config is what the user writes: the sections and keys there are, how
// they are read, their defaults and what is wrong with them.
//
// A configuration passes through these steps, each of which notes everything
// that is wrong and none of which stops at the first problem:
//
//	text  --ParseTOML-->  Node   a tree with the file and line of every key and value
//	Node  --decode----->  structs, one for each section: the single source of keys, types and defaults
//	all   --Check------>  what holds between sections: references, addresses, plugins
//
// Adding a key is one line in the struct of its section, with its tags:
//
//	config:"name"     the key
//	default:"60s"     what holds when it is absent, written as in a file
//	required:"true"   it may not be absent
//	min:"0" max:"9"   bounds of a number
//	enum:"a,b"        the words that are allowed, without regard to case
//
// The package does not know how a configuration is run.
package config

import (
	"fmt"
	"slices"
)

// Config is a whole configuration. Sections of a kind are in the order in which
// they were read.
type Config struct {
	Basic     Basic
	Servers   []*Server
	Locations []*Location
	Upstreams []*Upstream
	Plugins   []*Plugin
}

// Item is what all named sections have.
type Item struct {
	Name     string
	Position Position // of the section's header
	node     *Node
}

// at returns where a key of the item is written, or where the item is.
func (i *Item) at(key string) Position {
	if i.node != nil {
		if f, ok := i.node.field(key); ok {
			return f.Position
		}
	}
	return i.Position
}

// Location returns the location called name, or nil.
func (c *Config) Location(name string) *Location {
	return find(c.Locations, name, func(l *Location) string { return l.Name })
}

// Upstream returns the upstream called name, or nil.
func (c *Config) Upstream(name string) *Upstream {
	return find(c.Upstreams, name, func(u *Upstream) string { return u.Name })
}

// Plugin returns the plugin called name, or nil.
func (c *Config) Plugin(name string) *Plugin {
	return find(c.Plugins, name, func(p *Plugin) string { return p.Name })
}

func find[T any](list []*T, name string, nameOf func(*T) string) *T {
	i := slices.IndexFunc(list, func(item *T) bool { return nameOf(item) == name })
	if i < 0 {
		return nil
	}
	return list[i]
}

// sections are the kinds of sections, by the name that stands in the header.
var sections = map[string]func(*Config, *Node, *Problems){
	"basic":     func(c *Config, n *Node, p *Problems) { decodeStruct(n, "basic", &c.Basic, p); c.Basic.check(n, p) },
	"servers":   items("servers", func(c *Config, i Item, n *Node, p *Problems) { addServer(c, i, n, p) }),
	"locations": items("locations", func(c *Config, i Item, n *Node, p *Problems) { addLocation(c, i, n, p) }),
	"upstreams": items("upstreams", func(c *Config, i Item, n *Node, p *Problems) { addUpstream(c, i, n, p) }),
	"plugins":   items("plugins", func(c *Config, i Item, n *Node, p *Problems) { addPlugin(c, i, n, p) }),
}

// sectionOrder is the order in which sections are read.
var sectionOrder = []string{"basic", "servers", "locations", "upstreams", "plugins"}

// laterSections are those of Pingap that this version does not have.
var laterSections = []string{"certificates", "storages"}

// Decode makes a configuration of a tree. What cannot be read is left at its
// default, and in problems.
func Decode(root *Node) (*Config, Problems) {
	c := &Config{}
	var problems Problems
	for _, f := range root.Fields {
		switch {
		case sections[f.Key] != nil:
		case slices.Contains(laterSections, f.Key):
			problems.add(f.Position, f.Key, "", "this version does not support sections of this kind yet", "")
		default:
			problems.add(f.Position, f.Key, "", fmt.Sprintf("unknown section %q", f.Key), Suggest(f.Key, sectionOrder))
		}
	}
	for _, name := range sectionOrder {
		f, ok := root.field(name)
		if !ok {
			f.Node = &Node{Kind: Table}
		}
		sections[name](c, f.Node, &problems)
	}
	return c, problems
}

// items reads the named sections of a kind.
func items(kind string, add func(*Config, Item, *Node, *Problems)) func(*Config, *Node, *Problems) {
	return func(c *Config, n *Node, p *Problems) {
		if n.Kind != Table {
			p.add(n.Position, kind, "", fmt.Sprintf("%s; sections of this kind have a name", n.Kind.found()),
				fmt.Sprintf("write [%s.name]", kind))
			return
		}
		for _, f := range n.Fields {
			section := kind + "." + f.Key
			if f.Node.Kind != Table {
				p.add(f.Position, kind, f.Key, fmt.Sprintf("%s; a section is needed", f.Node.Kind.found()),
					fmt.Sprintf("write [%s.name] and the keys below it", kind))
				continue
			}
			if problem := checkName(f.Key); problem != "" {
				p.add(f.Position, section, "", problem, "")
			}
			add(c, Item{Name: f.Key, Position: f.Position, node: f.Node}, f.Node, p)
		}
	}
}

// maxName bounds the names of sections: they become names of files, metrics
// and log values.
const maxName = 128

func checkName(name string) string {
	switch {
	case name == "":
		return "the name is empty"
	case len(name) > maxName:
		return fmt.Sprintf("the name is %d bytes long; at most %d are allowed", len(name), maxName)
	case name[0] == '.':
		return fmt.Sprintf("the name %q begins with a dot", name)
	}
	for _, r := range name {
		if r == '/' || r == '\\' || r < ' ' || r == 0x7f {
			return fmt.Sprintf("the name %q holds a slash, backslash or control character", name)
		}
	}
	return ""
}
