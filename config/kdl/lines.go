package kdl

import (
	"strings"
)

// lines reads a text of several lines. What the last line has in front of the
// closing quotes is the indentation of all.
func (p *parser) lines(hashes string) (string, bool) {
	start := p.pos
	begin := start + len(hashes) + 3
	closing := `"""` + hashes
	end := begin
	for {
		i := strings.Index(p.text[end:], closing)
		if i < 0 {
			p.fail(start, "the text has no closing quotes", "")
			return "", false
		}
		end += i
		if hashes != "" || !escaped(p.text[begin:end]) {
			break
		}
		end++ // past the quote that a backslash takes away
	}
	body := strings.ReplaceAll(p.text[begin:end], "\r\n", "\n")
	first, body, ok := strings.Cut(body, "\n")
	if !ok || first != "" {
		p.fail(start, `the text begins on the line of its quotes`, `write it on lines of its own between """ and """`)
		return "", false
	}
	all := strings.Split(body, "\n")
	indent := all[len(all)-1]
	if strings.TrimLeft(indent, " \t") != "" {
		p.fail(end, "the closing quotes stand behind text", "write them on a line of their own")
		return "", false
	}
	all = all[:len(all)-1]
	for i, line := range all {
		rest, ok := strings.CutPrefix(line, indent)
		if !ok && strings.TrimLeft(line, " \t") != "" {
			p.fail(start, "a line of the text has less indentation than its closing quotes", "")
			return "", false
		}
		if strings.TrimLeft(line, " \t") == "" {
			rest = ""
		}
		all[i] = rest
	}
	text := strings.Join(all, "\n")
	if hashes == "" {
		if text, ok = p.unescape(begin, text); !ok {
			return "", false
		}
	}
	p.pos = end + len(closing)
	return text, true
}

// escaped reports whether the character behind a text is taken away by a
// backslash.
func escaped(text string) bool {
	return (len(text)-len(strings.TrimRight(text, `\`)))%2 == 1
}

// linesOf returns the line on which the value of a text that begins at start,
// and ends here, has its own first line, or 0 if its lines are none of the file.
func (p *parser) linesOf(start int, text string) int {
	written := strings.TrimLeft(p.text[start:p.pos], "#")
	if !strings.HasPrefix(written, `"""`) || strings.Count(text, "\n") != strings.Count(written, "\n")-2 {
		return 0
	}
	return p.at(start).Line + 1
}
