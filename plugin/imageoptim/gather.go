package imageoptim

import (
	"io"

	"pingap/message"
)

// Bounds of the memory that content takes while it is looked at: of one answer,
// and of all of them together. What is beyond passes as it is.
const (
	maxContent = 8 << 20
	maxPending = 64 << 20
)

// gather takes all of the content. It returns nil where that is too much or cannot
// be had; the response is then as it was.
func (o *optimizer) gather(x *message.Exchange) []byte {
	r := &x.Response
	size := r.Length
	if size < 0 {
		size = maxContent
	}
	if o.pending.Add(size) > maxPending {
		o.pending.Add(-size)
		return nil
	}
	x.OnEnd(func(*message.Exchange) { o.pending.Add(-size) })
	var content []byte
	if r.Length > 0 {
		content = make([]byte, 0, r.Length)
	}
	for int64(len(content)) <= size {
		view, err := r.Body.Next()
		if err == io.EOF && len(content) > 0 {
			r.Body.Close()
			return content
		}
		if err != nil {
			break
		}
		content = append(content, view...)
	}
	r.Body = &resumed{head: content, rest: r.Body}
	return nil
}

// resumed is content of which the beginning has been taken.
type resumed struct {
	head []byte
	rest message.Body
}

// Next implements message.Body. An error that was met before comes again.
func (b *resumed) Next() ([]byte, error) {
	if head := b.head; len(head) > 0 {
		b.head = nil
		return head, nil
	}
	return b.rest.Next()
}

// Close implements message.Body.
func (b *resumed) Close() {
	b.head = nil
	b.rest.Close()
}
