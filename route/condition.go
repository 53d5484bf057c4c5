package route

import (
	"strings"

	"pingap/message"
)

// Condition is about a header field, an argument of the query or a cookie:
// there has to be one called Name, with exactly this Value if HasValue is set.
// Values are compared as they were sent, without decoding. Names of header
// fields know no case, the others do. Where several have the name, one with
// the value is enough.
type Condition struct {
	Name     string
	Value    string
	HasValue bool
}

func (c Condition) String() string {
	if c.HasValue {
		return c.Name + ":" + c.Value
	}
	return c.Name
}

// part is what of a request a condition is about.
type part uint8

const (
	headerPart part = iota
	queryPart
	cookiePart
	hostPart // the field Host, which has its own place in a request
)

func (p part) String() string {
	return [...]string{"header", "query", "cookie", "header"}[p]
}

type condition struct {
	of part
	Condition
}

func newCondition(of part, c Condition) condition {
	if of == headerPart && message.EqualFold(c.Name, "Host") {
		of = hostPart
	}
	return condition{of, c}
}

func (c *condition) holds(r *message.Request) bool {
	switch c.of {
	case hostPart:
		return r.Host != "" && (!c.HasValue || message.EqualFold(r.Host, c.Value))
	case queryPart:
		return c.inQuery(r.Query)
	}
	fields := r.Header.Fields()
	for i := range fields {
		f := &fields[i]
		if c.of == cookiePart {
			if message.EqualFold(f.Name, "Cookie") && c.inCookies(f.Value) {
				return true
			}
		} else if message.EqualFold(f.Name, c.Name) && (!c.HasValue || f.Value == c.Value) {
			return true
		}
	}
	return false
}

func (c *condition) inQuery(query string) bool {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if name, value, _ := strings.Cut(pair, "="); c.is(name, value) {
			return true
		}
	}
	return false
}

func (c *condition) inCookies(cookies string) bool {
	for cookies != "" {
		var name, value string
		if name, value, cookies = message.CutCookie(cookies); c.is(name, value) {
			return true
		}
	}
	return false
}

// is reports whether the condition holds for a name and its value. A name alone
// has the value "".
func (c *condition) is(name, value string) bool {
	return name == c.Name && (!c.HasValue || value == c.Value)
}
