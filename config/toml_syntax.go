package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/pelletier/go-toml/v2/unstable"
)

// mistakes are what is usually behind an error of the parser, by a part of its
// text.
var mistakes = []struct{ parser, message, hint string }{
	{"strings cannot have new lines", "the text has no closing quote on its line", ""},
	{"string not terminated", "the text has no closing quotes", ""},
	{"invalid escape character", "the text holds a backslash that means nothing", `write \\ for a backslash, or put the text into single quotes`},
	{"expected newline", "the line has more on it than a key and its value", "each key stands on a line of its own"},
	{"expected '=' after key", "the line is no key = value", "write key = value, or a header in brackets such as [servers.main]"},
	{"to close table name", "the header has no closing bracket, or a blank in its name", `write it as [servers.main], and names with a blank or a dot in quotes: [servers."my name"]`},
	{"expected ',' or ']'", "the list has no comma between two values, or no closing bracket", `write it as ["one", "two"]`},
}

// syntaxProblem explains an error of the parser.
func (p *tomlParser) syntaxProblem(err error) Problem {
	problem := Problem{Position: Position{File: p.file}, Section: p.fragment, Message: err.Error()}
	detail, ok := errors.AsType[*unstable.ParserError](err)
	if !ok {
		return problem
	}
	// The highlight is a part of the text, so it ends where the text ends.
	offset := min(max(cap(p.text)-cap(detail.Highlight), 0), len(p.text))
	problem.Position = p.position(offset)
	problem.Message = "not TOML: " + strings.TrimPrefix(detail.Message, "toml: ")
	if strings.Contains(detail.Message, "not terminated") {
		opening := max(bytes.LastIndex(p.text, []byte(`"""`)), bytes.LastIndex(p.text, []byte(`'''`)))
		problem.Position = p.position(max(opening, 0))
	}
	if p.fixed != nil && p.fixed.hidden {
		problem.Message = "the decrypted text is not TOML" // the rest would show it
		return problem
	}
	message, hint := p.bareValue(offset)
	if message == "" && !strings.Contains(detail.Message, "table name") {
		message, hint = p.bareElement(offset)
	}
	if message != "" {
		problem.Message, problem.Hint = message, hint
		return problem
	}
	for _, m := range mistakes {
		if strings.Contains(detail.Message, m.parser) {
			problem.Message, problem.Hint = m.message, m.hint
		}
	}
	return problem
}

// bareValue recognises text without quotes, the commonest mistake: an error
// within a value that is not quoted. It returns "" for other mistakes.
func (p *tomlParser) bareValue(offset int) (message, hint string) {
	start := bytes.LastIndexByte(p.text[:offset], '\n') + 1
	line, _, _ := bytes.Cut(p.text[start:], []byte("\n"))
	key, value, ok := strings.Cut(string(line), "=")
	if !ok || offset < start+len(key) {
		return "", ""
	}
	value, _, _ = strings.Cut(value, "#")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if value == "" {
		return fmt.Sprintf("the key %q has no value", key), ""
	}
	switch strings.ToLower(value) {
	case "true", "yes", "on":
		return fmt.Sprintf("%s is no value", value), fmt.Sprintf("write %s = true", key)
	case "false", "no", "off":
		return fmt.Sprintf("%s is no value", value), fmt.Sprintf("write %s = false", key)
	}
	if strings.ContainsAny(value[:1], `"'[{`) {
		return "", ""
	}
	if strings.ContainsAny(value, "“”„‘’") {
		return "the text stands in typographic quotes", fmt.Sprintf(`write %s = "%s"`, key, strings.Trim(value, "“”„‘’"))
	}
	if strings.ContainsAny(value, `"'`) {
		return "", ""
	}
	return "the text is not in quotes", fmt.Sprintf(`write %s = "%s"`, key, value)
}

// bareElement recognises text without quotes in a list.
func (p *tomlParser) bareElement(offset int) (message, hint string) {
	const ends = " \t\r\n,[]{}=#\"'"
	start := bytes.LastIndexAny(p.text[:offset], ends) + 1
	end := len(p.text)
	if i := bytes.IndexAny(p.text[offset:], ends); i >= 0 {
		end = offset + i
	}
	word := string(p.text[start:end])
	if before := bytes.TrimRight(p.text[:start], " \t\r\n"); !bytes.HasSuffix(before, []byte("[")) && !bytes.HasSuffix(before, []byte(",")) {
		return "", ""
	}
	if !strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || r == '.' || r == ':' }) {
		return "", ""
	}
	return "the text in the list is not in quotes", fmt.Sprintf("write %q", word)
}
