package config

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Document is the tree that the files of a configuration make together, in
// whatever format they are written. The zero value is empty and ready for use.
type Document struct {
	root   Node
	found  report
	files  []string
	broken bool // a file could not be read to its end
}

// Root returns the tree as it has been read: its fields are kinds of sections,
// and theirs the sections by name, except for basic. It must not be changed,
// and is another after Decode.
func (d *Document) Root() *Node { return &d.root }

// Problems returns what has been found wrong so far.
func (d *Document) Problems() Problems { return d.found.problems }

// Parse reads a configuration of one TOML text. file is its name in problems.
func Parse(file string, text []byte) (*Config, Problems) {
	var d Document
	d.AddTOML(file, text)
	return d.Decode()
}

// Decode makes a configuration of the tree, once all files are in it, and
// returns it with all problems found so far. What cannot be read is left at its
// zero value.
func (d *Document) Decode() (*Config, Problems) {
	c := &Config{root: &d.root}
	if len(d.files) > 0 {
		c.source = Position{File: d.files[0]}
	}
	d.found.broken = d.broken
	d.checkSections()
	d.renew()
	d.expand()
	basic, ok := d.root.Field("basic")
	if !ok {
		basic.Node = &Node{Kind: KindTable}
	}
	if d.isTable(basic, "basic", "[basic]") {
		(&Table{node: basic.Node, section: "basic"}).decode(&c.Basic, &d.found)
	}
	c.Servers, _ = decodeSections(d, "servers", func(i Item) *Server { return &Server{Item: i} })
	c.Locations, c.locations = decodeSections(d, "locations", func(i Item) *Location { return &Location{Item: i} })
	c.Upstreams, c.upstreams = decodeSections(d, "upstreams", func(i Item) *Upstream { return &Upstream{Item: i} })
	c.Certificates, _ = decodeSections(d, "certificates", func(i Item) *Certificate { return &Certificate{Item: i} })
	c.Storages, _ = decodeSections(d, "storages", func(i Item) *Storage { return &Storage{Item: i} })
	c.plugins = make(map[string]*Plugin)
	for item := range d.items("plugins") {
		p := newPlugin(item)
		p.keys(&d.found)
		c.Plugins = append(c.Plugins, p)
		c.plugins[p.Name] = p
	}
	c.broken = d.broken
	c.Notes = slices.SortedStableFunc(slices.Values(d.found.notes), func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	c.Notes = slices.CompactFunc(c.Notes, func(a, b Note) bool { return a == b })
	return c, d.found.problems.once()
}

// decodeSections decodes the sections of a kind, in order and by name.
func decodeSections[T any](d *Document, kind string, begin func(Item) *T) (list []*T, byName map[string]*T) {
	byName = make(map[string]*T)
	for item := range d.items(kind) {
		section := begin(item)
		item.table.decode(section, &d.found)
		list = append(list, section)
		byName[item.Name] = section
	}
	return list, byName
}

// sectionKinds are the kinds of sections there are.
var sectionKinds = []string{"basic", "servers", "locations", "upstreams", "plugins", "certificates", "storages"}

// checkSections reports what stands at the top and is no section.
func (d *Document) checkSections() {
	for _, f := range d.root.Fields {
		switch {
		case slices.Contains(sectionKinds, f.Key):
		case f.Node.Kind != KindTable:
			d.found.problems.add(Problem{Position: f.Position, Message: fmt.Sprintf("the key %q stands outside of any section", f.Key),
				Hint: cmp.Or(homeOf(f.Key), "keys follow the header of a section, such as [basic]")})
		default:
			hint := Suggest(f.Key, sectionKinds)
			if hint == "" {
				hint = "sections are " + strings.Join(sectionKinds, ", ")
			}
			d.found.problems.add(Problem{Position: f.Position, Message: fmt.Sprintf("unknown section %q", f.Key), Hint: hint})
		}
	}
}

// homeOf says which kind of section a key belongs to, or "" if to none.
func homeOf(key string) string {
	for _, home := range []struct {
		section string
		keys    []string
	}{
		{"[basic]", keysOf(&Basic{})},
		{"[servers.name]", keysOf(&Server{})},
		{"[locations.name]", keysOf(&Location{})},
		{"[upstreams.name]", keysOf(&Upstream{})},
		{"[certificates.name]", keysOf(&Certificate{})},
	} {
		if slices.Contains(home.keys, key) {
			return "it belongs below " + home.section
		}
	}
	return ""
}

// items yields the named sections of a kind.
func (d *Document) items(kind string) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		f, ok := d.root.Field(kind)
		if !ok || !d.isTable(f, kind, "["+kind+".name]") {
			return
		}
		for _, f := range f.Node.Fields {
			t := &Table{node: f.Node, section: kind + "." + f.Key}
			if f.Node.Kind != KindTable {
				d.broken = true
				d.found.problems.add(Problem{Position: f.Position, Section: kind, Key: f.Key,
					Message: f.Node.Kind.found() + ", but a section is expected", Hint: fmt.Sprintf("keys stand below a header with a name, such as [%s.main]", kind)})
				continue
			}
			if f.Node.origin == implied && kind != "plugins" {
				d.reportDots(kind, f)
				continue
			}
			if message := checkName(f.Key); message != "" {
				d.found.problems.add(Problem{Position: f.Position, Section: t.section, Message: message})
			}
			if !yield(Item{Name: f.Key, Source: f.Position, table: t}) {
				return
			}
		}
	}
}

// reportDots reports headers such as [locations.example.com]: sections hold no
// tables, so the dot belongs to the name.
func (d *Document) reportDots(kind string, f Field) {
	d.broken = true // what refers to the section is probably right
	for _, nested := range f.Node.Fields {
		d.found.problems.add(Problem{Position: nested.Position, Section: kind + "." + f.Key + "." + nested.Key,
			Message: "the name has a dot, but no quotes", Hint: fmt.Sprintf("write [%s.%q]", kind, f.Key+"."+nested.Key)})
	}
}

// isTable reports whether a section is a table, and a problem if it is not.
func (d *Document) isTable(f Field, section, header string) bool {
	if f.Node.Kind == KindTable {
		return true
	}
	d.broken = true
	d.found.problems.add(Problem{Position: f.Position, Section: section, Message: f.Node.Kind.found() + ", but a section is expected",
		Hint: "write " + header + " and the keys below it"})
	return false
}

// maxName bounds the names of sections: they become names of files and of
// metrics, and values in logs.
const maxName = 128

// checkName says what is wrong with the name of a section, or "".
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
			return fmt.Sprintf("the name %q holds a slash, a backslash or a control character", name)
		}
	}
	return ""
}
