package proxy

import (
	"strconv"
	"strings"

	"pingap/message"
)

// grpcCode is a status of gRPC, as its status codes page numbers them.
type grpcCode int

const (
	grpcUnknown           grpcCode = 2
	grpcDeadlineExceeded  grpcCode = 4
	grpcPermissionDenied  grpcCode = 7
	grpcResourceExhausted grpcCode = 8
	grpcUnimplemented     grpcCode = 12
	grpcInternal          grpcCode = 13
	grpcUnavailable       grpcCode = 14
	grpcUnauthenticated   grpcCode = 16
)

// grpcCodeOf is the code for an answer that the proxy would give to another
// client with o.Status. It is what gRPC clients make of such an answer ("HTTP to
// gRPC Status Code Mapping"), so that it does not matter to them who translates;
// only where gRPC has a code of its own for what has happened, that one counts.
func grpcCodeOf(o Outcome) grpcCode {
	if o.Word == wordDeadline {
		return grpcDeadlineExceeded
	}
	switch o.Status {
	case 400:
		return grpcInternal
	case 401:
		return grpcUnauthenticated
	case 403:
		return grpcPermissionDenied
	case 404:
		return grpcUnimplemented
	case 413: // what gRPC itself says of messages that are too large
		return grpcResourceExhausted
	case 429, 502, 503, 504:
		return grpcUnavailable
	}
	return grpcUnknown
}

// isGRPC reports whether a message of this content type is part of a gRPC
// call. gRPC-Web is not: it has a type of its own.
func isGRPC(contentType string) bool {
	const base = "application/grpc"
	return len(contentType) >= len(base) && message.EqualFold(contentType[:len(base)], base) &&
		(len(contentType) == len(base) || strings.IndexByte("+; \t", contentType[len(base)]) >= 0)
}

// answerGRPC fills the response with o as a call's end without any message, all
// of it in the header ("Trailers-Only").
func answerGRPC(x *message.Exchange, o Outcome) {
	r := &x.Response
	r.Status = 200
	r.Header.Add("Content-Type", "application/grpc")
	r.Header.Add("Grpc-Status", strconv.Itoa(int(grpcCodeOf(o))))
	r.Header.Add("Grpc-Message", escapeGRPC(o.Advice))
	r.Header.Add("X-Pingap-EType", o.Word)
}

// escapeGRPC writes s as grpc-message carries it: every byte that is not
// printable ASCII, and the percent sign, in the percent encoding.
func escapeGRPC(s string) string {
	plain := func(c byte) bool { return c >= ' ' && c <= '~' && c != '%' }
	n := 0
	for n < len(s) && plain(s[n]) {
		n++
	}
	if n == len(s) {
		return s
	}
	const digits = "0123456789ABCDEF"
	b := append(make([]byte, 0, n+3*(len(s)-n)), s[:n]...)
	for _, c := range []byte(s[n:]) {
		if plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return message.View(b)
}
