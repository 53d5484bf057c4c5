package cache

import (
	"strconv"
	"strings"

	"pingap/message"
)

// Part is which bytes of an entry a client wants: [From, To).
type Part struct{ From, To int }

// RangeOf reads the Range of a request (RFC 9110 section 14.2). partial is false
// where the whole is the answer: there is none, If-Range says that the client has
// parts of something else, or it asks for several parts at once, which nobody has
// to give. A partial answer without bytes is one that cannot be given (416).
func (e *Entry) RangeOf(q *message.Request) (part Part, partial bool) {
	set, ok := q.Header.Lookup("Range")
	if !ok || e.Status != 200 || !e.sameAs(q.Header.Get("If-Range")) {
		return Part{}, false
	}
	unit, set, _ := strings.Cut(set, "=")
	set = message.TrimBlanks(set)
	first, last, dash := strings.Cut(set, "-")
	if !message.EqualFold(unit, "bytes") || !dash || strings.Contains(set, ",") {
		return Part{}, false
	}
	return e.part(message.TrimBlanks(first), message.TrimBlanks(last))
}

// part reads "first-last", "first-" or "-length" (RFC 9110 section 14.1.2).
func (e *Entry) part(first, last string) (Part, bool) {
	size := len(e.Body)
	to, lastOK := position(last)
	if first == "" {
		return Part{max(0, size-to), size}, lastOK
	}
	from, ok := position(first)
	switch {
	case !ok, last != "" && (!lastOK || to < from):
		return Part{}, false
	case from >= size:
		return Part{}, true
	case last == "":
		to = size - 1
	}
	return Part{from, min(to, size-1) + 1}, true
}

// position reads digits; what is beyond all entries counts as that.
func position(s string) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > 1<<40 {
		n = 1 << 40
	}
	return n, true
}

// sameAs reports whether e is what a client has parts of, by its If-Range: a
// strong tag, or the exact date (RFC 9110 section 13.1.5).
func (e *Entry) sameAs(condition string) bool {
	switch {
	case condition == "":
		return true
	case strings.HasPrefix(condition, `"`):
		return condition == e.Field("ETag")
	}
	date, ok := ParseDate(condition)
	modified, known := ParseDate(e.Field("Last-Modified"))
	return ok && known && date.Equal(modified)
}
