package message

import "strings"

// Field is one header or trailer field as it travels on the wire. Name keeps
// the spelling it arrived with; names compare without regard to ASCII case
// (RFC 9110 section 5.1). Value has no leading or trailing blanks.
type Field struct {
	Name  string
	Value string
}

// Header is an ordered list of fields. Fields of one name keep their order,
// which carries meaning (RFC 9110 section 5.3). The zero value is empty and
// ready to use; Reset keeps its memory for the next exchange.
type Header struct {
	fields []Field
}

// Reset removes all fields and keeps the memory.
func (h *Header) Reset() {
	clear(h.fields)
	h.fields = h.fields[:0]
}

// Len returns the number of fields.
func (h *Header) Len() int { return len(h.fields) }

// Fields returns the fields in order. The slice is the header's own: it is
// valid until the header is next changed, and a caller may change values in
// place but not append.
func (h *Header) Fields() []Field { return h.fields }

// Add appends a field and leaves those of the same name alone.
func (h *Header) Add(name, value string) {
	h.fields = append(h.fields, Field{Name: name, Value: value})
}

// Get returns the value of the first field called name, or "".
func (h *Header) Get(name string) string {
	v, _ := h.Lookup(name)
	return v
}

// Lookup returns the value of the first field called name and whether there
// is one.
func (h *Header) Lookup(name string) (string, bool) {
	for i := range h.fields {
		if EqualFold(h.fields[i].Name, name) {
			return h.fields[i].Value, true
		}
	}
	return "", false
}

// Has reports whether a field is called name.
func (h *Header) Has(name string) bool {
	_, ok := h.Lookup(name)
	return ok
}

// Set gives the first field called name this value and removes the others; it
// appends a field when there is none.
func (h *Header) Set(name, value string) {
	for i := range h.fields {
		if EqualFold(h.fields[i].Name, name) {
			h.fields[i].Value = value
			h.deleteFrom(i+1, name)
			return
		}
	}
	h.Add(name, value)
}

// Truncate removes all but the first n fields.
func (h *Header) Truncate(n int) {
	clear(h.fields[n:])
	h.fields = h.fields[:n]
}

// Del removes every field called name.
func (h *Header) Del(name string) { h.deleteFrom(0, name) }

func (h *Header) deleteFrom(start int, name string) {
	h.deleteWhere(start, func(f Field) bool { return EqualFold(f.Name, name) })
}

// DelFunc removes every field for which drop returns true.
func (h *Header) DelFunc(drop func(Field) bool) { h.deleteWhere(0, drop) }

func (h *Header) deleteWhere(start int, drop func(Field) bool) {
	kept := start
	for i := start; i < len(h.fields); i++ {
		if drop(h.fields[i]) {
			continue
		}
		if kept != i {
			h.fields[kept] = h.fields[i]
		}
		kept++
	}
	clear(h.fields[kept:])
	h.fields = h.fields[:kept]
}

// HasToken reports whether one of the comma-separated elements of any field
// called name equals token, without regard to case (RFC 9110 section 5.6.1).
func (h *Header) HasToken(name, token string) bool {
	for i := range h.fields {
		if EqualFold(h.fields[i].Name, name) && ListHasToken(h.fields[i].Value, token) {
			return true
		}
	}
	return false
}

// CutCookie returns the first cookie of a Cookie field's value (RFC 6265 section
// 4.2.1) and the rest of that. A name alone has the value "".
func CutCookie(cookies string) (name, value, rest string) {
	pair, rest, _ := strings.Cut(cookies, ";")
	name, value, _ = strings.Cut(TrimBlanks(pair), "=")
	return name, value, rest
}

// ListHasToken reports whether the comma-separated list holds token, without
// regard to case.
func ListHasToken(list, token string) bool {
	for element := range strings.SplitSeq(list, ",") {
		if EqualFold(TrimBlanks(element), token) {
			return true
		}
	}
	return false
}

// TrimBlanks removes the optional white space of RFC 9110 section 5.6.3
// (spaces and tabs, nothing else) from both ends.
func TrimBlanks(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// EqualFold compares ASCII strings without regard to case. Unlike
// strings.EqualFold it knows no Unicode folding, so the Kelvin sign does not
// pass for a k.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z' {
			return false
		}
	}
	return true
}
