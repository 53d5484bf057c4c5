package route

import (
	"strings"

	"pingap/message"
)

// conditions are what must hold besides host and path.
type conditions struct {
	headers, query, cookies []Condition
}

// newConditions returns nil where there are none.
func newConditions(headers, query, cookies []Condition) *conditions {
	if len(headers)+len(query)+len(cookies) == 0 {
		return nil
	}
	return &conditions{headers, query, cookies}
}

func (c *conditions) hold(x *message.Exchange) bool {
	if c == nil {
		return true
	}
	for i := range c.headers {
		if !c.headers[i].inHeader(&x.Request.Header) {
			return false
		}
	}
	for i := range c.query {
		if !c.query[i].inPairs(x.Request.Query, "&") {
			return false
		}
	}
	for i := range c.cookies {
		if !c.cookies[i].inCookies(&x.Request.Header) {
			return false
		}
	}
	return true
}

func (c *Condition) inHeader(h *message.Header) bool {
	for _, f := range h.Fields() {
		if message.EqualFold(f.Name, c.Name) && (!c.HasValue || f.Value == c.Value) {
			return true
		}
	}
	return false
}

func (c *Condition) inCookies(h *message.Header) bool {
	for _, f := range h.Fields() {
		if message.EqualFold(f.Name, "Cookie") && c.inPairs(f.Value, ";") {
			return true
		}
	}
	return false
}

// inPairs looks for the name among name=value pairs, which are compared as they
// were sent.
func (c *Condition) inPairs(pairs, separator string) bool {
	for pair := range strings.SplitSeq(pairs, separator) {
		name, value, _ := strings.Cut(strings.TrimLeft(pair, " "), "=")
		if name == c.Name && (!c.HasValue || value == c.Value) {
			return true
		}
	}
	return false
}
