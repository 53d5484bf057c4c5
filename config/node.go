package config

import "slices"

// Kind is the kind of a value in a configuration's text.
type Kind uint8

// The kinds of values. Dates are known only to be refused by name.
const (
	KindTable Kind = iota
	KindArray
	KindString
	KindInteger
	KindFloat
	KindBool
	KindDate
)

var kindNames = [...]string{
	KindTable: "a table", KindArray: "a list", KindString: "text", KindInteger: "an integer",
	KindFloat: "a number with a fraction", KindBool: "true or false", KindDate: "a date",
}

// String returns the kind with its article.
func (k Kind) String() string { return kindNames[k] }

// found says of which kind the value is that was found.
func (k Kind) found() string { return "is " + k.String() }

// Node is a value and where it stands.
type Node struct {
	Kind     Kind
	Position Position
	Text     string  // of String; of numbers and dates as they are written
	Integer  int64   // of Integer
	Bool     bool    // of Bool
	Fields   []Field // of Table, in the order of the text
	Items    []*Node // of Array
	// Lines is the line of the file on which the text of a String begins, if
	// its lines are lines of the file, and 0 otherwise.
	Lines int
	// Single says that the value may be meant as a list of one: the format
	// does not tell them apart.
	Single bool

	index    map[string]int // of Fields, by key; nil where they are few
	origin   origin
	reported bool // what is wrong with it has been said; of a table: the rest of it could not be read
	hidden   bool // the value is a secret
}

// origin tells how a table or list came to be, which decides what may be added
// to it.
type origin uint8

const (
	implied origin = iota // a table that a longer header or key implies
	dotted                // a table that a key with dots made
	header                // a table or list with a header of its own
	literal               // a value: complete where it stands
)

// Field is a key of a table with its value.
type Field struct {
	Key      string
	Position Position // of the key
	Node     *Node
}

// Field returns the field of a table with this key.
func (n *Node) Field(key string) (f Field, ok bool) {
	if i := n.find(key); i >= 0 {
		return n.Fields[i], true
	}
	return Field{}, false
}

// find returns the place of a key in Fields, or -1.
func (n *Node) find(key string) int {
	if n.index != nil {
		if i, ok := n.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range n.Fields {
		if n.Fields[i].Key == key {
			return i
		}
	}
	return -1
}

// Set adds a field to a table, and reports whether its key was new. If it was
// not, the table stays as it is.
func (n *Node) Set(f Field) bool {
	if _, ok := n.Field(f.Key); ok {
		return false
	}
	n.set(f)
	return true
}

// Equal reports whether two values are the same, wherever they stand. The order
// of a table's keys makes no difference.
func (n *Node) Equal(o *Node) bool { return n.same(o) }

// put sets a field, in the place of one with the same key.
func (n *Node) put(f Field) {
	if i := n.find(f.Key); i >= 0 {
		n.Fields[i] = f
		return
	}
	n.set(f)
}

// without returns a copy of a table that lacks a key. The values are the same.
func (n *Node) without(key string) *Node {
	c := *n
	c.Fields = slices.DeleteFunc(slices.Clone(n.Fields), func(f Field) bool { return f.Key == key })
	c.reindex()
	return &c
}

// fewFields is up to how many a table needs no index. Most sections are that
// small, and an index would be the largest part of them.
const fewFields = 8

// reindex makes the index of Fields.
func (n *Node) reindex() {
	if n.index = nil; len(n.Fields) <= fewFields {
		return
	}
	n.index = make(map[string]int, len(n.Fields))
	for i, f := range n.Fields {
		n.index[f.Key] = i
	}
}

// set adds a field; the key must be new.
func (n *Node) set(f Field) {
	n.Fields = append(n.Fields, f)
	if n.index != nil {
		n.index[f.Key] = len(n.Fields) - 1
	} else if len(n.Fields) > fewFields {
		n.reindex()
	}
}
