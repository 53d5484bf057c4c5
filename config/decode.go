package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// decoder fills structs from one section.
type decoder struct {
	section string
	prefix  string   // of keys, within nested tables
	others  []string // keys that somebody else reads
	found   *report
	errors  int // added so far
}

func (d *decoder) add(p Problem) {
	if !p.Warning {
		d.errors++
	}
	d.found.problems.add(p)
}

// table decodes the fields of a table, and reports those that are none of the
// struct.
func (d *decoder) table(n *Node, s reflect.Value) {
	plan := d.found.planOf(s.Type())
	for _, f := range d.fields(n, s, plan) {
		if !slices.Contains(d.others, f.Key) {
			d.unknown(f, s.Addr().Interface(), plan.keys)
		}
	}
}

// fields decodes the fields of a table that the struct has, and returns the
// others. Fields of the struct that the table does not have get their defaults.
func (d *decoder) fields(n *Node, s reflect.Value, plan *plan) (others []Field) {
	for _, i := range plan.defaulted {
		s.Field(i).Set(plan.defaults.Field(i))
	}
	for _, f := range n.Fields {
		i, ok := plan.index[f.Key]
		if !ok {
			others = append(others, f)
			continue
		}
		s.Field(i).SetZero()
		if textsOnly(n, plan.tags[i]) {
			d.value(f, reflect.ValueOf(new([]string)).Elem(), plan.tags[i])
			continue
		}
		d.value(f, s.Field(i), plan.tags[i])
		d.noteInert(f, s.Field(i), plan.tags[i])
	}
	for _, key := range plan.required {
		if _, ok := n.Field(key); !ok && !n.reported && !d.found.broken && !meant(d.section, key, others, plan.keys) {
			d.add(Problem{Position: n.Position, Section: d.section, Key: d.prefix + key, Message: "is missing"})
		}
	}
	return others
}

// textsOnly reports whether another key of the table has a value with which the
// texts of a field mean something else, as in `texts:"discovery=docker,transparent"`:
// they are held to be texts then, and not read.
func textsOnly(n *Node, tag reflect.StructTag) bool {
	key, words, ok := strings.Cut(tag.Get("texts"), "=")
	if !ok {
		return false
	}
	f, ok := n.Field(key)
	return ok && matchesWord(f.Node.Text, words)
}

// unknown deals with a key that no field of target has.
func (d *decoder) unknown(f Field, target any, known []string) {
	if d.found.problems.full() {
		d.errors++
		return // what is near takes time to find
	}
	problem := Problem{Position: f.Position, Section: d.section, Key: d.prefix + f.Key}
	if t, ok := target.(dropped); ok {
		if text, ok := t.dropped()[f.Key]; ok {
			d.found.note(f.Position, d.section, d.prefix+f.Key, text)
			return
		}
	}
	problem.Key = strings.TrimSuffix(d.prefix, ".")
	problem.Message = fmt.Sprintf("unknown key %q", f.Key)
	problem.Hint = unknownHint(d.section, f.Key, append(slices.Clone(known), d.others...))
	d.add(problem)
}

// noteInert notes a key, or a word as its value, that asks for something which
// is still to come. A zero value asks for nothing.
func (d *decoder) noteInert(f Field, target reflect.Value, tag reflect.StructTag) {
	switch words := tag.Get("inert"); {
	case words == "" || target.IsZero():
	case words == "true":
		d.found.note(f.Position, d.section, d.prefix+f.Key, noEffect)
	case matchesWord(f.Node.Text, words):
		d.found.note(f.Position, d.section, d.prefix+f.Key, fmt.Sprintf("%q is %s", f.Node.Text, noEffect))
	}
}

// nested decodes a table within the section's.
func (d *decoder) nested(f Field, target reflect.Value) {
	prefix, others := d.prefix, d.others
	d.prefix, d.others = prefix+f.Key+".", nil
	d.table(f.Node, target)
	d.prefix, d.others = prefix, others
}

// list decodes a list element by element; those that are wrong are left out.
func (d *decoder) list(f Field, target reflect.Value, tag reflect.StructTag) {
	if f.Node.Single && f.Node.Kind != KindArray {
		f.Node = &Node{Kind: KindArray, Position: f.Node.Position, Items: []*Node{f.Node}}
	}
	if f.Node.Kind != KindArray {
		element := example(tag, "name")
		if f.Node.Kind == KindString {
			element = f.Node.Text
		}
		d.expect(f, KindArray, fmt.Sprintf("[%q]", element))
		return
	}
	if len(f.Node.Items) == 0 && tag.Get("required") != "" {
		d.problem(f, "is empty", "at least one is needed")
	}
	list := reflect.MakeSlice(target.Type(), 0, len(f.Node.Items))
	for _, item := range f.Node.Items {
		if item.reported {
			continue
		}
		element := reflect.New(target.Type().Elem()).Elem()
		before := d.errors
		d.value(Field{Key: f.Key, Position: item.Position, Node: item}, element, tag)
		if d.errors == before {
			list = reflect.Append(list, element)
		}
	}
	target.Set(list)
}
