package config

import (
	"fmt"
	"reflect"
)

// Table is one table of a configuration with the section it belongs to. Its
// Decode is how packages read settings that only they know, with the same care
// as the sections of this package.
type Table struct {
	node    *Node
	section string   // for problems
	others  []string // keys that somebody else reads
}

// TableOf makes a table of a TOML text, for settings that no file holds.
// section is its name in problems. It panics if the text is not TOML.
func TableOf(section, text string) *Table {
	var d Document
	d.AddTOML(section, []byte(text))
	if len(d.found.problems) > 0 {
		panic(fmt.Sprintf("config: %v", d.found.problems))
	}
	return &Table{node: &d.root, section: section}
}

// Decode fills the struct that target points to, by the tags of its fields (see
// the package comment), and returns what is wrong.
func (t *Table) Decode(target any) Problems {
	var found report
	t.decode(target, &found)
	return found.problems
}

func (t *Table) decode(target any, found *report) {
	d := decoder{section: t.section, found: found, others: t.others}
	d.table(t.node, reflect.ValueOf(target).Elem())
	if c, ok := target.(checked); ok {
		found.problems.add(c.check()...)
	}
}

// At returns where the value of a key is written, or where the table begins if
// the key is absent.
func (t *Table) At(key string) Position {
	if f, ok := t.node.Field(key); ok {
		return f.Node.Position
	}
	return t.node.Position
}

// Problem returns a problem with a key, at its place. key is "" for the table
// as a whole, hint is "" for no advice.
func (t *Table) Problem(key, message, hint string) Problem {
	return Problem{Position: t.At(key), Section: t.section, Key: key, Message: message, Hint: hint}
}

// Warning is a Problem that does no harm.
func (t *Table) Warning(key, message, hint string) Problem {
	return t.Problem(key, message, hint).AsWarning()
}

// Has reports whether a key is written.
func (t *Table) Has(key string) bool {
	_, ok := t.node.Field(key)
	return ok
}

// Text returns the value of a key that is written as text; "" if there is none.
func (t *Table) Text(key string) string {
	if f, ok := t.node.Field(key); ok && f.Node.Kind == KindString {
		return f.Node.Text
	}
	return ""
}

// checked is a section whose keys depend on each other. check is called when
// all have been decoded.
type checked interface{ check() Problems }

// dropped is a section that names keys that Pingap has renamed or dropped, or
// that mean nothing here, each with what is to know of it.
type dropped interface{ dropped() map[string]string }
