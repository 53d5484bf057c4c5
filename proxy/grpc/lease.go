package grpc

import "pingap/loop"

// textBuffer is how large the pieces are that base64 is read and written in.
const textBuffer = 16 << 10

// lease is a buffer of the loop, held only while somebody has a view of it: a
// stream may wait for its next message for hours.
type lease struct {
	loop   *loop.Loop
	buffer []byte // nil while there is none
}

// take returns the buffer.
func (l *lease) take() []byte {
	l.buffer = l.loop.Buffer(textBuffer)
	return l.buffer
}

// release ends the life of all views of it.
func (l *lease) release() {
	if l.buffer != nil {
		l.loop.Release(l.buffer)
		l.buffer = nil
	}
}
