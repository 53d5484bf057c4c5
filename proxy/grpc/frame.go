package grpc

import "pingap/message"

// frameHead is how many bytes stand before each message: a byte of flags and
// the length, big-endian.
const frameHead = 5

// trailerFlag marks the frame of gRPC-Web that holds the trailers.
const trailerFlag = 0x80

// frames follows content from frame to frame.
type frames struct {
	head int    // bytes of the frame's head that have passed
	size uint32 // what they say of its length so far
	left uint32 // bytes of its content to come
}

// advance takes the next bytes of content.
func (f *frames) advance(p []byte) {
	for len(p) > 0 {
		if f.left > 0 {
			n := min(int(f.left), len(p))
			f.left -= uint32(n)
			p = p[n:]
			continue
		}
		if f.head > 0 { // behind the flags
			f.size = f.size<<8 | uint32(p[0])
		}
		p = p[1:]
		if f.head++; f.head == frameHead {
			*f = frames{left: f.size}
		}
	}
}

// between reports whether all frames that have begun are complete.
func (f *frames) between() bool { return f.head == 0 && f.left == 0 }

// trailerSize is the length of the frame that appendTrailer appends.
func trailerSize(h *message.Header) int {
	n := frameHead
	for _, f := range h.Fields() {
		n += len(f.Name) + len(f.Value) + len(":\r\n")
	}
	return n
}

// appendTrailer appends the frame of trailers: lines as in HTTP/1, with names in
// lower case.
func appendTrailer(b []byte, h *message.Header) []byte {
	n := trailerSize(h) - frameHead
	b = append(b, trailerFlag, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	for _, f := range h.Fields() {
		for _, c := range []byte(f.Name) {
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			b = append(b, c)
		}
		b = append(b, ':')
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	return b
}
