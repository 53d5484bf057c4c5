package config

import "strings"

// Config is a whole configuration. Sections of a kind are in the order in which
// they were read: that of the text, files in the order of their names.
type Config struct {
	Basic        Basic
	Servers      []*Server
	Locations    []*Location
	Upstreams    []*Upstream
	Plugins      []*Plugin
	Certificates []*Certificate
	Storages     []*Storage

	// Notes are what is to know of a configuration beside its problems.
	Notes []Note

	root      *Node // what all of this was made of
	locations map[string]*Location
	upstreams map[string]*Upstream
	plugins   map[string]*Plugin
	source    Position // of the first file
	broken    bool     // a file could not be read to its end, so sections may be missing
}

// Location returns the location called name that Decode has found, or nil.
func (c *Config) Location(name string) *Location { return c.locations[name] }

// Upstream returns the upstream called name that Decode has found, or nil.
func (c *Config) Upstream(name string) *Upstream { return c.upstreams[name] }

// Plugin returns the plugin called name that Decode has found, or nil.
func (c *Config) Plugin(name string) *Plugin { return c.plugins[name] }

// BasicProblem returns a problem with a key of [basic], at its place.
func (c *Config) BasicProblem(key, message, hint string) Problem {
	basic := &Table{node: &Node{Position: c.source}, section: "basic"}
	if c.root != nil {
		if f, ok := c.root.Field("basic"); ok && f.Node.Kind == KindTable {
			basic.node = f.Node
		}
	}
	return basic.Problem(key, message, hint)
}

// Item is what all named sections have.
type Item struct {
	// Name is what stands behind the kind in the section's header.
	Name string
	// Source is where the section begins.
	Source Position

	table *Table
}

// At returns where the value of a key is written, or where the item begins if
// the key is absent.
func (i *Item) At(key string) Position {
	if i.table != nil && key != "" {
		if f, ok := i.table.node.Field(key); ok {
			return f.Node.Position
		}
	}
	return i.Source
}

// has reports whether a key is written.
func (i *Item) has(key string) bool {
	_, ok := i.table.node.Field(key)
	return ok
}

// meant reports whether a key that is not written is so in other words. known
// are the keys of the kind of section.
func (i *Item) meant(key string, known []string) bool {
	return meant(i.table.section, key, i.table.node.Fields, known)
}

// broken reports whether the rest of the item could not be read.
func (i *Item) broken() bool { return i.table.node.reported }

// Problem returns a problem with a key of the item, at its place. key is "" for
// the item as a whole, hint is "" for no advice.
func (i *Item) Problem(key, message, hint string) Problem {
	p := Problem{Position: i.At(key), Key: key, Message: message, Hint: hint}
	if i.table != nil {
		p.Section = i.table.section
	}
	return p
}

// ProblemAt returns a problem whose message may begin with the key that it is
// about, as those of TLS do; otherwise it is about the key otherwise.
func (i *Item) ProblemAt(message, otherwise string) Problem {
	key, rest, _ := strings.Cut(message, " ")
	if key = strings.TrimSuffix(key, ":"); i.has(key) {
		return i.Problem(key, rest, "")
	}
	return i.Problem(otherwise, message, "")
}

// Warning is a Problem that does no harm.
func (i *Item) Warning(key, message, hint string) Problem {
	return i.Problem(key, message, hint).AsWarning()
}
