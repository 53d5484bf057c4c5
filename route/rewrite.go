package route

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"pingap/message"
)

// Rewrite changes the path of requests. It is immutable and safe for use by
// many goroutines at a time.
type Rewrite struct {
	pattern *regexp.Regexp // nil: the whole path
	path    template
	query   template
	// hasQuery is set when the replacement has a "?": its arguments come
	// before those of the request, or instead of them with dropQuery.
	hasQuery, dropQuery bool
}

// NewRewrite compiles a rewrite, which is one of
//
//	<regexp> <replacement>
//	<replacement with a variable>
//
// The first replaces the first match of the expression, so anchor what is to
// replace the whole path ("^/old/(.*)$ /new/$1"); where the expression does
// not match, nothing is changed. The second always replaces the whole path
// ("/interface/$name").
//
// In the replacement $1 or ${1} is a group of the expression, $name or ${name}
// a named group or else a capture of the location's host and path, and $$ a
// dollar sign. captures are the names that the location's host and path
// capture (see [Captures]); a name that is not among them is an error. What took
// no part in a match is replaced by nothing.
//
// A replacement may have a query. The request's own is appended to it, or
// dropped if the replacement ends in "?". Without a "?" the query stays as it
// is.
//
// Neither part can hold a blank: write \s or \x20 in the expression and %20 in
// the replacement.
func NewRewrite(value string, captures []string) (*Rewrite, error) {
	r, err := compileRewrite(value, captures)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", value, err)
	}
	return r, nil
}

func compileRewrite(value string, captures []string) (*Rewrite, error) {
	r := &Rewrite{}
	replacement := ""
	switch parts := strings.Fields(value); len(parts) {
	case 0:
		return nil, errors.New("it is empty")
	case 1:
		replacement = parts[0]
		if !strings.Contains(replacement, "$") {
			return nil, errors.New(`it has one part and no variable; write "<regexp> <replacement>"`)
		}
	case 2:
		var err error
		if r.pattern, err = regexp.Compile(parts[0]); err != nil {
			return nil, fmt.Errorf("%q is no regular expression: %w", parts[0], err)
		}
		replacement = parts[1]
	default:
		return nil, fmt.Errorf(`it has %d parts; write "<regexp> <replacement>" without flags, with \s or \x20 for a blank in the expression and %%20 for one in the replacement`, len(parts))
	}
	return r, r.compileReplacement(replacement, captures)
}

func (r *Rewrite) compileReplacement(replacement string, captures []string) (err error) {
	if strings.Contains(replacement, "://") && !strings.HasPrefix(replacement, "/") && !strings.HasPrefix(replacement, "$") {
		return fmt.Errorf("%q is a URL; a rewrite changes the path alone, to send the client elsewhere use a redirect plugin", replacement)
	}
	path, query, hasQuery := strings.Cut(replacement, "?")
	if hasQuery {
		r.hasQuery = query != ""
		r.dropQuery = query == ""
		if kept, ok := strings.CutSuffix(query, "?"); ok {
			query, r.dropQuery = kept, true
		}
	}
	if r.path, err = parseTemplate(path, r.pattern, captures); err != nil {
		return err
	}
	r.query, err = parseTemplate(query, r.pattern, captures)
	return err
}

// Captures lists the named groups of the expression: [Rewrite.Apply] sets them
// as captures of the exchange.
func (r *Rewrite) Captures() []string {
	if r.pattern == nil {
		return nil
	}
	return namesOf(r.pattern)
}

// Errors of Apply.
var (
	errNotPath     = errors.New("the result holds bytes that no path can hold")
	errDotSegments = errors.New(`the result has "." or ".." as a segment`)
)

// Apply rewrites the path and query of the request. The expression is matched
// with the normal form of the path (see [Path]), and what it leaves of the path
// stays in that form. What is no path, the "*" of OPTIONS, stays. A slash is put in front of a result that lacks it. When
// the result is no path, or has dot segments, which a client could only have
// brought in by the parts that a capture took, nothing is changed and the error
// says why.
//
// It takes the memory for the result from the exchange; finding the groups of
// an expression allocates once.
func (r *Rewrite) Apply(x *message.Exchange) error {
	m := match{x: x, path: Path(x)}
	if !strings.HasPrefix(m.path, "/") {
		return nil
	}
	end := len(m.path)
	if r.pattern != nil {
		if m.groups = r.pattern.FindStringSubmatchIndex(m.path); m.groups == nil {
			return nil
		}
		m.start, end = m.groups[0], m.groups[1]
	}
	rest := m.path[end:]

	b := x.Buffer(1 + m.start + r.path.size(&m) + len(rest))
	b = append(b, m.path[:m.start]...)
	b = r.path.append(b, &m)
	b = append(b, rest...)
	if len(b) == 0 || b[0] != '/' {
		b = append(b, 0)
		copy(b[1:], b)
		b[0] = '/'
	}
	path := message.View(b)
	if err := checkResult(path, x); err != nil {
		return err
	}
	query := message.View(r.query.appendEscaped(x.Buffer(3*r.query.size(&m)), &m))
	if !isTarget(query) {
		return errNotPath
	}

	x.Request.Path = path
	r.setQuery(x, query)
	if r.pattern != nil {
		setGroups(x, r.pattern, m.path, m.groups)
	}
	return nil
}

func (r *Rewrite) setQuery(x *message.Exchange, query string) {
	req := &x.Request
	if r.dropQuery {
		req.Query, req.HasQuery = "", false
	}
	switch {
	case !r.hasQuery:
		return
	case query == "" || req.Query == "":
		req.Query += query
	default:
		req.Query = x.Concat(query, "&", req.Query)
	}
	req.HasQuery = req.HasQuery || req.Query != ""
}

// checkResult refuses what could not be sent as a path.
func checkResult(path string, x *message.Exchange) error {
	if isPlain(path) {
		return nil
	}
	if !isTarget(path) || strings.ContainsAny(path, "?") {
		return errNotPath
	}
	resolved := reading(0).append(x.Buffer(len(path)), path)
	kept := keepDots.append(x.Buffer(len(path)), path)
	if string(resolved) != string(kept) {
		return errDotSegments
	}
	return nil
}

// isTarget reports whether s can stand in a request target: visible ASCII
// without "#", and well-formed percent-encodings.
func isTarget(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f || c == '#':
			return false
		case c == '%':
			if _, ok := unescape(s[i:]); !ok {
				return false
			}
		}
	}
	return true
}

// match is what a replacement takes its values from.
type match struct {
	x      *message.Exchange
	path   string
	start  int   // of the match in path
	groups []int // nil without an expression
}
