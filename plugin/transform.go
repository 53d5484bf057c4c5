package plugin

import (
	"strings"

	"pingap/message"
)

// MayTransform reports whether the content of x's response may be replaced by
// another representation of the same: whether there is any, all of it, and nobody
// has forbidden that (RFC 9110 section 7.7).
func MayTransform(x *message.Exchange) bool {
	r := &x.Response
	switch {
	case r.Tunnel != nil, r.Length == 0, r.Header.Has("Content-Range"):
		return false
	case r.Status < 200, r.Status == 204, r.Status == 205, r.Status == 206, r.Status == 304:
		return false
	}
	return !r.Header.HasToken("Cache-Control", "no-transform")
}

// Encoded reports whether content is in a coding, such as gzip.
func Encoded(h *message.Header) bool {
	name, ok := h.Lookup("Content-Encoding")
	return ok && !message.EqualFold(name, "identity")
}

// Transformed changes the fields of a response whose content is about to become
// another one, of a length that nobody knows: its tag is no longer that of the
// same bytes (RFC 9110 section 8.8.1), parts of it cannot be asked for, and its
// digests are wrong.
func Transformed(x *message.Exchange) {
	r := &x.Response
	r.Length = message.UnknownLength
	if tag, ok := r.Header.Lookup("ETag"); ok && !strings.HasPrefix(tag, "W/") {
		r.Header.Set("ETag", x.Concat("W/", tag))
	}
	r.Header.DelFunc(boundToBytes)
}

func boundToBytes(f message.Field) bool {
	for _, name := range [...]string{"Accept-Ranges", "Content-Digest", "Repr-Digest", "Digest", "Content-MD5"} {
		if message.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// Vary tells caches that the response depends on a field of the request.
func Vary(h *message.Header, field string) {
	if !h.HasToken("Vary", field) && !h.HasToken("Vary", "*") {
		h.Add("Vary", field)
	}
}

// ServeWith calls next with another value of a field of the request, which has it
// already; "" stands for none. To those around the plugin the request stays what
// the client has sent.
func ServeWith(x *message.Exchange, next message.Handler, field, value string) error {
	h := &x.Request.Header
	original := listed(x, field)
	if value == "" {
		h.Del(field)
	} else {
		h.Set(field, value)
	}
	err := next.Serve(x)
	h.Set(field, original)
	return err
}

// listed is the value of all fields of that name: the list that they are together
// (RFC 9110 section 5.3).
func listed(x *message.Exchange, name string) string {
	all, n := "", 0
	for _, f := range x.Request.Header.Fields() {
		if message.EqualFold(f.Name, name) {
			if n++; n == 1 {
				all = f.Value
			} else {
				all = x.Concat(all, ", ", f.Value)
			}
		}
	}
	return all
}
