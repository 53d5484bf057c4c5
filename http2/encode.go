package http2

import (
	"strconv"

	"pingap/message"
)

// HPACK (RFC 7541) as it is written here makes no use of the dynamic table: a
// header block then depends on nothing but itself, costs no search, and holds
// no memory. The static table and literals remain.

// Indexes of the static table (RFC 7541 appendix A).
const (
	indexAuthority     = 1
	indexMethod        = 2 // GET; POST is the next
	indexPath          = 4 // "/"
	indexScheme        = 6 // http; https is the next
	indexStatus        = 8 // 200
	indexContentLength = 28
	indexDate          = 33
)

// staticNames are the names of the static table from index 15 on.
var staticNames = [...]string{
	"accept-charset", "accept-encoding", "accept-language", "accept-ranges", "accept", "access-control-allow-origin",
	"age", "allow", "authorization", "cache-control", "content-disposition", "content-encoding", "content-language",
	"content-length", "content-location", "content-range", "content-type", "cookie", "date", "etag", "expect", "expires",
	"from", "host", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified",
	"link", "location", "max-forwards", "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh",
	"retry-after", "server", "set-cookie", "strict-transport-security", "transfer-encoding", "user-agent", "vary", "via",
	"www-authenticate",
}

const firstStaticName = 15

// staticIndex finds a name in the static table by its length, first and last
// letter, which tell them all apart but for a few.
var staticIndex = func() (table [1 << 9][]uint8) {
	for i, name := range staticNames {
		at := staticHash(len(name), name[0], name[len(name)-1])
		table[at] = append(table[at], uint8(firstStaticName+i))
	}
	return table
}()

func staticHash(length int, first, last byte) int {
	return (length*31 + int(first|0x20)*7 + int(last|0x20)) & (1<<9 - 1)
}

// indexOfName returns the index of a name in the static table, or 0.
func indexOfName(name string) uint8 {
	if name == "" {
		return 0
	}
	for _, i := range staticIndex[staticHash(len(name), name[0], name[len(name)-1])] {
		if message.EqualFold(name, staticNames[i-firstStaticName]) {
			return i
		}
	}
	return 0
}

// Representations of a field (RFC 7541 section 6.2). What must not be guessed by
// compressing it again and again is never indexed by others either (section
// 7.1.3).
const (
	notIndexed   = 0x00
	neverIndexed = 0x10
	indexedField = 0x80
	sizeUpdate   = 0x20 // to 0: there is no dynamic table
)

// secret reports whether a field of the static table holds credentials.
func secret(index uint8) bool {
	switch index {
	case 23, 32, 49, 55: // authorization, cookie, proxy-authorization, set-cookie
		return true
	}
	return false
}

// appendField appends a field; its name is put in lower case (RFC 9113 section
// 8.2).
func appendField(b []byte, name, value string) []byte {
	if index := indexOfName(name); index != 0 {
		kind := byte(notIndexed)
		if secret(index) {
			kind = neverIndexed
		}
		b = appendNumber(b, kind, 4, uint64(index))
		return appendString(b, value)
	}
	b = append(b, notIndexed)
	b = appendNumber(b, 0, 7, uint64(len(name)))
	start := len(b)
	b = append(b, name...)
	for i := start; i < len(b); i++ {
		if c := b[i]; 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return appendString(b, value)
}

// fieldSize bounds what appendField appends.
func fieldSize(name, value string) int { return len(name) + len(value) + 12 }

// headerSize bounds what the fields of h take.
func headerSize(h *message.Header) int {
	n := 0
	for _, f := range h.Fields() {
		n += fieldSize(f.Name, f.Value)
	}
	return n
}

// appendNumber appends an integer with a prefix of so many bits (RFC 7541
// section 5.1).
func appendNumber(b []byte, kind byte, bits uint, n uint64) []byte {
	most := uint64(1)<<bits - 1
	if n < most {
		return append(b, kind|byte(n))
	}
	b = append(b, kind|byte(most))
	for n -= most; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// appendString appends a string literal (RFC 7541 section 5.2) as it is: the
// code of Huffman would save a fifth of it, for more time than the rest takes.
func appendString(b []byte, s string) []byte {
	return append(appendNumber(b, 0, 7, uint64(len(s))), s...)
}

// appendLiteral appends a field whose name is at an index of the static table.
func appendLiteral(b []byte, index uint8, value string) []byte {
	return appendString(appendNumber(b, notIndexed, 4, uint64(index)), value)
}

// appendStatus appends :status.
func appendStatus(b []byte, status int) []byte {
	index := 0
	switch status {
	case 200:
		index = indexStatus
	case 204:
		index = indexStatus + 1
	case 206:
		index = indexStatus + 2
	case 304:
		index = indexStatus + 3
	case 400:
		index = indexStatus + 4
	case 404:
		index = indexStatus + 5
	case 500:
		index = indexStatus + 6
	default:
		b = append(b, notIndexed|indexStatus, 3)
		return strconv.AppendInt(b, int64(status), 10)
	}
	return append(b, indexedField|byte(index))
}

// appendLength appends content-length.
func appendLength(b []byte, n int64) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], n, 10)
	b = appendNumber(b, notIndexed, 4, indexContentLength)
	b = appendNumber(b, 0, 7, uint64(len(text)))
	return append(b, text...)
}

// dropFraming removes from trailers what frames or routes a message, or is about
// one connection: it must not come behind the content (RFC 9110 section 6.5.1).
func dropFraming(trailer *message.Header) {
	if trailer.Len() > 0 {
		trailer.DelFunc(func(f message.Field) bool {
			switch f.Name {
			case "content-length", "host", "te", "expect", "trailer":
				return true
			}
			return false
		})
	}
}

// connectionSpecific reports whether a field of HTTP/1 has no place in HTTP/2
// (RFC 9113 section 8.2.2).
func connectionSpecific(name string) bool {
	switch len(name) {
	case 7:
		return message.EqualFold(name, "upgrade")
	case 10:
		return message.EqualFold(name, "connection") || message.EqualFold(name, "keep-alive")
	case 14:
		return message.EqualFold(name, "http2-settings")
	case 16:
		return message.EqualFold(name, "proxy-connection")
	case 17:
		return message.EqualFold(name, "transfer-encoding")
	}
	return false
}
