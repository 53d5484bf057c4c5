package http1

import (
	"encoding/binary"
	"os"
	"slices"
	"strconv"
	"time"

	"pingap/loop"
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
	b = append(b, message.Reason(status)...)
	return append(b, crlf...)
}

// appendField appends a field line. A value that comes from elsewhere than a
// parser could hold what ends a line; such characters become spaces, so that
// no value makes a second field. A name with such characters loses its field.
func appendField(b []byte, name, value string) []byte {
	start := len(b)
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	// Looking at the line as a whole costs half of looking at both parts.
	if hasControl(b[start:]) {
		if slices.ContainsFunc(b[start:start+len(name)], isControl) {
			return b[:start]
		}
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

// smallPiece is the length up to which content is copied behind what is corked
// already, which costs less than another piece in the system call.
const smallPiece = 4 << 10

// maxCorked is how much is gathered before it is sent.
const maxCorked = 32 << 10

// writeChunk makes a chunk of a piece of content. A small one waits in the
// output of c, since whoever sends many of them should not cost a system call
// for each; everything else leaves with send, which sends what is in the output,
// a and b.
func writeChunk(c *loop.Conn, piece []byte, send func(a, b []byte) error) error {
	if len(piece) == 0 {
		return nil // a chunk of size 0 would be the end
	}
	if c.Pending() >= maxCorked {
		if err := send(nil, nil); err != nil {
			return err
		}
	}
	if len(piece) > smallPiece {
		c.SetOutput(appendChunkLine(c.Output(maxChunkHead), len(piece)))
		return send(piece, crlf)
	}
	b := appendChunkLine(c.Output(maxChunkHead+len(piece)+len(crlf)), len(piece))
	b = append(b, piece...)
	c.SetOutput(append(b, crlf...))
	return nil
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

// hasControl reports whether a line holds a control character other than HTAB.
func hasControl(line []byte) bool {
	if len(line) < 8 {
		return slices.ContainsFunc(line, isControl)
	}
	// The last eight bytes may be looked at twice, which saves a loop over
	// what is left behind the others.
	marks := message.ControlIn(binary.LittleEndian.Uint64(line[len(line)-8:]))
	for i := 0; i+8 <= len(line); i += 8 {
		marks |= message.ControlIn(binary.LittleEndian.Uint64(line[i:]))
	}
	return marks != 0 && slices.ContainsFunc(line, isControl) // HTAB is marked too
}

func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }

func blank(b []byte) {
	for i := range b {
		if isControl(b[i]) {
			b[i] = ' '
		}
	}
}

// send sends what is pending on c, a and b, for as long as the far end takes
// something within each timeout; 0 for any time. It reports whether anything may
// have gone.
func send(c *loop.Conn, timeout time.Duration, a, b []byte) (gone bool, err error) {
	for {
		until := int64(0)
		if timeout > 0 {
			until = c.Loop().Now() + int64(timeout)
		}
		c.SetWriteDeadlineAt(until)
		pending := c.Pending()
		n, err := c.Writev(a, b)
		some := n > 0 || c.Pending() != pending
		gone = gone || some || err == nil
		if err != os.ErrDeadlineExceeded || !some {
			return gone, err
		}
		k := min(int(n), len(a))
		a, b = a[k:], b[int(n)-k:]
	}
}
