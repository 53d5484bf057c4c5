package http1

import (
	"bytes"

	"pingap/message"
)

// fieldLines parses the field lines of a head or trailer section (RFC 9112
// section 5) piece by piece, as the bytes come in. Each line is looked at once
// when it is complete, and at most once more before that, so that a section
// that drips in costs no more than one that comes at once.
type fieldLines struct {
	pos     int     // start of the first line that is not parsed yet
	scanned int     // no line end between pos and here
	control control // what the lines so far say about this connection
	trailer bool    // a trailer section, see line
}

// parse goes on with b, which begins with the bytes that it was given last
// time, at the same address (fields are views of them). Fields go to h, at most
// limit of them. It returns nil when the section is complete, empty line
// included: it ends at pos. It returns errIncomplete when more is needed.
func (p *fieldLines) parse(b []byte, h *message.Header, limit int) error {
	if bytes.IndexByte(b[p.scanned:], '\n') < 0 {
		p.scanned = len(b)
		return errIncomplete
	}
	for {
		done, err := p.line(b, h, limit)
		if err == errIncomplete {
			p.scanned = len(b)
		}
		if done || err != nil {
			return err
		}
	}
}

// line parses the line at pos; it reports whether that was the empty line.
func (p *fieldLines) line(b []byte, h *message.Header, limit int) (done bool, err error) {
	start := p.pos
	i := start
	for i < len(b) && message.Class[b[i]]&message.TokenByte != 0 {
		i++
	}
	if i == len(b) {
		return false, errIncomplete
	}
	if i == start || b[i] != ':' {
		return p.noField(b, start, i)
	}
	name := message.View(b[start:i])
	i++
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	end := message.EndOfValue(b, i)
	switch {
	case end == len(b):
		return false, errIncomplete
	case b[end] != '\r':
		return false, controlError(b[end])
	case end+1 == len(b):
		return false, errIncomplete
	case b[end+1] != '\n':
		return false, errBareCR
	}
	p.pos = end + 2
	for end > i && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	if h.Len() >= limit {
		return false, errManyFields
	}
	value := message.View(b[i:end])
	kind := kindOf(name)
	if kind == ordinary {
		h.Add(name, value)
		return false, nil
	}
	// What frames or routes a message must not come after its content (RFC
	// 9110 section 6.5.1): such trailers are dropped.
	if p.trailer {
		return false, nil
	}
	h.Add(name, value)
	return false, p.control.note(kind, value)
}

// noField deals with a line that has no name and colon: the token characters
// from start on end at i.
func (p *fieldLines) noField(b []byte, start, i int) (done bool, err error) {
	c := b[i]
	if i > start {
		switch c {
		case ' ', '\t':
			return false, spaceError(b, i)
		case '\r', '\n':
			return false, errNoColon
		}
		return false, errFieldName
	}
	switch c {
	case '\r':
		if i+1 == len(b) {
			return false, errIncomplete
		}
		if b[i+1] != '\n' {
			return false, errBareCR
		}
		p.pos = i + 2
		return true, nil
	case '\n':
		return false, errBareLF
	case ':':
		return false, errEmptyName
	case ' ', '\t':
		return false, errFolded
	}
	return false, errFieldName
}

// spaceError tells a space before the colon from one inside a name.
func spaceError(b []byte, i int) error {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	switch {
	case i == len(b):
		return errIncomplete
	case b[i] == ':':
		return errSpaceColon
	}
	return errFieldName
}

func controlError(c byte) error {
	if c == '\n' {
		return errBareLF
	}
	return errControlByte
}
