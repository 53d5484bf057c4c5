package http1

import (
	"strconv"

	"pingap/message"
)

// Heads are written afresh into a connection's output buffer: appendX functions
// append to a slice that has been made large enough with headSize, so they
// copy and do not allocate.

// headSize is how many bytes a head with these fields takes at most, besides
// its first line and the codec's own fields.
func headSize(h *message.Header) int {
	n := len(crlf)
	for _, f := range h.Fields() {
		n += len(f.Name) + len(f.Value) + len(": \r\n")
	}
	return n
}

// ownFields is room for the codec's own fields: Content-Length or
// Transfer-Encoding, Connection, Date.
const ownFields = 160

// appendStatusLine appends the status line. A status that is not in IANA's
// list goes without a reason phrase.
func appendStatusLine(b []byte, status int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, Reason(status)...)
	return append(b, crlf...)
}

// appendField appends a field line. A value that comes from elsewhere than a
// parser could hold what ends a line; such characters become spaces, so that
// no value makes a second field. A name with such characters loses its field.
func appendField(b []byte, name, value string) []byte {
	if hasControl(name) {
		return b
	}
	b = append(b, name...)
	b = append(b, ": "...)
	start := len(b)
	b = append(b, value...)
	if hasControl(value) {
		blank(b[start:])
	}
	return append(b, crlf...)
}

// appendLength appends Content-Length.
func appendLength(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, crlf...)
}

const chunkedLine = "Transfer-Encoding: chunked\r\n"

// maxChunkHead is the longest line before a chunk of ours.
const maxChunkHead = 16 + 2

// appendChunkLine appends the line before a chunk of n bytes, n > 0. The chunk
// is followed by CRLF.
func appendChunkLine(b []byte, n int) []byte {
	b = strconv.AppendUint(b, uint64(n), 16)
	return append(b, crlf...)
}

// appendLastChunk appends the last chunk and the trailer section, without the
// trailers that would be about framing or the connection.
func appendLastChunk(b []byte, trailer *message.Header) []byte {
	b = append(b, "0\r\n"...)
	for _, f := range trailer.Fields() {
		if kindOf(f.Name) == ordinary {
			b = appendField(b, f.Name, f.Value)
		}
	}
	return append(b, crlf...)
}

// hasControl reports whether s holds a control character other than HTAB.
func hasControl(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if controlIn(load64(s, i)) != 0 {
			return slowHasControl(s[i:])
		}
	}
	return slowHasControl(s[i:])
}

func load64(s string, i int) uint64 {
	_ = s[i+7]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
		uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
}

func slowHasControl(s string) bool {
	for i := range len(s) {
		if isControl(s[i]) {
			return true
		}
	}
	return false
}

func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }

func blank(b []byte) {
	for i := range b {
		if isControl(b[i]) {
			b[i] = ' '
		}
	}
}
