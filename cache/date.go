package cache

import (
	"time"

	"pingap/message"
)

// The forms of dates that a recipient has to understand (RFC 9110 section 5.6.7).
// The first alone is sent.
var dateFormats = [...]string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC}

// ParseDate reads a date of a field.
func ParseDate(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, false // without the errors that parsing would make
	}
	for _, format := range dateFormats {
		if t, err := time.Parse(format, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// FormatDate returns a date as it is sent.
func FormatDate(t time.Time) string { return t.UTC().Format(dateFormats[0]) }

// dateOf reads the date in a field of h; fallback where there is none.
func dateOf(h *message.Header, name string, fallback time.Time) time.Time {
	if t, ok := ParseDate(h.Get(name)); ok {
		return t
	}
	return fallback
}
