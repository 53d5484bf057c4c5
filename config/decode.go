package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
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

// table decodes each field of the struct, and reports the keys that are none.
func (d *decoder) table(n *Node, s reflect.Value) {
	known := d.fields(n, s)
	for _, f := range n.Fields {
		if !slices.Contains(known, f.Key) && !slices.Contains(d.others, f.Key) {
			d.unknown(f, s.Addr().Interface(), known)
		}
	}
}

// fields decodes each field of the struct and returns their keys.
func (d *decoder) fields(n *Node, s reflect.Value) (known []string) {
	for i := range s.NumField() {
		tag := s.Type().Field(i).Tag
		key := tag.Get("config")
		if key == "" {
			continue
		}
		known = append(known, key)
		f, ok := n.Field(key)
		switch {
		case ok:
			d.value(f, s.Field(i), tag)
			d.noteInert(f, s.Field(i), tag)
		case tag.Get("required") != "" && n.reported:
		case tag.Get("required") != "":
			d.add(Problem{Position: n.Position, Section: d.section, Key: d.prefix + key, Message: "is missing"})
		default:
			d.fallback(key, s.Field(i), tag)
		}
	}
	return known
}

// unknown deals with a key that no field of target has.
func (d *decoder) unknown(f Field, target any, known []string) {
	problem := Problem{Position: f.Position, Section: d.section, Key: d.prefix + f.Key}
	if t, ok := target.(dropped); ok {
		if text, ok := t.dropped()[f.Key]; ok {
			d.found.note(f.Position, d.section, d.prefix+f.Key, text)
			return
		}
	}
	problem.Key = strings.TrimSuffix(d.prefix, ".")
	problem.Message = fmt.Sprintf("unknown key %q", f.Key)
	problem.Hint = cmp.Or(Suggest(f.Key, append(known, d.others...)), homeOf(f.Key))
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

// keysOf returns the keys of the struct that target points to.
func keysOf(target any) []string {
	var keys []string
	t := reflect.TypeOf(target).Elem()
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("config"); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// fallback sets a key that is absent to its default.
func (d *decoder) fallback(key string, target reflect.Value, tag reflect.StructTag) {
	text, ok := tag.Lookup("default")
	if !ok {
		return
	}
	n := &Node{Kind: KindString, Text: text}
	switch target.Kind() {
	case reflect.Bool:
		n = &Node{Kind: KindBool, Bool: text == "true"}
	case reflect.Int, reflect.Int64:
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			n = &Node{Kind: KindInteger, Integer: v}
		}
	}
	d.value(Field{Key: key, Node: n}, target, tag)
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
		element := reflect.New(target.Type().Elem()).Elem()
		before := d.errors
		d.value(Field{Key: f.Key, Position: item.Position, Node: item}, element, tag)
		if d.errors == before {
			list = reflect.Append(list, element)
		}
	}
	target.Set(list)
}
