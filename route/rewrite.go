package route

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"pingap/message"
)

// Rewrite changes the path of requests: "regexp replacement" replaces what the
// expression matches; a replacement alone stands for the whole path. In it, $1
// and ${name} are groups of the expression, and $name also what the location's
// host or path captured. A replacement with a ? sets parameters, ahead of those
// of the request; one that ends in ? drops those (as in nginx).
type Rewrite struct {
	pattern *regexp.Regexp // nil: the whole path is replaced
	groups  []string       // names of the pattern's groups
	path    []segment
	query   []segment // nil: the query stays as it is
	drop    bool      // the request's own query is dropped
}

// segment is a part of a replacement.
type segment struct {
	literal string
	group   int    // of the pattern, or -1
	capture string // of the location, if group is -1
}

// NewRewrite compiles a rewrite; captures are the names that the location's
// expressions capture.
func NewRewrite(value string, captures []string) (*Rewrite, error) {
	words := strings.Fields(value)
	w := &Rewrite{}
	replacement := ""
	switch {
	case len(words) == 1 && strings.Contains(value, "$") && strings.HasPrefix(words[0], "/"):
		replacement = words[0]
	case len(words) == 2:
		re, err := regexp.Compile(words[0])
		if err != nil {
			return nil, fmt.Errorf("not a regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		w.pattern, w.groups, replacement = re, re.SubexpNames(), words[1]
	case len(words) > 2:
		return nil, fmt.Errorf("%q has %d parts; a rewrite is a regular expression and a replacement, neither of which can hold a blank (write \\s or %%20)", value, len(words))
	default:
		return nil, fmt.Errorf("%q is no rewrite; write a regular expression, a blank and the replacement, such as \"^/api/ /\"", value)
	}
	path, query, hasQuery := strings.Cut(replacement, "?")
	var err error
	if w.path, err = w.compile(path, captures); err != nil {
		return nil, err
	}
	if !hasQuery {
		return w, nil
	}
	query, w.drop = strings.CutSuffix(query, "?")
	w.drop = w.drop || query == ""
	if w.query, err = w.compile(query, captures); err != nil {
		return nil, err
	}
	if w.query == nil {
		w.query = []segment{}
	}
	return w, nil
}

var variable = regexp.MustCompile(`\$(\$|\w+|\{\w+\})`)

// compile cuts a replacement into segments. $$ is a dollar sign.
func (w *Rewrite) compile(text string, captures []string) ([]segment, error) {
	var segments []segment
	literal := func(s string) {
		if s != "" {
			segments = append(segments, segment{literal: s, group: -1})
		}
	}
	at := 0
	for _, m := range variable.FindAllStringIndex(text, -1) {
		literal(text[at:m[0]])
		at = m[1]
		name := strings.Trim(text[m[0]+1:m[1]], "{}")
		if name == "$" {
			literal("$")
			continue
		}
		s, err := w.segment(name, captures)
		if err != nil {
			return nil, err
		}
		segments = append(segments, s)
	}
	literal(text[at:])
	return segments, nil
}

func (w *Rewrite) segment(name string, captures []string) (segment, error) {
	var number int
	if n, _ := fmt.Sscanf(name, "%d", &number); n == 1 && fmt.Sprint(number) == name {
		if number < max(len(w.groups), 1) {
			return segment{group: number}, nil
		}
		return segment{}, fmt.Errorf("the replacement uses $%d, but the regular expression has %d groups", number, max(len(w.groups)-1, 0))
	}
	if i := slices.Index(w.groups, name); i > 0 {
		return segment{group: i}, nil
	}
	if slices.Contains(captures, name) {
		return segment{group: -1, capture: name}, nil
	}
	return segment{}, fmt.Errorf("the replacement uses $%s, which is neither a group of the regular expression nor one that host or path captures", name)
}

// Captures returns the names of the groups that the rewrite captures.
func (w *Rewrite) Captures() []string {
	return slices.DeleteFunc(slices.Clone(w.groups), func(name string) bool { return name == "" })
}

// Apply rewrites the path (and query) of the request; named groups become
// captures. A path that the expression does not match stays as it was sent. The
// expression is given the path in its normal form (NormalPath), so that it sees
// what the location's own path was compared with. An error says that the result
// is no path; the request is then unchanged.
func (w *Rewrite) Apply(x *message.Exchange) error {
	path := NormalPath(x, x.Request.Path)
	var groups []int
	from, to := 0, len(path)
	if w.pattern != nil {
		if groups = w.pattern.FindStringSubmatchIndex(path); groups == nil {
			return nil
		}
		from, to = groups[0], groups[1]
	}
	b := append(x.Buffer(len(path)+rewriteRoom), path[:from]...)
	b = w.expand(b, w.path, x, path, groups)
	b = append(b, path[to:]...)
	if err := checkPath(b); err != nil {
		return err
	}
	query, hasQuery, err := w.newQuery(x, path, groups)
	if err != nil {
		return err
	}
	x.Request.Path, x.Request.Query, x.Request.HasQuery = message.View(b), query, hasQuery
	for i, name := range w.groups {
		if name != "" && groups[2*i] >= 0 {
			x.SetCapture(name, path[groups[2*i]:groups[2*i+1]])
		}
	}
	return nil
}

// rewriteRoom is how much longer a path mostly gets at most.
const rewriteRoom = 64

func (w *Rewrite) expand(b []byte, segments []segment, x *message.Exchange, path string, groups []int) []byte {
	for _, s := range segments {
		switch {
		case s.literal != "":
			b = append(b, s.literal...)
		case s.capture != "":
			v, _ := x.Capture(s.capture)
			b = append(b, v...)
		case s.group == 0 && groups == nil:
			b = append(b, path...)
		case groups[2*s.group] >= 0:
			b = append(b, path[groups[2*s.group]:groups[2*s.group+1]]...)
		}
	}
	return b
}

func (w *Rewrite) newQuery(x *message.Exchange, path string, groups []int) (query string, has bool, err error) {
	r := &x.Request
	if w.query == nil {
		return r.Query, r.HasQuery, nil
	}
	b := w.expand(x.Buffer(len(r.Query)+rewriteRoom), w.query, x, path, groups)
	if !w.drop && r.Query != "" {
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(b, r.Query...)
	}
	return message.View(b), len(b) > 0, checkBytes(b)
}

// maxPath bounds the result of a rewrite.
const maxPath = 64 << 10

func checkPath(b []byte) error {
	switch {
	case len(b) == 0 || b[0] != '/':
		return fmt.Errorf("the result %q does not begin with a slash", b)
	case len(b) > maxPath:
		return fmt.Errorf("the result is %d bytes long", len(b))
	}
	return checkBytes(b)
}

// checkBytes refuses what cannot stand in a request line.
func checkBytes(b []byte) error {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return fmt.Errorf("the result %q holds a character that must be percent-encoded", b)
		}
	}
	return nil
}
