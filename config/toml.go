package config

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// maxNesting bounds how deep tables and lists may stand in each other.
const maxNesting = 16

// ParseTOML adds the tables and values of a TOML text to root, which may hold
// those of other files: sections of one kind may be spread over files, but none
// may be written twice.
func ParseTOML(root *Node, file string, text []byte) Problems {
	p := tomlParser{root: root, current: root, file: file}
	for i, c := range text {
		if c == '\n' {
			p.lineEnds = append(p.lineEnds, i)
		}
	}
	p.parser.Reset(text)
	p.end = len(text)
	for p.parser.NextExpression() {
		p.expression(p.parser.Expression())
	}
	if err := p.parser.Error(); err != nil {
		p.syntaxError(err, text)
	}
	return p.problems
}

type tomlParser struct {
	parser   unstable.Parser
	root     *Node
	current  *Node // the table that keys go to
	file     string
	lineEnds []int // offsets of line ends
	end      int
	problems Problems
}

// position converts an offset.
func (p *tomlParser) position(offset int) Position {
	line := sort.SearchInts(p.lineEnds, offset)
	start := 0
	if line > 0 {
		start = p.lineEnds[line-1] + 1
	}
	return Position{File: p.file, Line: line + 1, Column: offset - start + 1}
}

func (p *tomlParser) at(n *unstable.Node) Position { return p.position(int(n.Raw.Offset)) }

func (p *tomlParser) syntaxError(err error, text []byte) {
	at := Position{File: p.file}
	message := err.Error()
	var parserError *unstable.ParserError
	if errors.As(err, &parserError) {
		message = parserError.Message
		if offset, ok := offsetIn(text, parserError.Highlight); ok {
			at = p.position(offset)
		}
	}
	p.problems.add(at, "", "", fmt.Sprintf("not TOML: %s", strings.TrimPrefix(message, "toml: ")), "")
}

// offsetIn returns where part, a slice of text, begins.
func offsetIn(text, part []byte) (int, bool) {
	offset := cap(text) - cap(part)
	return offset, part != nil && offset >= 0 && offset <= len(text)
}

func (p *tomlParser) expression(e *unstable.Node) {
	switch e.Kind {
	case unstable.Table, unstable.ArrayTable:
		p.header(e, e.Kind == unstable.ArrayTable)
	case unstable.KeyValue:
		p.keyValue(p.current, e, 0)
	}
}

// header makes the table of a [header] or [[header]] current.
func (p *tomlParser) header(e *unstable.Node, isList bool) {
	table := p.root
	keys := keysOf(e)
	if len(keys) > maxNesting {
		p.problems.add(p.at(keys[0]), "", "", fmt.Sprintf("the header has %d parts; at most %d are allowed", len(keys), maxNesting), "")
		p.current = &Node{Kind: Table}
		return
	}
	for i, key := range keys {
		last := i == len(keys)-1
		next := p.step(table, key, last, isList)
		if next == nil {
			// What follows belongs to a table that cannot be: it is read, so
			// that its own problems show, and goes nowhere.
			p.current = &Node{Kind: Table}
			return
		}
		table = next
	}
	p.current = table
}

// step goes from a table to the one that a part of a header names, which it
// makes when it is new.
func (p *tomlParser) step(table *Node, key *unstable.Node, last, isList bool) *Node {
	name, at := string(key.Data), p.at(key)
	f, ok := table.field(name)
	if !ok {
		next := &Node{Kind: Table, Position: at, explicit: last}
		if last && isList {
			table.set(Field{name, at, &Node{Kind: Array, Position: at, Items: []*Node{next}}})
		} else {
			table.set(Field{name, at, next})
		}
		return next
	}
	switch {
	case f.Node.Kind == Array && !f.Node.closed && (isList || !last):
		if last {
			f.Node.Items = append(f.Node.Items, &Node{Kind: Table, Position: at, explicit: true})
		}
		return f.Node.Items[len(f.Node.Items)-1]
	case f.Node.Kind != Table || f.Node.closed || last && (f.Node.explicit || isList):
		p.twice(name, at, f.Position)
		return nil
	}
	if last {
		f.Node.explicit = true
		f.Node.Position = at
		p.moveField(table, name, at)
	}
	return f.Node
}

// moveField notes that the table called name has its header at another place
// than where it was first implied.
func (p *tomlParser) moveField(table *Node, name string, at Position) {
	table.Fields[table.index[name]].Position = at
}

func (p *tomlParser) twice(name string, at, first Position) {
	p.problems.add(at, "", "", fmt.Sprintf("%q is written a second time", name), fmt.Sprintf("the first is at %s", first))
}

func (p *tomlParser) keyValue(table *Node, e *unstable.Node, depth int) {
	keys := keysOf(e)
	if len(keys)+depth > maxNesting {
		p.problems.add(p.at(keys[0]), "", "", fmt.Sprintf("tables stand in each other more than %d deep", maxNesting), "")
		return
	}
	for _, key := range keys[:len(keys)-1] {
		name := string(key.Data)
		f, ok := table.field(name)
		if !ok {
			f = Field{name, p.at(key), &Node{Kind: Table, Position: p.at(key)}}
			table.set(f)
		}
		if f.Node.Kind != Table || f.Node.closed {
			p.twice(name, p.at(key), f.Position)
			return
		}
		table = f.Node
	}
	key := keys[len(keys)-1]
	name := string(key.Data)
	if f, ok := table.field(name); ok {
		p.twice(name, p.at(key), f.Position)
		return
	}
	table.set(Field{name, p.at(key), p.value(e.Value(), p.at(key), depth)})
}

func keysOf(e *unstable.Node) []*unstable.Node {
	var keys []*unstable.Node
	for it := e.Key(); it.Next(); {
		keys = append(keys, it.Node())
	}
	return keys
}

// value converts a value; lists have no place of their own and get that of
// what they belong to.
func (p *tomlParser) value(v *unstable.Node, owner Position, depth int) *Node {
	n := &Node{Position: owner}
	if v.Raw.Length > 0 {
		n.Position = p.at(v)
	}
	if depth >= maxNesting {
		p.problems.add(n.Position, "", "", fmt.Sprintf("values stand in each other more than %d deep", maxNesting), "")
		return n
	}
	switch v.Kind {
	case unstable.String:
		n.Kind, n.Text = String, string(v.Data)
	case unstable.Bool:
		n.Kind, n.Bool = Bool, string(v.Data) == "true"
	case unstable.Integer:
		p.integer(n, string(v.Data))
	case unstable.Float:
		n.Kind, n.Text = Float, string(v.Data)
	case unstable.Array:
		n.Kind, n.closed = Array, true
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.Comment {
				n.Items = append(n.Items, p.value(it.Node(), n.Position, depth+1))
			}
		}
	case unstable.InlineTable:
		n.Kind, n.explicit = Table, true
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				p.keyValue(n, it.Node(), depth+1)
			}
		}
		n.closed = true
	default:
		n.Kind, n.Text = Date, string(v.Data)
	}
	return n
}

func (p *tomlParser) integer(n *Node, text string) {
	n.Kind, n.Text = Integer, text
	v, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimPrefix(text, "+"), "_", ""), 0, 64)
	if err != nil {
		p.problems.add(n.Position, "", "", fmt.Sprintf("%s is too large for an integer", text), "")
	}
	n.Integer = v
}
