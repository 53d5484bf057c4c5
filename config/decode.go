package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ValueError is what a type's UnmarshalText or UnmarshalInteger returns to say
// what would be right. Several errors may be joined.
type ValueError struct {
	Message string // what is wrong
	Hint    string // what would be right; may be ""
	Warning bool   // the value can be used nevertheless
}

func (e *ValueError) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "; " + e.Hint
}

// IntegerUnmarshaler is a type that can be written as an integer, besides as
// text if it also has an UnmarshalText.
type IntegerUnmarshaler interface{ UnmarshalInteger(v int64) error }

// decoder fills structs from one section.
type decoder struct {
	section  string
	prefix   string   // of keys, within nested tables
	others   []string // keys that somebody else reads
	problems *Problems
	errors   int // added so far
}

func (d *decoder) add(p Problem) {
	if !p.Warning {
		d.errors++
	}
	d.problems.add(p)
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
	if t, ok := target.(later); ok {
		if harmless, ok := t.later()[f.Key]; ok {
			if !slices.ContainsFunc(harmless, f.Node.is) {
				problem.Message = "this version does not support the key yet"
				if len(harmless) > 0 {
					problem.Hint = fmt.Sprintf("the only value it may have is %#v", harmless[0])
				}
				d.add(problem)
			}
			return
		}
	}
	if t, ok := target.(dropped); ok {
		if why, ok := t.dropped()[f.Key]; ok {
			problem.Warning = true
			problem.Message = "has no effect: " + why
			d.add(problem)
			return
		}
	}
	problem.Key = strings.TrimSuffix(d.prefix, ".")
	problem.Message = fmt.Sprintf("unknown key %q", f.Key)
	problem.Hint = Suggest(f.Key, append(known, d.others...))
	if f.Node.Kind == KindTable && f.Node.origin == header && problem.Hint == "" {
		kind, name, _ := strings.Cut(d.section, ".")
		problem.Hint = fmt.Sprintf("a name that holds a dot stands in quotes: [%s.%q]", kind, name+"."+f.Key)
	}
	d.add(problem)
}

// is reports whether a value is the given string, in any case, or bool.
func (n *Node) is(value any) bool {
	switch v := value.(type) {
	case bool:
		return n.Kind == KindBool && n.Bool == v
	case string:
		return n.Kind == KindString && strings.EqualFold(n.Text, v)
	}
	return false
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

var (
	durationType = reflect.TypeFor[time.Duration]()
	regexpType   = reflect.TypeFor[*regexp.Regexp]()
)

// value decodes one value into the Go value it is for.
func (d *decoder) value(f Field, target reflect.Value, tag reflect.StructTag) {
	self := target.Addr().Interface()
	integer, isInteger := self.(IntegerUnmarshaler)
	text, isText := self.(encoding.TextUnmarshaler)
	switch {
	case target.Type() == durationType:
		d.duration(f, target, tag)
	case target.Type() == regexpType:
		d.regexp(f, target)
	case isInteger && (f.Node.Kind == KindInteger || !isText):
		if d.expect(f, KindInteger, "10") {
			d.unmarshaled(f, target, integer.UnmarshalInteger(f.Node.Integer))
			d.within(f, target, tag)
		}
	case isInteger && f.Node.Kind != KindString:
		d.problem(f, f.Node.Kind.found(), fmt.Sprintf(`a number or text is expected, such as %s = "4kb"`, f.Key))
	case isText:
		if d.expect(f, KindString, `"text"`) {
			d.unmarshaled(f, target, text.UnmarshalText([]byte(f.Node.Text)))
			d.within(f, target, tag)
		}
	default:
		d.basicValue(f, target, tag)
	}
}

// basicValue decodes what is of one of Go's own types.
func (d *decoder) basicValue(f Field, target reflect.Value, tag reflect.StructTag) {
	switch target.Kind() {
	case reflect.String:
		if d.expect(f, KindString, `"text"`) {
			d.word(f, target, tag)
		}
	case reflect.Bool:
		if d.expect(f, KindBool, "true") {
			target.SetBool(f.Node.Bool)
		}
	case reflect.Int, reflect.Int64:
		if d.expect(f, KindInteger, "10") {
			target.SetInt(f.Node.Integer)
			d.within(f, target, tag)
		}
	case reflect.Slice:
		d.list(f, target, tag)
	case reflect.Struct:
		if d.expect(f, KindTable, "{ key = value }") {
			d.nested(f, target)
		}
	case reflect.Pointer:
		pointed := reflect.New(target.Type().Elem())
		d.value(f, pointed.Elem(), tag)
		target.Set(pointed)
	default:
		panic(fmt.Sprintf("config: the key %s has a type that cannot be decoded: %s", f.Key, target.Type()))
	}
}

// nested decodes a table within the section's.
func (d *decoder) nested(f Field, target reflect.Value) {
	prefix, others := d.prefix, d.others
	d.prefix, d.others = prefix+f.Key+".", nil
	d.table(f.Node, target)
	d.prefix, d.others = prefix, others
}

// expect checks the kind of a value, and says what would be right.
func (d *decoder) expect(f Field, kind Kind, example string) bool {
	if f.Node.Kind == kind {
		return true
	}
	if f.Node.Kind == KindInteger && kind == KindString {
		example = strconv.Quote(f.Node.Text)
	}
	if f.Node.Kind == KindString && kind != KindArray && kind != KindTable && f.Node.Text != "" && !strings.ContainsAny(f.Node.Text, " \t\n") {
		example = "without quotes, such as " + f.Key + " = " + example
	} else {
		example = "such as " + f.Key + " = " + example
	}
	d.problem(f, f.Node.Kind.found(), fmt.Sprintf("%s is expected, %s", kind, example))
	return false
}

func (d *decoder) problem(f Field, message, hint string) {
	d.add(Problem{Position: f.Node.Position, Section: d.section, Key: d.prefix + f.Key, Message: message, Hint: hint})
}

// unmarshaled reports the errors of a type that reads itself. Its value is then
// the zero value.
func (d *decoder) unmarshaled(f Field, target reflect.Value, err error) {
	var errs []error
	switch joined, ok := err.(interface{ Unwrap() []error }); {
	case err == nil:
		return
	case ok:
		errs = joined.Unwrap()
	default:
		errs = []error{err}
	}
	for _, err := range errs {
		e, ok := errors.AsType[*ValueError](err)
		if !ok {
			e = &ValueError{Message: err.Error()}
		}
		if !e.Warning {
			target.SetZero()
		}
		d.add(Problem{Position: f.Node.Position, Section: d.section, Key: d.prefix + f.Key, Message: e.Message, Hint: e.Hint, Warning: e.Warning})
	}
}

func (d *decoder) duration(f Field, target reflect.Value, tag reflect.StructTag) {
	if f.Node.Kind != KindString {
		example := "3s"
		if f.Node.Kind == KindInteger && f.Node.Integer >= 0 {
			example = f.Node.Text + "s"
		}
		d.problem(f, f.Node.Kind.found(), fmt.Sprintf("a duration is written as text, such as %s = %q", f.Key, example))
		return
	}
	v, err := ParseDuration(f.Node.Text)
	d.unmarshaled(f, target, err)
	if err == nil {
		target.SetInt(int64(v))
		d.within(f, target, tag)
	}
}

func (d *decoder) regexp(f Field, target reflect.Value) {
	if !d.expect(f, KindString, `"^/v[0-9]+/"`) {
		return
	}
	re, err := compileRegexp(f.Node.Text)
	d.unmarshaled(f, target, err)
	if err == nil {
		target.Set(reflect.ValueOf(re))
	}
}

// word sets a string, which may be limited to some.
func (d *decoder) word(f Field, target reflect.Value, tag reflect.StructTag) {
	enum, ok := tag.Lookup("enum")
	if !ok {
		target.SetString(f.Node.Text)
		return
	}
	words := strings.Split(enum, ",")
	i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, f.Node.Text) })
	if i >= 0 {
		target.SetString(words[i])
		return
	}
	message, hint := fmt.Sprintf("%q is not known", f.Node.Text), Suggest(f.Node.Text, words)
	if hint == "" {
		hint = "write " + oneOf(words)
	}
	if isLaterWord(f.Node.Text, tag.Get("later")) {
		message = fmt.Sprintf("this version does not support %q yet", f.Node.Text)
	}
	d.problem(f, message, hint)
}

// isLaterWord reports whether a word is in a list of those still to come, in
// which a * at the end stands for anything.
func isLaterWord(word, list string) bool {
	for pattern := range strings.SplitSeq(list, ",") {
		prefix, ok := strings.CutSuffix(pattern, "*")
		if pattern != "" && (strings.EqualFold(word, pattern) || ok && strings.HasPrefix(strings.ToLower(word), prefix)) {
			return true
		}
	}
	return false
}

// oneOf lists words as a choice.
func oneOf(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// list decodes a list element by element; those that are wrong are left out.
func (d *decoder) list(f Field, target reflect.Value, tag reflect.StructTag) {
	if f.Node.Kind != KindArray {
		example := `["one", "two"]`
		if f.Node.Kind == KindString {
			example = fmt.Sprintf("[%q]", f.Node.Text)
		}
		d.expect(f, KindArray, example)
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
