package hcl

import "bytes"

// isPlainText reports whether a text surely holds nothing but keys, short whole
// numbers, texts in quotes, lists and blocks, as most do. It spares them the
// tokens, which take as long to make as all the rest.
func isPlainText(text []byte) bool {
	depth := 0
	before := byte('\n') // the last character that is no blank
	for i := 0; i < len(text); {
		c := text[i]
		length := 1
		switch {
		case c == '"':
			length = plainQuoted(text[i:])
		case c == '#':
			length = max(bytes.IndexByte(text[i:], '\n'), 0)
		case isLetter(c):
			length = runOf(text[i:], func(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' })
		case isDigit(c):
			length = runOf(text[i:], isDigit)
			if next := i + length; length > 18 || next < len(text) && (isLetter(text[next]) || text[next] == '.') {
				return false
			}
		case c == '[' && before != '=' && before != '[' && before != ',':
			return false // an index
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == '=' && before == '=', bytes.IndexByte([]byte(" \t\r\n=,"), c) < 0:
			return false
		}
		if length == 0 || depth > maxBrackets {
			return false
		}
		if bytes.IndexByte([]byte(" \t\r\n"), c) < 0 && c != '#' {
			before = c
		}
		i += length
	}
	return true
}

// plainQuoted returns the length of a text in quotes without templates, with
// its quotes, or 0 if it is none.
func plainQuoted(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i++
		case c == '\n', c == '{' && (text[i-1] == '$' || text[i-1] == '%'):
			return 0
		}
	}
	return 0
}

// runOf returns how many bytes a text begins with that are of a kind.
func runOf(text []byte, is func(byte) bool) int {
	n := 0
	for n < len(text) && is(text[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }
