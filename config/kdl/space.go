package kdl

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// isNewline reports whether r ends a line.
func isNewline(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// isBlank reports whether r is white space within a line.
func isBlank(r rune) bool {
	switch {
	case r == '\t', r == ' ', r == 0xa0, r == 0x1680, 0x2000 <= r && r <= 0x200a, r == 0x202f, r == 0x205f, r == 0x3000:
		return true
	}
	return false
}

// skipWhile passes over characters.
func (p *parser) skipWhile(is func(rune) bool) {
	for !p.atEnd() {
		r, size := utf8.DecodeRuneInString(p.rest())
		if !is(r) {
			return
		}
		p.pos += size
	}
}

// blanks passes over white space and comments within a line.
func (p *parser) blanks() {
	for {
		p.skipWhile(isBlank)
		if !strings.HasPrefix(p.rest(), "/*") {
			return
		}
		p.comment()
	}
}

// comment passes over a comment that ends somewhere, and those within it.
func (p *parser) comment() {
	start, depth := p.pos, 0
	for {
		switch {
		case p.skip("/*"):
			depth++
		case p.skip("*/"):
			depth--
		case p.atEnd():
			p.fail(start, "the comment has no end", "")
			return
		default:
			p.pos++
		}
		if depth == 0 {
			return
		}
		if depth > maxDepth {
			p.fail(start, fmt.Sprintf("comments stand in each other more than %d deep", maxDepth), "")
			return
		}
	}
}

// lineComment passes over the rest of a line, if it is a comment.
func (p *parser) lineComment() {
	if strings.HasPrefix(p.rest(), "//") {
		p.skipWhile(func(r rune) bool { return !isNewline(r) })
	}
}

// nodeSpace passes over what may stand between the parts of a node: blanks, and
// ends of lines behind a backslash.
func (p *parser) nodeSpace() {
	for {
		p.blanks()
		start := p.pos
		if !p.skip(`\`) {
			return
		}
		p.blanks()
		p.lineComment()
		switch {
		case p.skip("\r\n"), p.atEnd():
		case isNewline(p.peek()):
			_, size := utf8.DecodeRuneInString(p.rest())
			p.pos += size
		default:
			p.fail(start, "there is more behind the backslash that continues a line", "text with a backslash stands in quotes")
			return
		}
	}
}

// lineSpace passes over empty lines and comments, and the semicolons between
// nodes.
func (p *parser) lineSpace() {
	for {
		before := p.pos
		p.nodeSpace()
		p.lineComment()
		p.skipWhile(func(r rune) bool { return isNewline(r) || r == ';' })
		if p.pos == before {
			return
		}
	}
}
