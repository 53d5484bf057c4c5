package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Block is a section as formats such as HCL and KDL write it: by the singular
// of its kind and its name, and with sections within it.
//
// A server may hold locations, certificates and plugins, a location upstreams
// and plugins. They become sections of their own, and the one around them names
// them: the server its locations, the location its plugins and its first
// upstream.
type Block struct {
	Kind     string // "server"; "servers" is the same
	Name     string // "" of basic
	Position Position
	Fields   []Field
	Blocks   []*Block
}

// inside are the kinds of blocks that may stand in one of a kind, each with the
// key of the outer one that names it; "" for none.
var inside = map[string]map[string]string{
	"servers":   {"locations": "locations", "certificates": "", "plugins": ""},
	"locations": {"upstreams": "upstream", "plugins": "plugins"},
}

// KindOf returns the kind of sections that a word stands for, in the singular or
// the plural, or "" if it stands for none.
func KindOf(word string) string {
	for _, kind := range sectionKinds {
		if word == kind || word+"s" == kind {
			return kind
		}
	}
	return ""
}

// AddBlocks adds the sections of a text in another format than TOML, and what
// is wrong with it. broken says that the text could not be read to its end, so
// that sections may be missing. file is the text's name in problems.
func (d *Document) AddBlocks(file string, blocks []*Block, problems Problems, broken bool) {
	d.files = append(d.files, file)
	d.broken = d.broken || broken
	d.found.problems.add(problems...)
	for _, b := range blocks {
		d.addBlock(b)
	}
}

// addBlock adds the section of a block, and those within it.
func (d *Document) addBlock(b *Block) {
	kind := KindOf(b.Kind)
	problem := Problem{Position: b.Position, Section: strings.TrimSuffix(kind+"."+b.Name, ".")}
	switch {
	case kind == "":
		words := []string{"basic", "server", "location", "upstream", "plugin", "certificate", "storage"}
		problem.Section, problem.Message, problem.Hint = "", fmt.Sprintf("unknown section %q", b.Kind), Suggest(b.Kind, words)
		if problem.Hint == "" {
			problem.Hint = "sections are " + strings.Join(words, ", ")
		}
		d.fail(problem)
		return
	case kind == "basic" && b.Name != "":
		problem.Section, problem.Message, problem.Hint = kind, fmt.Sprintf("has a name, %q", b.Name), "there is one such section, without a name"
		d.found.problems.add(problem)
		return
	case kind != "basic" && b.Name == "":
		problem.Message, problem.Hint = "has no name", fmt.Sprintf("write %s \"main\"", b.Kind)
		d.fail(problem)
		return
	}
	section := &Node{Kind: KindTable, Position: b.Position, origin: header}
	parent := &d.root
	key := kind
	if kind != "basic" {
		parent, key = d.kindTable(kind, b.Position), b.Name
	}
	if first, ok := parent.Field(key); ok {
		problem.Message, problem.Hint = "is written a second time", fmt.Sprintf("the first is at %s", first.Position)
		d.found.problems.add(problem)
	} else {
		parent.set(Field{key, b.Position, section})
	}
	for _, f := range b.Fields {
		if first, ok := section.Field(f.Key); ok {
			d.found.problems.add(Problem{Position: f.Position, Section: problem.Section,
				Message: fmt.Sprintf("the key %q is written a second time", f.Key), Hint: fmt.Sprintf("the first is at %s", first.Position)})
			continue
		}
		asList(kind, f)
		section.set(f)
	}
	for _, nested := range b.Blocks {
		d.addNested(kind, problem.Section, section, nested)
	}
}

// kindTable returns the table of the sections of a kind.
func (d *Document) kindTable(kind string, at Position) *Node {
	f, ok := d.root.Field(kind)
	if !ok {
		f = Field{kind, at, &Node{Kind: KindTable, Position: at}}
		d.root.set(f)
	}
	return f.Node
}

// addNested adds a block within another, and its name to the outer section.
func (d *Document) addNested(outerKind, outerName string, outer *Node, b *Block) {
	kind := KindOf(b.Kind)
	key, ok := inside[outerKind][kind]
	if !ok {
		d.found.problems.add(Problem{Position: b.Position, Section: outerName, Message: fmt.Sprintf("a %s cannot stand here", b.Kind), Hint: fitting(outerKind)})
		return
	}
	d.addBlock(b)
	if b.Name == "" {
		return
	}
	name := &Node{Kind: KindString, Text: b.Name, Position: b.Position, origin: literal}
	f, written := outer.Field(key)
	switch {
	case key == "":
	case key == "upstream" && !written:
		outer.set(Field{key, b.Position, name})
	case key == "upstream":
	case !written:
		outer.set(Field{key, b.Position, &Node{Kind: KindArray, Position: b.Position, Items: []*Node{name}, origin: literal}})
	case !slices.ContainsFunc(f.Node.Items, func(n *Node) bool { return n.Kind == KindString && n.Text == b.Name }):
		f.Node.Items = append(f.Node.Items, name)
	}
}

// fitting says which blocks may stand in one of a kind.
func fitting(kind string) string {
	var words []string
	for _, word := range sectionKinds {
		if _, ok := inside[kind][word]; ok {
			words = append(words, strings.TrimSuffix(word, "s"))
		}
	}
	if len(words) == 0 {
		return "write it outside"
	}
	return "here may stand " + strings.Join(words, ", ")
}

// asList makes a list of a Single value whose key has one. Of plugins only
// their own packages know.
func asList(kind string, f Field) {
	if !f.Node.Single || !slices.Contains(listKeys(kind), f.Key) {
		return
	}
	item := *f.Node
	item.Single = false
	*f.Node = Node{Kind: KindArray, Position: item.Position, Items: []*Node{&item}, origin: literal}
}

// listKeys returns the keys of a kind of section whose values are lists.
func listKeys(kind string) (keys []string) {
	section := map[string]any{
		"basic": Basic{}, "servers": Server{}, "locations": Location{}, "upstreams": Upstream{}, "certificates": Certificate{},
		"storages": Storage{}, "plugins": pluginKeys{},
	}[kind]
	t := reflect.TypeOf(section)
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Kind() == reflect.Slice && !reflect.PointerTo(f.Type).Implements(textUnmarshaler) {
			keys = append(keys, f.Tag.Get("config"))
		}
	}
	return keys
}
