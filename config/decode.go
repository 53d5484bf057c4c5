package config

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// laterKeys is what a section's struct may have to name Pingap's keys that this
// version does not support yet, each with the values that mean nothing more
// than what the version does anyway.
type laterKeys interface {
	laterKeys() map[string][]any
}

// droppedKeys is what a section's struct may have to name keys that have no
// effect here, each with the reason.
type droppedKeys interface {
	droppedKeys() map[string]string
}

// decodeStruct fills the struct that target points to from a table.
func decodeStruct(n *Node, section string, target any, problems *Problems) {
	d := decoder{section: section, problems: problems}
	d.table(n, reflect.ValueOf(target).Elem())
}

type decoder struct {
	section  string
	problems *Problems
}

// table decodes each field of the struct and reports the keys that it has not.
func (d *decoder) table(n *Node, s reflect.Value) {
	var known []string
	for i := range s.NumField() {
		tag := s.Type().Field(i).Tag
		key := tag.Get("config")
		if key == "" {
			continue
		}
		known = append(known, key)
		f, ok := n.field(key)
		switch {
		case ok:
			d.value(f, s.Field(i), tag)
		case tag.Get("required") != "":
			d.problems.add(n.Position, d.section, key, "is missing", "it is required")
		default:
			d.fallback(key, s.Field(i), tag)
		}
	}
	later, _ := s.Addr().Interface().(laterKeys)
	dropped, _ := s.Addr().Interface().(droppedKeys)
	for _, f := range n.Fields {
		if contains(known, f.Key) {
			continue
		}
		if later != nil && d.later(f, later.laterKeys()) {
			continue
		}
		if dropped != nil {
			if why, ok := dropped.droppedKeys()[f.Key]; ok {
				d.problems.warn(f.Position, d.section, f.Key, "has no effect: "+why, "")
				continue
			}
		}
		d.problems.add(f.Position, d.section, "", fmt.Sprintf("unknown key %q", f.Key), Suggest(f.Key, known))
	}
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// later deals with a key of a later version; false if f is none.
func (d *decoder) later(f Field, keys map[string][]any) bool {
	harmless, ok := keys[f.Key]
	if !ok {
		return false
	}
	for _, v := range harmless {
		switch v := v.(type) {
		case bool:
			if f.Node.Kind == Bool && f.Node.Bool == v {
				return true
			}
		case string:
			if f.Node.Kind == String && strings.EqualFold(f.Node.Text, v) {
				return true
			}
		}
	}
	hint := ""
	if len(harmless) > 0 {
		hint = fmt.Sprintf("the only value it can have is %#v", harmless[0])
	}
	d.problems.add(f.Position, d.section, f.Key, "this version does not support the key yet", hint)
	return true
}

// fallback sets the default of a key that is absent.
func (d *decoder) fallback(key string, target reflect.Value, tag reflect.StructTag) {
	text, ok := tag.Lookup("default")
	if !ok {
		return
	}
	n := &Node{Kind: String, Text: text}
	switch target.Kind() {
	case reflect.Bool:
		n = &Node{Kind: Bool, Bool: text == "true"}
	case reflect.Int:
		v, _ := strconv.ParseInt(text, 10, 64)
		n = &Node{Kind: Integer, Integer: v}
	}
	d.value(Field{Key: key, Node: n}, target, tag)
}

var durationType = reflect.TypeFor[time.Duration]()

// value decodes one value into the Go value it is for.
func (d *decoder) value(f Field, target reflect.Value, tag reflect.StructTag) {
	if target.Type() == durationType {
		d.duration(f, target)
		return
	}
	if target.Type() == reflect.TypeFor[*regexp.Regexp]() {
		d.regexp(f, target)
		return
	}
	if w, ok := target.Addr().Interface().(*Weight); ok {
		d.weight(f, w)
		return
	}
	if u, ok := target.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(f, u)
		return
	}
	switch target.Kind() {
	case reflect.String:
		if d.want(f, String, `"text"`) {
			d.word(f, target, tag)
		}
	case reflect.Bool:
		if d.want(f, Bool, "true") {
			target.SetBool(f.Node.Bool)
		}
	case reflect.Int, reflect.Int64:
		if d.want(f, Integer, "10") {
			d.integer(f, target, tag)
		}
	case reflect.Slice:
		d.list(f, target, tag)
	case reflect.Struct:
		if d.want(f, Table, "{ key = value }") {
			d.table(f.Node, target)
		}
	default:
		panic(fmt.Sprintf("config: key %s has a type that cannot be decoded: %s", f.Key, target.Type()))
	}
}

// want checks the kind of a value and says what would be right.
func (d *decoder) want(f Field, kind Kind, example string) bool {
	if f.Node.Kind == kind {
		return true
	}
	d.problem(f, f.Node.Kind.found(), fmt.Sprintf("%s is needed, such as %s = %s", kindNames[kind], f.Key, example))
	return false
}

func (d *decoder) problem(f Field, message, hint string) {
	d.problems.add(f.Node.Position, d.section, f.Key, message, hint)
}

func (d *decoder) duration(f Field, target reflect.Value) {
	if f.Node.Kind != String {
		d.problem(f, f.Node.Kind.found(), fmt.Sprintf(`a duration is written as text, such as %s = "3s"`, f.Key))
		return
	}
	v, err := ParseDuration(f.Node.Text)
	if err != nil {
		d.problem(f, err.Error(), `write it as "500ms", "3s", "1m" or "2h 30m"`)
		return
	}
	target.SetInt(int64(v))
}

func (d *decoder) regexp(f Field, target reflect.Value) {
	if !d.want(f, String, `"^/v[0-9]+/"`) {
		return
	}
	re, err := regexp.Compile(f.Node.Text)
	if err != nil {
		d.problem(f, regexpProblem(err), "")
		return
	}
	target.Set(reflect.ValueOf(re))
}

// text decodes types that read themselves. Sizes may be integers too.
func (d *decoder) text(f Field, target encoding.TextUnmarshaler) {
	text := f.Node.Text
	if f.Node.Kind != String {
		_, isSize := target.(*Size)
		if !isSize || f.Node.Kind != Integer {
			hint := "it is written as text, in quotes"
			if isSize {
				hint = fmt.Sprintf(`a size is a number of bytes or text, such as %s = "1mb"`, f.Key)
			}
			d.problem(f, f.Node.Kind.found(), hint)
			return
		}
		text = strconv.FormatInt(f.Node.Integer, 10)
	}
	if err := target.UnmarshalText([]byte(text)); err != nil {
		message, hint := err.Error(), ""
		if v, ok := err.(*valueError); ok {
			message, hint = v.message, v.hint
		}
		d.problem(f, message, hint)
	}
}

// valueError is what a type's UnmarshalText returns to say what would be right.
type valueError struct{ message, hint string }

func (e *valueError) Error() string { return e.message + "; " + e.hint }

// word sets a string, which an enum limits.
func (d *decoder) word(f Field, target reflect.Value, tag reflect.StructTag) {
	text := f.Node.Text
	if enum := tag.Get("enum"); enum != "" {
		words := strings.Split(enum, ",")
		for _, w := range words {
			if strings.EqualFold(w, text) {
				target.SetString(w)
				return
			}
		}
		d.problem(f, fmt.Sprintf("%q is none of %s", text, strings.Join(words, ", ")), Suggest(text, words))
		return
	}
	target.SetString(text)
}

// maxLocationWeight is the largest weight of a location: that of Pingap's type.
const maxLocationWeight = 65535

func (d *decoder) weight(f Field, w *Weight) {
	if !d.want(f, Integer, "2048") {
		return
	}
	if v := f.Node.Integer; v < 0 || v > maxLocationWeight {
		d.problem(f, fmt.Sprintf("%d is not between 0 and %d", v, maxLocationWeight), "")
		return
	}
	*w = Weight{Value: int(f.Node.Integer), Set: true}
}

func (d *decoder) integer(f Field, target reflect.Value, tag reflect.StructTag) {
	v := f.Node.Integer
	if low, ok := bound(tag, "min"); ok && v < low {
		d.problem(f, fmt.Sprintf("%d is too small", v), fmt.Sprintf("at least %d is needed", low))
		return
	}
	if high, ok := bound(tag, "max"); ok && v > high {
		d.problem(f, fmt.Sprintf("%d is too large", v), fmt.Sprintf("at most %d is allowed", high))
		return
	}
	target.SetInt(v)
}

func bound(tag reflect.StructTag, name string) (int64, bool) {
	v, err := strconv.ParseInt(tag.Get(name), 10, 64)
	return v, err == nil
}

// list decodes a list element by element; all that are wrong are reported.
func (d *decoder) list(f Field, target reflect.Value, tag reflect.StructTag) {
	if f.Node.Kind != Array {
		example := `["one", "two"]`
		if f.Node.Kind == String {
			example = fmt.Sprintf("[%q]", f.Node.Text)
		}
		d.want(f, Array, example)
		return
	}
	list := reflect.MakeSlice(target.Type(), 0, len(f.Node.Items))
	for _, item := range f.Node.Items {
		element := reflect.New(target.Type().Elem()).Elem()
		before := len(*d.problems)
		d.value(Field{Key: f.Key, Position: item.Position, Node: item}, element, tag)
		if len(*d.problems) == before {
			list = reflect.Append(list, element)
		}
	}
	target.Set(list)
}

// regexpProblem says what is wrong with a regular expression.
func regexpProblem(err error) string {
	return "not a regular expression: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
}
