package kdl

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"pingap/config"
)

const (
	// maxText bounds one text, in bytes: some 50,000 locations. Each byte can
	// cost a few hundred.
	maxText = 8 << 20
	// maxDepth bounds how deep blocks, and comments, stand in each other.
	maxDepth = 32
)

// node is one of a text.
type node struct {
	name       string
	list       bool // its type says so
	at         config.Position
	args       []*config.Node
	properties []config.Field
	block      bool // it has one, which may be empty
	children   []*node
}

// parser reads a text. After a problem it is at the end of the text.
type parser struct {
	file  string
	text  string
	pos   int
	depth int
	wrong *config.Problem

	counted, line, lineStart int // line is that of the offset counted, and begins at lineStart
}

// parse returns the nodes of a text, and what ended it early if that is not nil.
func parse(file string, text []byte) ([]*node, *config.Problem) {
	p := &parser{file: file, text: string(text), line: 1}
	switch {
	case len(text) > maxText:
		return nil, &config.Problem{Position: config.Position{File: file}, Message: fmt.Sprintf("is larger than %d MiB", maxText>>20)}
	case !utf8.ValidString(p.text):
		for p.pos < len(p.text) {
			r, size := utf8.DecodeRuneInString(p.text[p.pos:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			p.pos += size
		}
		p.fail(p.pos, "is not UTF-8 text", "")
		return nil, p.wrong
	}
	p.skip("\uFEFF")
	nodes := p.nodes()
	if !p.atEnd() {
		p.unexpected(p.pos, "the name of a node")
	}
	return nodes, p.wrong
}

// at converts an offset. Offsets are mostly asked for in the order of the text.
func (p *parser) at(offset int) config.Position {
	if offset < p.counted {
		p.counted, p.line, p.lineStart = 0, 1, 0
	}
	for {
		i := strings.IndexByte(p.text[p.counted:offset], '\n')
		if i < 0 {
			break
		}
		p.counted += i + 1
		p.line++
		p.lineStart = p.counted
	}
	return config.Position{File: p.file, Line: p.line, Column: offset - p.lineStart + 1}
}

// fail notes a problem, unless there is one, and ends the text.
func (p *parser) fail(offset int, message, hint string) {
	if p.wrong == nil {
		p.wrong = &config.Problem{Position: p.at(offset), Message: "not KDL: " + message, Hint: hint}
	}
	p.pos = len(p.text)
}

func (p *parser) rest() string { return p.text[p.pos:] }
func (p *parser) atEnd() bool  { return p.pos == len(p.text) }

// peek returns the next character, 0 at the end.
func (p *parser) peek() rune {
	if p.atEnd() {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(p.rest())
	return r
}

// skip passes over a token, and reports whether it was there.
func (p *parser) skip(token string) bool {
	ok := strings.HasPrefix(p.rest(), token)
	if ok {
		p.pos += len(token)
	}
	return ok
}

// nodes reads nodes until the end, or the brace that closes a block.
func (p *parser) nodes() (list []*node) {
	for {
		p.lineSpace()
		if p.atEnd() || p.peek() == '}' {
			return list
		}
		dropped := p.slashdash()
		n := p.node()
		if !dropped && p.wrong == nil {
			list = append(list, n)
		}
	}
}

// slashdash reports whether what comes next has been commented out.
func (p *parser) slashdash() bool {
	if !p.skip("/-") {
		return false
	}
	p.lineSpace()
	return true
}

// node reads one node and what ends it.
func (p *parser) node() *node {
	annotation := p.annotation()
	n := &node{at: p.at(p.pos), list: annotation == listType}
	start := p.pos
	name, ok := p.string()
	if !ok {
		p.unexpected(start, "the name of a node")
		return n
	}
	n.name = name
	for {
		before := p.pos
		p.nodeSpace()
		apart := p.pos > before
		switch c := p.peek(); {
		case p.atEnd() || c == '}':
			return n
		case p.skip(";"):
			return n
		case isNewline(c) || strings.HasPrefix(p.rest(), "//"):
			return n // the caller passes over it
		case c == '{':
			p.children(n, false)
			continue
		}
		dropped := p.slashdash()
		switch {
		case dropped && p.peek() == '{':
			p.children(n, true)
		case !apart:
			p.fail(p.pos, fmt.Sprintf("%q stands where a blank is expected", p.peek()), "")
		case n.block:
			p.fail(p.pos, "a value stands behind a block", "end the node with a new line")
		default:
			p.entry(n, dropped)
		}
	}
}

// children reads a block.
func (p *parser) children(n *node, dropped bool) {
	start := p.pos
	if n.block && !dropped {
		p.fail(start, "a node has two blocks", "")
		return
	}
	if p.depth++; p.depth > maxDepth {
		p.fail(start, fmt.Sprintf("blocks stand in each other more than %d deep", maxDepth), "")
		return
	}
	p.skip("{")
	list := p.nodes()
	p.depth--
	if !p.skip("}") {
		p.fail(start, "the block has no closing brace", "")
	}
	if !dropped {
		n.block, n.children = true, list
	}
}

// entry reads an argument or a property.
func (p *parser) entry(n *node, dropped bool) {
	start := p.pos
	at := p.at(start)
	annotated := p.annotation() != ""
	value := p.value()
	if value == nil {
		return
	}
	before := p.pos
	p.nodeSpace()
	if !p.skip("=") {
		p.pos = before
		if !dropped {
			n.args = append(n.args, value)
		}
		return
	}
	if value.Kind != config.KindString || annotated {
		p.fail(start, "the name of a property is no text", "")
		return
	}
	p.nodeSpace()
	p.annotation()
	name := value.Text
	if value = p.value(); value != nil && !dropped {
		n.properties = append(n.properties, config.Field{Key: name, Position: at, Node: value})
	}
}

// listType is the type of a node whose value is a list, even an empty one. All
// other types are passed over: they are those of the keys.
const listType = "list"

// annotation reads a type in parentheses. It returns "" if there is none; a type
// that is an empty text counts as a blank.
func (p *parser) annotation() string {
	start := p.pos
	if !p.skip("(") {
		return ""
	}
	p.nodeSpace()
	name, ok := p.string()
	if !ok {
		p.unexpected(p.pos, "the name of a type")
	}
	p.nodeSpace()
	if !p.skip(")") {
		p.fail(start, "the parenthesis is not closed", "text with one in it stands in quotes")
	}
	p.nodeSpace()
	if name == "" {
		return " "
	}
	return name
}

// unexpected fails at something else than what is expected.
func (p *parser) unexpected(offset int, expected string) {
	hint := ""
	if strings.HasPrefix(p.text[offset:], "[") {
		hint = "a list is written as several values, without brackets"
	}
	if offset == len(p.text) {
		p.fail(offset, expected+" is missing", "")
		return
	}
	r, _ := utf8.DecodeRuneInString(p.text[offset:])
	p.fail(offset, fmt.Sprintf("%q stands where %s is expected", r, expected), hint)
}
