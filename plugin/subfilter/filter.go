package subfilter

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// filter is one of the replacements.
type filter struct {
	text       []byte         // literal; nil for an expression
	expression *regexp.Regexp // else
	with       []byte
	all        bool // every place, not the first alone
}

var (
	errLong   = errors.New("the content grows too long by replacing")
	errPlaces = errors.New("an expression matches in too many places")
)

// parseFilter reads a filter as it is configured.
func parseFilter(s string) (*filter, error) {
	kind, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	if kind != "sub_filter" && kind != "subs_filter" {
		return nil, fmt.Errorf("%q begins with neither sub_filter nor subs_filter", s)
	}
	pattern, rest, ok := cutQuoted(rest)
	if !ok || pattern == "" {
		return nil, fmt.Errorf("%q has no text between single quotes to look for", s)
	}
	with, rest, ok := cutQuoted(rest)
	if !ok {
		return nil, fmt.Errorf("%q has no replacement between single quotes", s)
	}
	f := &filter{text: []byte(pattern), with: []byte(with)}
	fold := false
	for _, flag := range strings.Join(strings.Fields(rest), "") {
		switch flag {
		case 'g':
			f.all = true
		case 'i':
			fold = true
		default:
			return nil, fmt.Errorf("%q has the flag %q; there are g and i", s, flag)
		}
	}
	return f, f.compile(kind == "subs_filter", pattern, fold)
}

// compile makes an expression of the pattern, where it is one or needs one.
func (f *filter) compile(isExpression bool, pattern string, fold bool) (err error) {
	if !isExpression {
		if !fold {
			return nil
		}
		pattern = regexp.QuoteMeta(pattern)
		f.with = bytes.ReplaceAll(f.with, []byte("$"), []byte("$$"))
	}
	if fold {
		pattern = "(?i)" + pattern
	}
	f.text = nil
	f.expression, err = regexp.Compile(pattern)
	return err
}

// cutQuoted takes a text between single quotes from the beginning of s.
func cutQuoted(s string) (text, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	if !strings.HasPrefix(s, "'") {
		return "", "", false
	}
	return strings.Cut(s[1:], "'")
}

// apply appends content to dst with what the filter replaces in it. It fails when dst
// would become longer than limit.
func (f *filter) apply(dst, content []byte, limit int) ([]byte, error) {
	if f.text != nil {
		return f.applyText(dst, content, limit)
	}
	return f.applyExpression(dst, content, limit)
}

func (f *filter) applyText(dst, content []byte, limit int) ([]byte, error) {
	for {
		i := bytes.Index(content, f.text)
		if i < 0 {
			break
		}
		dst = append(append(dst, content[:i]...), f.with...)
		content = content[i+len(f.text):]
		if len(dst) > limit {
			return nil, errLong
		}
		if !f.all {
			break
		}
	}
	return within(append(dst, content...), limit)
}

// maxPlaces bounds where an expression replaces, since all places are found before
// the first is replaced.
const maxPlaces = 100_000

func (f *filter) applyExpression(dst, content []byte, limit int) ([]byte, error) {
	most := 1
	if f.all {
		most = maxPlaces + 1
	}
	places := f.expression.FindAllSubmatchIndex(content, most)
	if len(places) > maxPlaces {
		return nil, errPlaces
	}
	from := 0
	for _, place := range places {
		dst = append(dst, content[from:place[0]]...)
		dst = f.expression.Expand(dst, f.with, content, place)
		if len(dst) > limit {
			return nil, errLong
		}
		from = place[1]
	}
	return within(append(dst, content[from:]...), limit)
}

func within(dst []byte, limit int) ([]byte, error) {
	if len(dst) > limit {
		return nil, errLong
	}
	return dst, nil
}
