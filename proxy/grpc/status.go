package grpc

import "pingap/message"

// Code is the status of a call, numbered as on gRPC's page of status codes.
type Code int

// The codes that the proxy gives.
const (
	Unknown           Code = 2
	DeadlineExceeded  Code = 4
	PermissionDenied  Code = 7
	ResourceExhausted Code = 8
	Unimplemented     Code = 12
	Internal          Code = 13
	Unavailable       Code = 14
	Unauthenticated   Code = 16
)

// CodeOf is the code for what another client would be told by an HTTP status.
// It is what clients of gRPC make of such an answer themselves ("HTTP to gRPC
// Status Code Mapping"), so that it does not matter to them who translates it.
// Only content that is too large is what gRPC says of messages that are.
func CodeOf(status int) Code {
	switch status {
	case 400:
		return Internal
	case 401:
		return Unauthenticated
	case 403:
		return PermissionDenied
	case 404:
		return Unimplemented
	case 413:
		return ResourceExhausted
	case 429, 502, 503, 504:
		return Unavailable
	}
	return Unknown
}

// escape writes s as grpc-message carries it: every byte that is not printable
// ASCII, and the percent sign, in the percent-encoding.
func escape(s string) string {
	n := 0
	for n < len(s) && isPlain(s[n]) {
		n++
	}
	if n == len(s) {
		return s
	}
	const digits = "0123456789ABCDEF"
	b := append(make([]byte, 0, n+3*(len(s)-n)), s[:n]...)
	for _, c := range []byte(s[n:]) {
		if isPlain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return message.View(b)
}

func isPlain(c byte) bool { return c >= ' ' && c <= '~' && c != '%' }

// status is that of a call as the fields of a response have it.
type status struct {
	code, text, details string
}

// statusOf returns the status that h holds.
func statusOf(h *message.Header) status {
	return status{h.Get(statusField), h.Get(messageField), h.Get(detailsField)}
}

// dropStatus removes the status from h.
func dropStatus(h *message.Header) {
	h.Del(statusField)
	h.Del(messageField)
	h.Del(detailsField)
}

// put adds the status to trailers that have none. A call always has one in the
// end.
func (s status) put(h *message.Header) {
	switch {
	case h.Has(statusField):
	case s.code == "":
		addStatus(h, Unknown, "the answer ended without a status")
	default:
		h.Add(statusField, s.code)
		for _, f := range [...]message.Field{{Name: messageField, Value: s.text}, {Name: detailsField, Value: s.details}} {
			if f.Value != "" {
				h.Add(f.Name, f.Value)
			}
		}
	}
}
