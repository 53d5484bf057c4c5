package directory

import (
	"strconv"
	"strings"
	"time"

	"pingap/message"
)

// validators tell one state of a file from another.
type validators struct {
	tag      string
	modified time.Time
}

// tagOf makes the tag of size and time, whose resolution is that of the file
// system: fine enough to count as strong, so that parts can be put together.
func tagOf(f *finding) string {
	tag := append(make([]byte, 0, 40), '"')
	tag = strconv.AppendInt(tag, f.size, 16)
	tag = append(tag, '-')
	tag = strconv.AppendInt(tag, f.modified.UnixNano(), 16)
	return string(append(tag, '"'))
}

const dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

func (v *validators) add(x *message.Exchange) {
	x.Response.Header.Add("ETag", v.tag)
	x.Response.Header.Add("Last-Modified", v.modified.UTC().Format(dateFormat))
}

// conditions evaluates those of a request in the order of RFC 9110 section 13.2.2:
// 0 to go on, 304 or 412.
func (v *validators) conditions(r *message.Request) int {
	if r.Header.Has("If-Match") {
		if !v.matches(&r.Header, "If-Match", false) {
			return 412
		}
	} else if t, ok := dateOf(r, "If-Unmodified-Since"); ok && v.second().After(t) {
		return 412
	}
	if r.Header.Has("If-None-Match") {
		if v.matches(&r.Header, "If-None-Match", true) {
			return 304
		}
	} else if t, ok := dateOf(r, "If-Modified-Since"); ok && !v.second().After(t) {
		return 304
	}
	return 0
}

// second is the time as precise as dates are.
func (v *validators) second() time.Time { return v.modified.Truncate(time.Second) }

func dateOf(r *message.Request, name string) (time.Time, bool) {
	value, ok := r.Header.Lookup(name)
	if !ok {
		return time.Time{}, false
	}
	return parseDate(value)
}

// parseDate reads a date in the forms of RFC 9110 section 5.6.7.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range [...]string{dateFormat, time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// matches reports whether a list of tags holds that of the file, or is "*". A weak
// comparison takes no notice of W/ (RFC 9110 section 8.8.3.2).
func (v *validators) matches(h *message.Header, name string, weak bool) bool {
	for _, f := range h.Fields() {
		if message.EqualFold(f.Name, name) && listHasTag(f.Value, v.tag, weak) {
			return true
		}
	}
	return false
}

// listHasTag looks for a tag in a list. Tags may hold commas.
func listHasTag(list, tag string, weak bool) bool {
	for list = strings.TrimLeft(list, " \t,"); list != ""; list = strings.TrimLeft(list, " \t,") {
		if list[0] == '*' {
			return true
		}
		opaque, isWeak := strings.CutPrefix(list, "W/")
		if !strings.HasPrefix(opaque, `"`) {
			return false
		}
		end := strings.IndexByte(opaque[1:], '"')
		if end < 0 {
			return false
		}
		if opaque[:end+2] == tag && (weak || !isWeak) {
			return true
		}
		list = opaque[end+2:]
	}
	return false
}

// wanted returns the parts of a file that a request wants, none for all of it. It
// is not satisfiable where the file has none of them (RFC 9110 section 14.2).
func (v *validators) wanted(r *message.Request, size int64) (ranges []byteRange, satisfiable bool) {
	value, ok := r.Header.Lookup("Range")
	if !ok || r.Method != "GET" || !v.current(r) {
		return nil, true
	}
	ranges, valid := parseRanges(value, size)
	switch {
	case !valid:
		return nil, true
	case len(ranges) == 0:
		return nil, false
	case len(ranges) > 1 && excessive(ranges, size):
		return nil, true
	}
	return ranges, true
}

// current evaluates If-Range: whether the parts that the client has are of this
// state of the file. A date says so only where it is exactly that of the file, and
// long enough past that another change would have got another (RFC 9110 section
// 13.1.5).
func (v *validators) current(r *message.Request) bool {
	value, ok := r.Header.Lookup("If-Range")
	if !ok {
		return true
	}
	if strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "W/") {
		return value == v.tag
	}
	t, ok := parseDate(value)
	return ok && t.Equal(v.second()) && time.Since(v.modified) > 2*time.Second
}
