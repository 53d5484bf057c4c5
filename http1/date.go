package http1

import "time"

// dateLine is the Date field of responses (RFC 9110 section 6.6.1), made once
// a second.
type dateLine struct {
	line  []byte
	until int64 // loop time at which the next second begins
}

const dateFormat = "Date: Mon, 02 Jan 2006 15:04:05 GMT\r\n"

// at returns the field line at loop time now.
func (d *dateLine) at(now int64) []byte {
	if now >= d.until || d.line == nil {
		// The wall clock is asked anew each time, since it may be set.
		t := time.Now().UTC()
		d.line = t.AppendFormat(d.line[:0], dateFormat)
		d.until = now + int64(time.Second) - int64(t.Nanosecond())
	}
	return d.line
}
