package cache

import (
	"strings"

	"pingap/message"
)

// NotModified reports whether the client has what e is already, by its If-None-Match
// or, without one, its If-Modified-Since (RFC 9110 section 13.2.2).
func (e *Entry) NotModified(q *message.Request) bool {
	if e.Status != 200 {
		return false
	}
	if q.Header.Has("If-None-Match") {
		return e.matchesAny(&q.Header)
	}
	since, ok := ParseDate(q.Header.Get("If-Modified-Since"))
	modified, known := ParseDate(e.Field("Last-Modified"))
	return ok && known && !modified.After(since)
}

// matchesAny compares weakly (RFC 9110 section 13.1.2).
func (e *Entry) matchesAny(h *message.Header) bool {
	tag := strings.TrimPrefix(e.Field("ETag"), "W/")
	for _, f := range h.Fields() {
		if !message.EqualFold(f.Name, "If-None-Match") {
			continue
		}
		if f.Value == "*" {
			return true
		}
		for rest := f.Value; rest != "" && tag != ""; {
			var element string
			if element, rest = cutTag(rest); strings.TrimPrefix(element, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// cutTag cuts a list of entity tags behind its first. A backslash in a tag means
// nothing (RFC 9110 section 8.8.3).
func cutTag(list string) (tag, rest string) {
	list = strings.TrimLeft(list, " \t,")
	open := strings.IndexByte(list, '"')
	comma := strings.IndexByte(list, ',')
	if open >= 0 && (comma < 0 || open < comma) {
		if end := strings.IndexByte(list[open+1:], '"'); end >= 0 {
			end += open + 2
			return list[:end], list[end:]
		}
	}
	tag, rest, _ = strings.Cut(list, ",")
	return message.TrimBlanks(tag), rest
}

// Validators puts in place of the client's conditions those by which the upstream
// can say that e is still right (RFC 9111 section 4.3.1). Without any it removes
// the client's, so that the whole answer comes.
func (e *Entry) Validators(h *message.Header) {
	h.DelFunc(isCondition)
	if tag := e.Field("ETag"); tag != "" {
		h.Add("If-None-Match", tag)
	}
	if date := e.Field("Last-Modified"); date != "" {
		h.Add("If-Modified-Since", date)
	}
}

func isCondition(f message.Field) bool {
	for _, name := range [...]string{"If-None-Match", "If-Modified-Since", "If-Range", "Range"} {
		if message.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// Confirm gives r, a 304 to Validators, what e has and r does not replace, so that
// r is the answer as it would be now (RFC 9111 section 3.2).
func (e *Entry) Confirm(r *message.Response) {
	r.Status = e.Status
	r.Header.DelFunc(func(f message.Field) bool { return ofContent(f.Name) })
	mine := r.Header.Len()
	for _, f := range e.Fields {
		if !hasIn(r.Header.Fields()[:mine], f.Name) {
			r.Header.Add(f.Name, f.Value)
		}
	}
}

// ofContent are the fields that a 304 does not change.
func ofContent(name string) bool {
	for _, n := range [...]string{"Content-Encoding", "Content-Type", "Content-Range", "Content-Length"} {
		if message.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func hasIn(fields []message.Field, name string) bool {
	for i := range fields {
		if message.EqualFold(fields[i].Name, name) {
			return true
		}
	}
	return false
}
