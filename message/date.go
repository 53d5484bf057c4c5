package message

import "time"

// Date is the value of the Date field of responses (RFC 9110 section 6.6.1),
// made once a second. The zero value is ready to use; it belongs to one loop.
type Date struct {
	value []byte
	until int64 // loop time at which the next second begins
}

const dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// At returns the value at loop time now. It is valid until the next call.
func (d *Date) At(now int64) []byte {
	if now >= d.until || d.value == nil {
		// The wall clock is asked anew each time, since it may be set.
		t := time.Now().UTC()
		d.value = t.AppendFormat(d.value[:0], dateFormat)
		d.until = now + int64(time.Second) - int64(t.Nanosecond())
	}
	return d.value
}
