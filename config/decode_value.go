package config

import (
	"cmp"
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

var (
	durationType = reflect.TypeFor[time.Duration]()
	regexpType   = reflect.TypeFor[*regexp.Regexp]()

	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// value decodes one value into the Go value it is for.
func (d *decoder) value(f Field, target reflect.Value, tag reflect.StructTag) {
	if f.Node.reported {
		return
	}
	self := target.Addr().Interface()
	integer, isInteger := self.(IntegerUnmarshaler)
	text, isText := self.(encoding.TextUnmarshaler)
	switch {
	case target.Type() == durationType:
		d.duration(f, target, tag)
	case target.Type() == regexpType:
		d.regexp(f, target, tag)
	case isInteger && (f.Node.Kind == KindInteger || !isText):
		if d.expect(f, KindInteger, example(tag, "10")) {
			d.unmarshaled(f, target, tag, integer.UnmarshalInteger(f.Node.Integer))
		}
	case isInteger && f.Node.Kind != KindString:
		d.problem(f, f.Node.Kind.found(), fmt.Sprintf("a number or text is expected, such as %s = %q", f.Key, example(tag, "4kb")))
	case isText && target.Kind() == reflect.Slice && f.Node.Kind == KindArray:
		d.problem(f, f.Node.Kind.found(), fmt.Sprintf("text with commas is expected, such as %s = %q", f.Key, withCommas(f.Node.Items)))
	case isText:
		if d.expect(f, KindString, strconv.Quote(example(tag, "text"))) {
			d.unmarshaled(f, target, tag, text.UnmarshalText([]byte(f.Node.Text)))
		}
	default:
		d.basicValue(f, target, tag)
	}
}

// withCommas writes a list as text.
func withCommas(items []*Node) string {
	var words []string
	for _, n := range items {
		words = append(words, n.Text)
	}
	return strings.Join(words, ", ")
}

// basicValue decodes what is of one of Go's own types.
func (d *decoder) basicValue(f Field, target reflect.Value, tag reflect.StructTag) {
	switch target.Kind() {
	case reflect.String:
		if d.expect(f, KindString, strconv.Quote(example(tag, "text"))) {
			d.word(f, target, tag)
		}
	case reflect.Bool:
		if d.expect(f, KindBool, example(tag, "true")) {
			target.SetBool(f.Node.Bool)
		}
	case reflect.Int, reflect.Int64:
		if d.expect(f, KindInteger, example(tag, "10")) {
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

// example is a value for a hint, as the text of a file without quotes.
func example(tag reflect.StructTag, general string) string {
	word, _, _ := strings.Cut(strings.TrimPrefix(tag.Get("enum"), ","), ",")
	return cmp.Or(tag.Get("example"), tag.Get("default"), word, general)
}

// expect checks the kind of a value, and says what would be right.
func (d *decoder) expect(f Field, kind Kind, example string) bool {
	if f.Node.Kind == kind {
		return true
	}
	if f.Node.hidden && isWritten(kind, f.Node.Text) {
		// From elsewhere everything comes as text.
		f.Node.Kind, f.Node.Bool = kind, f.Node.Text == "true"
		f.Node.Integer, _ = strconv.ParseInt(f.Node.Text, 10, 64)
		return true
	}
	if f.Node.Kind == KindString && isWritten(kind, f.Node.Text) {
		d.problem(f, f.Node.Kind.found(), fmt.Sprintf("%s is expected; without quotes it is one: %s = %s", kind, f.Key, f.Node.Text))
		return false
	}
	d.problem(f, f.Node.Kind.found(), fmt.Sprintf("%s is expected, such as %s = %s", kind, f.Key, example))
	return false
}

// isWritten reports whether text is how a value of the kind is written.
func isWritten(kind Kind, text string) bool {
	switch kind {
	case KindInteger:
		_, err := strconv.ParseInt(text, 10, 64)
		return err == nil
	case KindBool:
		return text == "true" || text == "false"
	}
	return false
}

func (d *decoder) problem(f Field, message, hint string) {
	d.wrong(f, ValueError{Message: message, Hint: hint})
}

// wrong reports what is wrong with a value. One that came from elsewhere may be
// a secret, so what would show it is not said.
func (d *decoder) wrong(f Field, e ValueError) {
	if f.Node.hidden {
		e.Message, e.Hint = "the value that stands here is wrong", "it is not shown, for it may be a secret"
	}
	d.add(Problem{Position: f.Node.Position, Section: d.section, Key: d.prefix + f.Key, Message: e.Message, Hint: e.Hint, Warning: e.Warning})
}

// unmarshaled checks a value that its type has read, or reports the type's
// errors. The value is then the zero value.
func (d *decoder) unmarshaled(f Field, target reflect.Value, tag reflect.StructTag, err error) {
	if err == nil {
		d.within(f, target, tag)
		return
	}
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for _, err := range errs {
		e, ok := errors.AsType[*ValueError](err)
		if !ok {
			e = &ValueError{Message: err.Error()}
		}
		if !e.Warning {
			target.SetZero()
		}
		d.wrong(f, *e)
	}
}

func (d *decoder) duration(f Field, target reflect.Value, tag reflect.StructTag) {
	if f.Node.Kind != KindString {
		text := example(tag, "3s")
		if f.Node.Kind == KindInteger && f.Node.Integer >= 0 {
			text = f.Node.Text + "s"
		}
		d.problem(f, f.Node.Kind.found(), fmt.Sprintf("a duration is written as text, such as %s = %q", f.Key, text))
		return
	}
	v, err := ParseDuration(f.Node.Text)
	target.SetInt(int64(v))
	d.unmarshaled(f, target, tag, err)
}

func (d *decoder) regexp(f Field, target reflect.Value, tag reflect.StructTag) {
	if !d.expect(f, KindString, `"^/v[0-9]+/"`) {
		return
	}
	re, err := compileRegexp(f.Node.Text)
	target.Set(reflect.ValueOf(re))
	d.unmarshaled(f, target, tag, err)
}

// tooShort is how many letters are too few to guess what was meant: with one of
// them wrong it could be any word.
const tooShort = 2

// word sets a string, which may be limited to some.
func (d *decoder) word(f Field, target reflect.Value, tag reflect.StructTag) {
	if f.Node.Text == "" && tag.Get("required") != "" {
		d.problem(f, "is empty", "")
		return
	}
	enum, ok := tag.Lookup("enum")
	if ok && f.Node.Text == "" { // as if it were absent
		target.SetString(tag.Get("default"))
		return
	}
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
	if hint == "" || len(f.Node.Text) <= tooShort {
		hint = "write " + oneOf(words)
	}
	d.problem(f, message, hint)
}

// matchesWord reports whether a word is in a list with commas, in which a * at
// the end stands for anything.
func matchesWord(word, list string) bool {
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
	var quoted []string
	for _, w := range words {
		if w != "" {
			quoted = append(quoted, strconv.Quote(w))
		}
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}
