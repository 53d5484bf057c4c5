package kdl

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"pingap/config"
)

// value reads a value, or returns nil after a problem.
func (p *parser) value() *config.Node {
	start := p.pos
	n := &config.Node{Position: p.at(start)}
	if text, ok := p.string(); ok {
		n.Kind, n.Text = config.KindString, text
		n.Lines = p.linesOf(start, text)
		return n
	}
	if p.wrong != nil {
		return nil
	}
	word := p.word()
	switch {
	case word == "#true" || word == "#false":
		n.Kind, n.Bool = config.KindBool, word == "#true"
	case word == "true" || word == "false":
		p.fail(start, fmt.Sprintf("%s is no value", word), fmt.Sprintf("write #%s", word))
		return nil
	case word == "#null" || word == "null":
		p.fail(start, "null is no value", "leave the key out")
		return nil
	case word == "":
		p.unexpected(start, "a value")
		return nil
	default:
		p.number(n, start, word)
	}
	return n
}

// word passes over a number or a keyword.
func (p *parser) word() string {
	start := p.pos
	p.skipWhile(func(r rune) bool { return r == '#' || isIdentifier(r) })
	return p.text[start:p.pos]
}

// number reads a number, in any of its forms.
func (p *parser) number(n *config.Node, start int, word string) {
	digits := strings.ReplaceAll(word, "_", "")
	unsigned := strings.TrimLeft(digits, "+-")
	prefixed := len(unsigned) > 1 && unsigned[0] == '0' && strings.IndexByte("xob", unsigned[1]) >= 0
	n.Kind, n.Text = config.KindInteger, digits
	var err error
	if prefixed {
		n.Integer, err = strconv.ParseInt(digits, 0, 64)
	} else {
		n.Integer, err = strconv.ParseInt(digits, 10, 64)
	}
	switch {
	case err == nil && word[0] != '_':
		n.Text = strconv.FormatInt(n.Integer, 10)
		return
	case strings.HasSuffix(fmt.Sprint(err), strconv.ErrRange.Error()):
		p.fail(start, word+" is too large for an integer", "")
		return
	}
	if _, err := strconv.ParseFloat(digits, 64); err != nil || prefixed || !('0' <= unsigned[0] && unsigned[0] <= '9') {
		p.fail(start, fmt.Sprintf("%s is no value", word), fmt.Sprintf("text that is no plain word stands in quotes: %q", word))
		return
	}
	n.Kind = config.KindFloat
}

// isIdentifier reports whether r may stand in a text without quotes.
func isIdentifier(r rune) bool {
	switch {
	case r <= 0x20, r == 0x7f, isBlank(r), isNewline(r), strings.ContainsRune(`\/(){};[]"#=`, r), r == 0xfeff, 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069:
		return false
	}
	return true
}

// string reads a text in any of its forms. ok is false when there is none, or
// after a problem.
func (p *parser) string() (text string, ok bool) {
	switch {
	case strings.HasPrefix(p.rest(), `"""`):
		return p.lines("")
	case strings.HasPrefix(p.rest(), `"`):
		return p.quoted()
	case strings.HasPrefix(p.rest(), "#"):
		hashes := p.rest()[:len(p.rest())-len(strings.TrimLeft(p.rest(), "#"))]
		switch after := p.rest()[len(hashes):]; {
		case strings.HasPrefix(after, `"""`):
			return p.lines(hashes)
		case strings.HasPrefix(after, `"`):
			return p.raw(hashes)
		}
		return "", false
	}
	start := p.pos
	word := p.word()
	if !isBareText(word) {
		p.pos = start
		return "", false
	}
	return word, true
}

// isBareText reports whether a word is a text without quotes, and not a number
// or a keyword.
func isBareText(word string) bool {
	switch word {
	case "", "true", "false", "null", "inf", "-inf", "nan":
		return false
	}
	rest := strings.TrimPrefix(strings.TrimLeft(word[:1], "+-")+word[1:], ".")
	isDigit := rest != "" && '0' <= rest[0] && rest[0] <= '9'
	return !isDigit && !strings.Contains(word, "#")
}

// quoted reads a text in quotes.
func (p *parser) quoted() (string, bool) {
	start := p.pos
	p.skip(`"`)
	for i := p.pos; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\\':
			i++
			// White space behind a backslash, with its ends of lines, does not
			// count.
			for i+1 < len(p.text) && isSpace(p.text[i]) && isSpace(p.text[i+1]) {
				i++
			}
		case c == '"':
			raw := p.text[p.pos:i]
			text, ok := p.unescape(p.pos, raw)
			if ok {
				p.pos = i + 1
			}
			return text, ok
		case c == '\n' || c == '\r':
			p.fail(start, "the text has no closing quote on its line", `several lines stand between """ and """`)
			return "", false
		}
	}
	p.fail(start, "the text has no closing quote", "")
	return "", false
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// raw reads a text between hashes and quotes, without escapes.
func (p *parser) raw(hashes string) (string, bool) {
	start := p.pos
	begin := start + len(hashes) + 1
	length := strings.Index(p.text[begin:], `"`+hashes)
	if length < 0 || strings.ContainsAny(p.text[begin:begin+length], "\r\n") {
		p.fail(start, fmt.Sprintf(`the text has no closing "%s on its line`, hashes), "")
		return "", false
	}
	p.pos = begin + length + 1 + len(hashes)
	return p.text[begin : begin+length], true
}

// escapes are those of one letter.
var escapes = map[byte]string{'n': "\n", 'r': "\r", 't': "\t", '\\': `\`, '"': `"`, 'b': "\b", 'f': "\f", 's': " "}

// unescape replaces the escapes of a text that begins at offset.
func (p *parser) unescape(offset int, raw string) (string, bool) {
	var b strings.Builder
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 {
			b.WriteString(raw)
			return b.String(), true
		}
		b.WriteString(raw[:i])
		raw = raw[i+1:]
		offset += i + 1
		before := len(raw)
		switch {
		case raw == "":
			p.fail(offset, "the text ends with a backslash", `write \\ for one`)
			return "", false
		case escapes[raw[0]] != "":
			b.WriteString(escapes[raw[0]])
			raw = raw[1:]
		case isSpace(raw[0]):
			raw = strings.TrimLeft(raw, " \t\r\n")
		case strings.HasPrefix(raw, "u{"):
			digits, rest, ok := strings.Cut(raw[2:], "}")
			v, err := strconv.ParseUint(digits, 16, 32)
			if !ok || err != nil || len(digits) > 6 || !utf8.ValidRune(rune(v)) {
				p.fail(offset-1, "the escape is no character", `write it as \u{1F600}`)
				return "", false
			}
			b.WriteRune(rune(v))
			raw = rest
		default:
			p.fail(offset-1, "the text holds a backslash that means nothing", `write \\ for a backslash, or put the text between #" and "#`)
			return "", false
		}
		offset += before - len(raw)
	}
}
