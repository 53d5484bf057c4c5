package http1

import (
	"strings"
	"testing"

	"pingap/message"
)

// A refusal is a head and the reason for which it is refused.
var refusals = []struct {
	why  string
	head string // raw
	err  *Error
}{
	// RFC 9112 section 2.2: lines end in CRLF.
	{"line ends in LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", errBareLF},
	{"line of HEAD ends in LF", "HEAD / HTTP/1.1\nHost: a\r\n\r\n", errBareLF},
	{"field line ends in LF", "GET / HTTP/1.1\r\nHost: a\n\r\n", errBareLF},
	{"field name ends in LF", "GET / HTTP/1.1\r\nHost: a\r\nx\n\r\n", errNoColon},
	{"head ends in LF", "GET / HTTP/1.1\r\nHost: a\r\n\n", errBareLF},
	{"CR inside the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", errBareCR},
	{"CR inside a value", "GET / HTTP/1.1\r\nHost: a\r\nx: a\rb\r\n\r\n", errBareCR},
	{"CR twice", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", errBareCR},
	{"CR instead of the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rx\r\n", errBareCR},
	{"two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", errEmptyLines},
	{"LF first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", errBareLF},
	{"white space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", errFolded},

	// RFC 9112 section 3: request line.
	{"no version (HTTP/0.9)", "GET /\r\n\r\n", errRequestLine},
	{"method alone", "GET\r\n\r\n", errRequestLine},
	{"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", errVersion},
	{"two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", errVersion},
	{"space at the end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", errVersion},
	{"space first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", errRequestLine},
	{"tab for space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},
	{"method is not a token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},
	{"method with NUL", "GE\x00T / HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},
	{"method in quotes", "\"GET\" / HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},
	{"TLS instead of HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", errMethod},

	// RFC 9112 section 2.3: version.
	{"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", errVersion},
	{"version of one digit", "GET / HTTP/1\r\nHost: a\r\n\r\n", errVersion},
	{"version of three digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", errVersion},
	{"version with letters", "GET / HTTP/1.x\r\nHost: a\r\n\r\n", errVersion},
	{"version with a comma", "GET / HTTP/1,1\r\nHost: a\r\n\r\n", errVersion},
	{"another protocol", "GET / RTSP/1.0\r\nHost: a\r\n\r\n", errVersion},
	{"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", errMajor},
	{"HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", errMajor},
	{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", errMajor},

	// RFC 9112 section 3.2: request target.
	{"relative path", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"query alone", "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"authority form for GET", "GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", errTarget},
	{"asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", errAsterisk},
	{"asterisk and more", "OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrFragment},
	{"control byte in the path", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrTargetByte},
	{"NUL in the path", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrTargetByte},
	{"DEL in the query", "GET /?\x7f HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrTargetByte},
	{"tab in the path", "GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrTargetByte},
	{"UTF-8 that is not encoded", "GET /ä HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrTargetByte},
	{"escape of one digit", "GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrEscape},
	{"escape without digits", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrEscape},
	{"escape across the query", "GET /%2?0 HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrEscape},
	{"other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", errTargetScheme},
	{"no authority", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrHost},
	{"scheme without slashes", "GET http:a HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"user information", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrUserInfo},
	{"user and password", "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", message.ErrUserInfo},
	{"backslash in the authority", "GET http://a\\b/ HTTP/1.1\r\nHost: a\\b\r\n\r\n", message.ErrHost},
	{"CONNECT to a path", "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", errConnectTarget},
	{"CONNECT without port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", errConnectTarget},
	{"CONNECT to IPv6 without port", "CONNECT [::1] HTTP/1.1\r\nHost: [::1]\r\n\r\n", errConnectTarget},
	{"CONNECT to a URI", "CONNECT http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", errConnectTarget},
	{"CONNECT with user", "CONNECT u@a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", message.ErrUserInfo},

	// RFC 9112 section 3.2: Host.
	{"no Host", "GET / HTTP/1.1\r\nx: y\r\n\r\n", errHostMissing},
	{"no Host beside an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", errHostMissing},
	{"two of Host", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", errHostRepeated},
	{"two of Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", errHostRepeated},
	{"Host differs from the target", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", errHostMismatch},
	{"port of Host differs from the target's", "GET http://a/ HTTP/1.1\r\nHost: a:81\r\n\r\n", errHostMismatch},
	{"Host differs from the target of CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", errHostMismatch},

	// RFC 9112 section 5: field lines.
	{"space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", errSpaceColon},
	{"tab before the colon", "GET / HTTP/1.1\r\nHost: a\r\nx\t: a\r\n\r\n", errSpaceColon},
	{"space in a name", "GET / HTTP/1.1\r\nHost: a\r\nx y: a\r\n\r\n", errFieldName},
	{"no colon", "GET / HTTP/1.1\r\nHost: a\r\nxy\r\n\r\n", errNoColon},
	{"empty name", "GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", errEmptyName},
	{"name with NUL", "GET / HTTP/1.1\r\nHost: a\r\nx\x00: a\r\n\r\n", errFieldName},
	{"name with a high byte", "GET / HTTP/1.1\r\nHost: a\r\n\xe4: a\r\n\r\n", errFieldName},
	{"name with a slash", "GET / HTTP/1.1\r\nHost: a\r\nx/y: a\r\n\r\n", errFieldName},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nx: \x00\r\n\r\n", errControlByte},
	{"control byte in a long value", "GET / HTTP/1.1\r\nHost: a\r\nx: 0123456789abcdef\x1b[0m\r\n\r\n", errControlByte},
	{"DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nx: a\x7f\r\n\r\n", errControlByte},
	{"vertical tab in a value", "GET / HTTP/1.1\r\nHost: a\r\nx: a\x0b\r\n\r\n", errControlByte},
	{"folded line", "GET / HTTP/1.1\r\nHost: a\r\nx: a\r\n b\r\n\r\n", errFolded},
	{"folded with a tab", "GET / HTTP/1.1\r\nHost: a\r\nx: a\r\n\tTransfer-Encoding: chunked\r\n\r\n", errFolded},

	// RFC 9112 section 6: framing.
	{"Content-Length and Transfer-Encoding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", errLengthCoding},
	{"Transfer-Encoding and Content-Length 0", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", errLengthCoding},
	{"conflicting lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", errLengthRepeated},
	{"repeated length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\n", errLengthRepeated},
	{"list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", errLength},
	{"list of lengths without a blank", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\n", errLength},
	{"empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", errLength},
	{"length with plus", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", errLength},
	{"negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", errLength},
	{"hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", errLength},
	{"length with a blank", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n", errLength},
	{"length with a point", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1.0\r\n\r\n", errLength},
	{"length with other digits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ١\r\n\r\n", errLength},
	{"length of 2^63", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", errLengthLarge},
	{"length of 2^64+1", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\n", errLengthLarge},
	{"coding gzip", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", errCoding},
	{"coding gzip, chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", errCoding},
	{"coding chunked, gzip", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", errCoding},
	{"coding chunked twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", errCoding},
	{"coding in two fields", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", errCoding},
	{"coding identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", errCoding},
	{"coding with parameter", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", errCoding},
	{"coding in quotes", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", errCoding},
	{"coding with a comma", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n", errCoding},
	{"empty coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", errCoding},
	{"coding with vertical tab", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", errControlByte},
	{"coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", errCoding10},

	// RFC 9110 section 9.3.6: what follows CONNECT is the tunnel's.
	{"CONNECT with Content-Length", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\n", errConnectContent},
	{"CONNECT with Transfer-Encoding", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n", errConnectContent},

	// RFC 9110 section 6.5.1: trailers.
	{"Trailer with Content-Length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x, content-length\r\n\r\n", errTrailerName},
	{"Trailer with Transfer-Encoding", "POST / HTTP/1.1\r\nHost: a\r\nTrailer: Transfer-Encoding\r\n\r\n", errTrailerName},

	// RFC 9110 section 7.6.1: Connection.
	{"many connection options", "GET / HTTP/1.1\r\nHost: a\r\nConnection: " + strings.Repeat("a,", 20) + "\r\nConnection: " + strings.Repeat("a,", 20) + "\r\n\r\n", errManyOptions},
	// Each costs a comparison with each field.
	{"many empty connection options", "GET / HTTP/1.1\r\nHost: a\r\nConnection: a" + strings.Repeat(",", 40) + "\r\n\r\n", errManyOptions},
	{"the same connection option many times", "GET / HTTP/1.1\r\nHost: a\r\nConnection: a" + strings.Repeat(",close", 40) + "\r\n\r\n", errManyOptions},

	// RFC 9110 section 10.1.1: Expect.
	{"unknown expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", errExpectation},
	{"unknown expectation beside 100-continue", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: x\r\n\r\n", errExpectation},
}

func TestRequestHeadIsRefusedWhenItCanBeReadInTwoWays(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.why, func(t *testing.T) {
			if _, _, _, err := parseRequest(r.head); err != error(r.err) {
				t.Errorf("%q: %v, want %v", r.head, err, r.err)
			}
			if r.err.Status/100 != 4 && r.err != errMajor {
				t.Errorf("status %d", r.err.Status)
			}
		})
	}
}
