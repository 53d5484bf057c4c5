package route

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"pingap/message"
)

// pathPattern is a location's path. The zero value is for every path.
type pathPattern struct {
	kind pathKind
	// text is, in normal form, what the path begins with, or is.
	text   string
	regexp *regexp.Regexp
	source string // as configured
}

type pathKind uint8

const (
	pathPrefix pathKind = iota
	pathExact
	pathRegexp
)

// matches reports whether the pattern is for a path in normal form.
func (p *pathPattern) matches(path string) bool {
	switch p.kind {
	case pathPrefix:
		return strings.HasPrefix(path, p.text)
	case pathExact:
		return path == p.text
	}
	return p.regexp.MatchString(path)
}

func parsePath(text string) (pathPattern, error) {
	text = strings.TrimSpace(text)
	p := pathPattern{source: text, text: text}
	if expr, ok := strings.CutPrefix(p.text, "~"); ok {
		p.kind = pathRegexp
		expr = strings.TrimSpace(expr)
		if err := checkRegexp(expr); err != nil {
			return p, err
		}
		p.regexp = regexp.MustCompile(expr)
		p.text = literalPrefix(expr)
		return p, nil
	}
	if path, ok := strings.CutPrefix(p.text, "="); ok {
		p.kind, p.text = pathExact, strings.TrimSpace(path)
	} else if p.text == "" || p.text == "/" {
		// Every path, also those without a slash in front: the "*" of OPTIONS
		// and the nothing of CONNECT.
		p.text = ""
		return p, nil
	}
	if err := checkPathText(p.text, p.kind); err != nil {
		return p, err
	}
	if !isPlain(p.text) {
		p.text = string(decode(nil, p.text, 0))
	}
	return p, nil
}

// checkPathText refuses texts that no path could equal or begin with.
func checkPathText(path string, kind pathKind) error {
	switch {
	case !strings.HasPrefix(path, "/"):
		return fmt.Errorf(`%q: a path begins with "/"; before it may stand "=" for the whole path, and "~" before a regular expression`, path)
	case strings.ContainsAny(path, "?#"):
		return fmt.Errorf("%q: paths are matched without the query; see match_query", path)
	}
	// Of a beginning the last segment may go on, so it is no dot segment yet.
	whole := path
	if kind == pathPrefix {
		whole += "-"
	}
	if isPlain(whole) {
		return nil
	}
	if resolved := NormalizePath(whole); resolved != string(decode(nil, whole, 0)) {
		return fmt.Errorf(`%q never matches: requests are matched with "." and ".." resolved and slashes merged; write %q`,
			path, strings.TrimSuffix(resolved, "-"))
	}
	return nil
}

func checkRegexp(expr string) error {
	if expr == "" {
		return errors.New(`a regular expression has to follow the "~"`)
	}
	if _, err := regexp.Compile(expr); err != nil {
		return fmt.Errorf("%q is no regular expression: %w", expr, err)
	}
	return nil
}

// literalPrefix returns a text that everything begins with that the expression
// matches; "" when there is none, or none that is easily seen.
func literalPrefix(expr string) string {
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil || parsed.Op != syntax.OpConcat || len(parsed.Sub) < 2 {
		return ""
	}
	begin, literal := parsed.Sub[0], parsed.Sub[1]
	if begin.Op != syntax.OpBeginText || literal.Op != syntax.OpLiteral || literal.Flags&syntax.FoldCase != 0 {
		return ""
	}
	return string(literal.Rune)
}

func hasNames(re *regexp.Regexp) bool {
	if re == nil {
		return false
	}
	for _, name := range re.SubexpNames() {
		if name != "" {
			return true
		}
	}
	return false
}

// setCaptures sets the named groups of an expression that matches s; nil has
// none.
func setCaptures(x *message.Exchange, re *regexp.Regexp, s string) {
	if !hasNames(re) {
		return
	}
	if match := re.FindStringSubmatchIndex(s); match != nil {
		setGroups(x, re, s, match)
	}
}

// setGroups sets the named groups of a match of re in s. A group that took no
// part in the match is captured as "".
func setGroups(x *message.Exchange, re *regexp.Regexp, s string, match []int) {
	for i, name := range re.SubexpNames() {
		if name != "" {
			x.SetCapture(name, group(s, match, i))
		}
	}
}

// group returns what a group of a match in s matched.
func group(s string, match []int, i int) string {
	if match[2*i] < 0 {
		return ""
	}
	return s[match[2*i]:match[2*i+1]]
}

// Captures lists the named groups of the expressions among hosts and path,
// as they stand in a [Spec]: the captures that [Table.Match] may set.
// Expressions that do not compile have none.
func Captures(hosts []string, path string) []string {
	var names []string
	for _, text := range append([]string{path}, hosts...) {
		expr, ok := strings.CutPrefix(strings.TrimSpace(text), "~")
		if !ok {
			continue
		}
		if re, err := regexp.Compile(strings.TrimSpace(expr)); err == nil {
			names = append(names, namesOf(re)...)
		}
	}
	return names
}

func namesOf(re *regexp.Regexp) []string {
	var names []string
	for _, name := range re.SubexpNames() {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}
