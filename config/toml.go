package config

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

const (
	// maxText bounds one text, in bytes; 100,000 locations take half of it.
	maxText = 64 << 20
	// maxNesting bounds how deep tables and lists may stand in each other.
	maxNesting = 16
)

// AddTOML adds the tables and values of a TOML text. Sections of one kind may
// be spread over files, but none may be written twice. file is the text's name
// in problems.
func (d *Document) AddTOML(file string, text []byte) {
	d.files = append(d.files, file)
	p := tomlParser{document: d, table: &d.root, file: file, text: text}
	if problem, ok := p.readable(); !ok {
		d.fail(problem)
		return
	}
	if string(text[:min(len(text), len(byteOrderMark))]) == byteOrderMark {
		p.text = text[len(byteOrderMark):]
	}
	p.parse()
}

// parse adds the text, which is readable.
func (p *tomlParser) parse() {
	for at := 0; ; at++ {
		length := bytes.IndexByte(p.text[at:], '\n')
		if length < 0 {
			break
		}
		at += length
		p.lineEnds = append(p.lineEnds, at)
	}
	p.parser.Reset(p.text)
	for p.parser.NextExpression() {
		p.expression(p.parser.Expression())
	}
	if err := p.parser.Error(); err != nil {
		p.table.reported = true
		p.document.fail(p.syntaxProblem(err))
	}
}

// fail notes a problem behind which a file is not read any further.
func (d *Document) fail(p Problem) {
	d.broken = true
	d.found.problems.add(p)
}

// byteOrderMark is what some editors put before a text.
const byteOrderMark = "\uFEFF"

// tomlParser adds one text to a document.
type tomlParser struct {
	document *Document
	parser   unstable.Parser
	file     string
	text     []byte
	lineEnds []int  // offsets of line ends
	above    int    // lines of the file in front of the text
	fragment string // the section whose value the text is
	fixed    *Node  // the value that the text is, if places in it are none in the file

	table   *Node  // the one that keys go to
	section string // its header
}

// readable reports whether the text is one at all.
func (p *tomlParser) readable() (Problem, bool) {
	if len(p.text) > maxText {
		return Problem{Position: Position{File: p.file}, Message: fmt.Sprintf("is larger than %d MiB", maxText>>20), Hint: "is it a configuration?"}, false
	}
	if utf8.Valid(p.text) {
		return Problem{}, true
	}
	line, column := 1, 1
	for rest := p.text; ; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			break
		}
		column += size
		if r == '\n' {
			line, column = line+1, 1
		}
		rest = rest[size:]
	}
	at := Position{p.file, line, column}
	if p.fixed != nil {
		at = p.fixed.Position
	}
	return Problem{Position: at, Section: p.section, Message: "is not UTF-8 text", Hint: "is it a configuration?"}, false
}

// within says that the text is the value of n.
func (p *tomlParser) within(n *Node, changed bool) {
	if n.Lines > 0 && !changed {
		p.above = n.Lines - 1
	} else {
		p.fixed = n
	}
}

// position converts an offset.
func (p *tomlParser) position(offset int) Position {
	if p.fixed != nil {
		return p.fixed.Position
	}
	line := sort.SearchInts(p.lineEnds, offset)
	start := 0
	if line > 0 {
		start = p.lineEnds[line-1] + 1
	}
	return Position{File: p.file, Line: p.above + line + 1, Column: offset - start + 1}
}

func (p *tomlParser) at(n *unstable.Node) Position { return p.position(int(n.Raw.Offset)) }

func (p *tomlParser) problem(at Position, message, hint string) {
	p.document.found.problems.add(Problem{Position: at, Section: p.section, Message: message, Hint: hint})
}

func (p *tomlParser) expression(e *unstable.Node) {
	switch e.Kind {
	case unstable.Table, unstable.ArrayTable:
		p.header(e, e.Kind == unstable.ArrayTable)
	case unstable.KeyValue:
		p.keyValue(p.table, e, 0)
	}
}

// header makes the table of a [header], or a new one of a [[header]], the one
// that keys go to. After a header that cannot be, they are read for their own
// problems and go nowhere.
func (p *tomlParser) header(e *unstable.Node, isList bool) {
	keys := keyNodes(e)
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = string(key.Data)
	}
	p.section = strings.Join(names, ".")
	table := &p.document.root
	p.table = &Node{}
	if len(keys) > maxNesting {
		p.problem(p.at(keys[0]), fmt.Sprintf("the header has %d parts; at most %d are allowed", len(keys), maxNesting), "")
		return
	}
	for i, key := range keys {
		next := p.step(table, names[i], p.at(key), i == len(keys)-1, isList)
		if next == nil {
			return
		}
		table = next
	}
	p.table = table
}

// step goes from a table to the one that a part of a header names, and makes it
// if it is new. It returns nil after a problem.
func (p *tomlParser) step(table *Node, name string, at Position, last, isList bool) *Node {
	f, ok := table.Field(name)
	if !ok {
		next := &Node{Kind: KindTable, Position: at}
		if last {
			next.origin = header
		}
		f = Field{name, at, next}
		if last && isList {
			f.Node = &Node{Kind: KindArray, Position: at, Items: []*Node{next}, origin: header}
		}
		table.set(f)
		return next
	}
	switch n := f.Node; {
	case n.origin == literal, last && n.Kind == KindTable && (isList || n.origin != implied), last && n.Kind == KindArray && !isList:
		p.problem(at, fmt.Sprintf("[%s] is written a second time", p.section), fmt.Sprintf("the first is at %s", f.Position))
		return nil
	case n.Kind == KindArray:
		if last {
			n.Items = append(n.Items, &Node{Kind: KindTable, Position: at, origin: header})
		}
		return n.Items[len(n.Items)-1]
	case last:
		// A longer header has implied the table; this is its own.
		n.origin, n.Position = header, at
		table.Fields[table.find(name)].Position = at
	}
	return f.Node
}

// keyValue adds key = value to a table. depth is how deep in values it stands.
func (p *tomlParser) keyValue(table *Node, e *unstable.Node, depth int) {
	keys := keyNodes(e)
	if len(keys)+depth > maxNesting {
		p.tooDeep(p.at(keys[0]))
		return
	}
	for _, key := range keys[:len(keys)-1] {
		name, at := string(key.Data), p.at(key)
		f, ok := table.Field(name)
		if !ok {
			f = Field{name, at, &Node{Kind: KindTable, Position: at, origin: dotted}}
			table.set(f)
		}
		if f.Node.origin != dotted {
			p.twice(name, at, f.Position)
			return
		}
		table = f.Node
	}
	key := keys[len(keys)-1]
	name, at := string(key.Data), p.at(key)
	if f, ok := table.Field(name); ok {
		p.twice(name, at, f.Position)
		return
	}
	table.set(Field{name, at, p.value(e.Value(), at, depth)})
}

func (p *tomlParser) twice(name string, at, first Position) {
	p.problem(at, fmt.Sprintf("the key %q is written a second time", name), fmt.Sprintf("the first is at %s", first))
}

func (p *tomlParser) tooDeep(at Position) {
	p.problem(at, fmt.Sprintf("tables and lists stand in each other more than %d deep", maxNesting), "")
}

func keyNodes(e *unstable.Node) []*unstable.Node {
	var keys []*unstable.Node
	for it := e.Key(); it.Next(); {
		keys = append(keys, it.Node())
	}
	return keys
}
