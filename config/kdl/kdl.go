// Package kdl reads and writes configurations in KDL 2 (https://kdl.dev/spec),
// as Pingap has it:
//
//	server "web" {
//	    addr "0.0.0.0:80"
//	    location "all" path="/api" {
//	        upstream "app" {
//	            addrs "127.0.0.1:5000" "127.0.0.1:5001"
//	        }
//	        plugins "pingap:ping"
//	    }
//	}
//
// A node with the name of a kind of sections and a block or properties is a
// section; with arguments alone it names others. Any other node is a key: one
// argument is its value, several are a list, and so are nodes of the same name.
// Properties and a block make a table, a block of nothing but nodes called item
// a list. A node of the type list is one however many arguments it has:
//
//	(list)locations
//
// It makes the tree of config.Document, so that everything else is the same as
// for TOML.
package kdl

import (
	"fmt"
	"strings"

	"pingap/config"
)

// Add adds the sections of a KDL text. file is its name in problems.
func Add(d *config.Document, file string, text []byte) {
	nodes, problem := parse(file, text)
	r := &reader{}
	var blocks []*config.Block
	for _, n := range nodes {
		blocks = append(blocks, r.block(n))
	}
	if problem != nil {
		r.problems = append(r.problems, *problem)
	}
	d.AddBlocks(file, blocks, r.problems, problem != nil)
}

type reader struct {
	problems config.Problems
	section  string
}

func (r *reader) problem(at config.Position, key, message, hint string) {
	r.problems = append(r.problems, config.Problem{Position: at, Section: r.section, Key: key, Message: message, Hint: hint})
}

// block reads a section.
func (r *reader) block(n *node) *config.Block {
	outer := r.section
	defer func() { r.section = outer }()
	b := &config.Block{Kind: n.name, Position: n.at}
	args := n.args
	if len(args) > 0 && args[0].Kind == config.KindString {
		b.Name, args = args[0].Text, args[1:]
	}
	kind := config.KindOf(n.name)
	r.section = strings.TrimSuffix(kind+"."+b.Name, ".")
	if len(args) > 0 {
		r.problem(args[0].Position, "", "has an argument that is no name", fmt.Sprintf("write %s \"main\" { }", n.name))
	}
	fields := &config.Node{Kind: config.KindTable}
	for _, p := range n.properties {
		r.add(fields, p)
	}
	for _, child := range n.children {
		switch {
		case kind == "plugins" || config.KindOf(child.name) == "":
			r.key(fields, child)
		case child.block || len(child.properties) > 0:
			b.Blocks = append(b.Blocks, r.block(child))
		default:
			r.refer(fields, child)
		}
	}
	b.Fields = fields.Fields
	return b
}

// add sets a key that must be new.
func (r *reader) add(table *config.Node, f config.Field) {
	if !table.Set(f) {
		r.problem(f.Position, f.Key, "is written a second time", "")
	}
}

// refer takes the names of other sections into a key: those of a location's
// upstream are one, all others a list.
func (r *reader) refer(table *config.Node, n *node) {
	kind := config.KindOf(n.name)
	if kind == "upstreams" {
		n.name = "upstream"
	} else {
		n.name = kind
	}
	r.key(table, n)
}

// key reads a node as a key with its value. Values of nodes with the same name
// become a list.
func (r *reader) key(table *config.Node, n *node) {
	value := r.value(n)
	if value == nil {
		return
	}
	first, again := table.Field(n.name)
	switch {
	case !again:
		table.Set(config.Field{Key: n.name, Position: n.at, Node: value})
		return
	case first.Node.Kind != config.KindArray:
		one := *first.Node
		one.Single = false
		*first.Node = config.Node{Kind: config.KindArray, Position: one.Position, Items: []*config.Node{&one}}
	}
	if value.Kind == config.KindArray {
		first.Node.Items = append(first.Node.Items, value.Items...)
	} else {
		value.Single = false
		first.Node.Items = append(first.Node.Items, value)
	}
}

// value reads the value of a key, or returns nil after a problem.
func (r *reader) value(n *node) *config.Node {
	table := n.block || len(n.properties) > 0
	switch {
	case n.list && !table:
		return &config.Node{Kind: config.KindArray, Position: n.at, Items: n.args}
	case table && len(n.args) > 0:
		r.problem(n.at, n.name, "has both arguments and a table", "")
		return nil
	case table && n.isList():
		list := &config.Node{Kind: config.KindArray, Position: n.at}
		for _, item := range n.children {
			if v := r.value(item); v != nil {
				v.Single = false
				list.Items = append(list.Items, v)
			}
		}
		return list
	case table:
		v := &config.Node{Kind: config.KindTable, Position: n.at, Single: true}
		for _, p := range n.properties {
			r.add(v, p)
		}
		for _, child := range n.children {
			r.key(v, child)
		}
		return v
	case len(n.args) == 0:
		r.problem(n.at, n.name, "has no value", fmt.Sprintf(`write %s "value"`, n.name))
		return nil
	case len(n.args) == 1:
		n.args[0].Single = true
		return n.args[0]
	}
	return &config.Node{Kind: config.KindArray, Position: n.args[0].Position, Items: n.args}
}

// isList reports whether a block holds nothing but items.
func (n *node) isList() bool {
	for _, child := range n.children {
		if child.name != "item" {
			return false
		}
	}
	return len(n.children) > 0 && len(n.properties) == 0
}
