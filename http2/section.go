package http2

// section is a header section that is being written, in the connection's
// output: begin, append fields, end.
type section struct {
	conn  *conn
	start int // of the frame in the output
}

// beginSection returns the output with room for so many bytes of fields, and
// the frame of a section begun in it.
func (c *conn) beginSection(room int) (section, []byte) {
	out := c.raw.Output(frameHeaderSize + 1 + room)
	s := section{conn: c, start: len(out)}
	out = append(out, make([]byte, frameHeaderSize)...)
	if !c.began {
		// Said once, whatever size of table the peer allows: there is none
		// (RFC 7541 section 4.2).
		c.began = true
		out = append(out, sizeUpdate)
	}
	return s, out
}

// end hands the output back. A section that does not fit a frame goes on in
// CONTINUATION frames (RFC 9113 section 6.10).
func (s section) end(out []byte, id uint32, last bool) {
	c := s.conn
	flags := uint8(0)
	if last {
		flags = flagEndStream
	}
	size := len(out) - s.start - frameHeaderSize
	if size <= c.peer.maxFrame {
		appendFrame(out[:s.start], size, frameHeaders, flags|flagEndHeaders, id)
		c.raw.SetOutput(out)
		return
	}
	rest := append([]byte(nil), out[s.start+frameHeaderSize+c.peer.maxFrame:]...)
	out = out[:s.start+frameHeaderSize+c.peer.maxFrame]
	appendFrame(out[:s.start], c.peer.maxFrame, frameHeaders, flags, id)
	c.raw.SetOutput(out)
	for len(rest) > 0 {
		n := min(len(rest), c.peer.maxFrame)
		flags = 0
		if n == len(rest) {
			flags = flagEndHeaders
		}
		b := appendFrame(c.raw.Output(frameHeaderSize+n), n, frameContinuation, flags, id)
		c.raw.SetOutput(append(b, rest[:n]...))
		rest = rest[n:]
	}
}
