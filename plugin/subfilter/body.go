package subfilter

import (
	"errors"
	"io"

	"pingap/message"
)

// Bounds of what is in memory for an answer. Longer content passes as it is: half of
// it changed would be worse than none.
const (
	maxContent = 4 << 20
	maxChanged = 8 << 20 // once it has been changed
	kept       = 256 << 10
)

// beside is how much content is changed beside the loop, which it would hold up.
const beside = 32 << 10

// filteredBody is content that has been changed. It is gathered first, since a text
// may stand across any two pieces.
type filteredBody struct {
	home  *substitution
	ended func(*message.Exchange) // end, bound once

	x        *message.Exchange
	source   message.Body
	content  []byte // as it has come
	spare    []byte // what filters write to, in turns with content
	gathered bool
	passing  bool  // the rest of too long content passes as it is
	err      error // what Next returns from now on
}

func newFilteredBody(home *substitution) *filteredBody {
	b := &filteredBody{home: home}
	b.ended = b.end
	return b
}

func (b *filteredBody) start(x *message.Exchange) {
	b.x, b.source = x, x.Response.Body
	x.OnEnd(b.ended)
}

// end makes b ready for another content.
func (b *filteredBody) end(*message.Exchange) {
	*b = filteredBody{home: b.home, ended: b.ended, content: reusable(b.content), spare: reusable(b.spare)}
	b.home.bodies.Put(b)
}

func reusable(buffer []byte) []byte {
	if cap(buffer) > kept {
		return nil
	}
	return buffer[:0]
}

var errClosed = errors.New("the content is closed")

// Next returns all of the content, or that which has been gathered and then the
// rest where it is too long.
func (b *filteredBody) Next() ([]byte, error) {
	switch {
	case b.err != nil:
		return nil, b.err
	case b.passing:
		return b.source.Next()
	case b.gathered: // and given
		b.err = io.EOF
		return nil, b.err
	}
	if err := b.gather(); err != nil {
		if b.err == nil {
			b.err = err
		}
		return nil, b.err
	}
	if !b.passing {
		b.gathered = true
		b.changeAll()
	}
	if len(b.content) == 0 {
		b.err = io.EOF
		return nil, b.err
	}
	return b.content, nil
}

// gather takes content until its end, or until it is too long.
func (b *filteredBody) gather() error {
	for {
		view, err := b.source.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		b.content = append(b.content, view...)
		if len(b.content) > maxContent {
			b.passing = true
			b.home.logger.Warn("content is too long to be changed", "plugin", "sub_filter", "path", b.x.Request.Path, "limit", maxContent)
			return nil
		}
	}
}

// changeAll applies the filters.
func (b *filteredBody) changeAll() {
	var err error
	if len(b.content) > beside {
		b.x.Loop.Await(func() { err = b.apply() })
	} else {
		err = b.apply()
	}
	if err != nil {
		b.home.logger.Warn("content cannot be changed", "plugin", "sub_filter", "path", b.x.Request.Path, "error", err)
	}
}

// apply has each filter see what the ones before it have made. One that fails
// leaves the content as it is.
func (b *filteredBody) apply() (failed error) {
	for _, f := range b.home.filters {
		changed, err := f.apply(b.spare[:0], b.content, maxChanged)
		if err != nil {
			failed = err
			continue
		}
		b.content, b.spare = changed, b.content
	}
	return failed
}

// Close gives the rest up.
func (b *filteredBody) Close() {
	if b.x == nil {
		return
	}
	if b.err == nil {
		b.err = errClosed
	}
	b.source.Close()
}
