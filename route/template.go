package route

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// template is a text with variables, taken apart.
type template []piece

// piece is a literal text, a group of the expression, or a capture.
type piece struct {
	literal string
	group   int    // of the expression; 0: none
	name    string // of a capture of the exchange
}

// parseTemplate takes a replacement apart. pattern is nil where there is no
// expression; captures are what may be named besides its groups.
func parseTemplate(text string, pattern *regexp.Regexp, captures []string) (template, error) {
	var t template
	for text != "" {
		dollar := strings.IndexByte(text, '$')
		if dollar < 0 {
			dollar = len(text)
		}
		if dollar > 0 {
			literal, err := encodeLiteral(text[:dollar])
			if err != nil {
				return nil, err
			}
			t = append(t, piece{literal: literal})
			text = text[dollar:]
			continue
		}
		if strings.HasPrefix(text, "$$") {
			t = append(t, piece{literal: "$"})
			text = text[2:]
			continue
		}
		name, rest, err := cutVariable(text)
		if err != nil {
			return nil, err
		}
		p, err := variable(name, pattern, captures)
		if err != nil {
			return nil, err
		}
		t, text = append(t, p), rest
	}
	return t, nil
}

// cutVariable returns the name of the variable that text begins with and what
// follows it. A number ends with its digits, so that $1x is a group and an x.
func cutVariable(text string) (name, rest string, err error) {
	if body, ok := strings.CutPrefix(text, "${"); ok {
		name, rest, ok = strings.Cut(body, "}")
		if !ok || name == "" || nameLength(name) != len(name) {
			return "", "", fmt.Errorf("%q is no variable; write ${name}", text)
		}
		return name, rest, nil
	}
	n := nameLength(text[1:])
	if n == 0 {
		return "", "", errors.New(`a "$" stands alone; write $$ for a dollar sign`)
	}
	return text[1 : 1+n], text[1+n:], nil
}

// nameLength is the length of the number or name that s begins with.
func nameLength(s string) int {
	isDigit := func(c byte) bool { return '0' <= c && c <= '9' }
	number := s != "" && isDigit(s[0])
	n := 0
	for n < len(s) && (isDigit(s[n]) || !number && (s[n] == '_' || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'z')) {
		n++
	}
	return n
}

func variable(name string, pattern *regexp.Regexp, captures []string) (piece, error) {
	if name[0] >= '0' && name[0] <= '9' {
		return numbered(name, pattern)
	}
	if pattern != nil {
		if i := pattern.SubexpIndex(name); i > 0 {
			return piece{group: i}, nil
		}
	}
	if !slices.Contains(captures, name) {
		return piece{}, fmt.Errorf("$%s is neither a group of the expression nor one that host or path captures", name)
	}
	return piece{name: name}, nil
}

func numbered(name string, pattern *regexp.Regexp) (piece, error) {
	if pattern == nil {
		return piece{}, fmt.Errorf(`$%s is a group of an expression, and there is none; write "<regexp> <replacement>"`, name)
	}
	number, err := strconv.Atoi(name)
	switch {
	case err != nil || number > pattern.NumSubexp():
		return piece{}, fmt.Errorf("there is no group $%s, the expression has %d; write ${1}0 for group 1 followed by a 0", name, pattern.NumSubexp())
	case number == 0:
		return piece{group: wholeMatch}, nil
	}
	return piece{group: number}, nil
}

// wholeMatch is the group of $0: in a piece, 0 stands for none.
const wholeMatch = -1

// encodeLiteral encodes what cannot stand in a request target.
func encodeLiteral(text string) (string, error) {
	if strings.Contains(text, "#") {
		return "", errors.New(`a "#" begins a fragment, which servers do not see; write %23`)
	}
	var b []byte
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f {
			b = fmt.Appendf(b, "%%%02X", c)
		} else {
			b = append(b, c)
		}
	}
	if !isTarget(string(b)) {
		return "", fmt.Errorf(`%q: a "%%" has to be followed by two hexadecimal digits; write %%25 for the sign itself`, text)
	}
	return string(b), nil
}

// value is what the piece stands for.
func (p *piece) value(m *match) string {
	switch {
	case p.group == wholeMatch:
		return group(m.path, m.groups, 0)
	case p.group > 0:
		return group(m.path, m.groups, p.group)
	case p.name != "":
		v, _ := m.x.Capture(p.name)
		return v
	}
	return p.literal
}

// size is the length of the text with its values.
func (t template) size(m *match) int {
	n := 0
	for i := range t {
		n += len(t[i].value(m))
	}
	return n
}

// append appends the text with its values.
func (t template) append(dst []byte, m *match) []byte {
	for i := range t {
		dst = append(dst, t[i].value(m)...)
	}
	return dst
}

// appendEscaped appends the text with its values for a query: what would begin
// another argument there, or mean a blank, is encoded in the values.
func (t template) appendEscaped(dst []byte, m *match) []byte {
	for i := range t {
		value := t[i].value(m)
		if t[i].literal != "" {
			dst = append(dst, value...)
			continue
		}
		for j := range len(value) {
			switch c := value[j]; c {
			case '&', ';', '+', '#', '?':
				dst = append(dst, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
			default:
				dst = append(dst, c)
			}
		}
	}
	return dst
}
