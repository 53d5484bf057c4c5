package config

// Kind is the kind of a value in a configuration's text.
type Kind uint8

// The kinds of values. Dates are known only to be refused by name.
const (
	Table Kind = iota
	Array
	String
	Integer
	Float
	Bool
	Date
)

var kindNames = [...]string{Table: "a table", Array: "a list", String: "text", Integer: "an integer",
	Float: "a number with a point", Bool: "true or false", Date: "a date"}

// found says of which kind the value is that was found.
func (k Kind) found() string { return "is " + kindNames[k] }

// Node is a value and where it stands: what every format of configuration text
// becomes before it is understood.
type Node struct {
	Kind     Kind
	Position Position
	Text     string  // of String, and of numbers and dates as written
	Integer  int64   // of Integer
	Bool     bool    // of Bool
	Fields   []Field // of Table, in the order of the text
	Items    []*Node // of Array

	index    map[string]int // of Fields, by key
	explicit bool           // a table with a header or in braces, rather than one implied by a longer name
	closed   bool           // a table in braces, or a list in brackets: not to be added to
}

// Field is a key of a table with its value.
type Field struct {
	Key      string
	Position Position // of the key
	Node     *Node
}

func (n *Node) field(key string) (Field, bool) {
	if i, ok := n.index[key]; ok {
		return n.Fields[i], true
	}
	return Field{}, false
}

// set adds a field; the key must be new.
func (n *Node) set(f Field) {
	if n.index == nil {
		n.index = make(map[string]int)
	}
	n.index[f.Key] = len(n.Fields)
	n.Fields = append(n.Fields, f)
}
