package http2

import (
	"encoding/binary"
	"slices"
	"strings"

	"pingap/message"
)

// priority is that of a stream's response (RFC 9218 section 4).
type priority struct {
	urgency     uint8 // 0 is the most urgent, 7 the least
	incremental bool  // parts are of use before the whole is there
}

var usualPriority = priority{urgency: 3}

// parsePriority reads a Priority field: a dictionary of structured fields, of
// which only two keys count. What cannot be read is as if it were not there.
func parsePriority(value string) priority {
	p := usualPriority
	for len(value) > 0 {
		var item string
		item, value, _ = strings.Cut(value, ",")
		item, _, _ = strings.Cut(item, ";") // no parameters are known
		item = message.TrimBlanks(item)
		switch {
		case len(item) == 3 && item[:2] == "u=" && item[2] >= '0' && item[2] <= '7':
			p.urgency = item[2] - '0'
		case item == "i" || item == "i=?1":
			p.incremental = true
		case item == "i=?0":
			p.incremental = false
		}
	}
	return p
}

// priorityUpdate takes PRIORITY_UPDATE (RFC 9218 section 7.1).
func (c *conn) priorityUpdate(f frame, payload []byte) error {
	switch {
	case f.stream != 0:
		return protocolError("PRIORITY_UPDATE on a stream")
	case len(payload) < 4:
		return &connError{FrameSizeError, "PRIORITY_UPDATE is too short"}
	case c.client:
		return protocolError("PRIORITY_UPDATE by a server")
	}
	id := binary.BigEndian.Uint32(payload) &^ reservedBit
	if id == 0 || id%2 == 0 {
		return protocolError("PRIORITY_UPDATE for a stream that is not a client's")
	}
	p := parsePriority(string(payload[4:]))
	if s := c.streams[id]; s != nil {
		s.priority = p
	} else if c.idle(id) {
		c.early = append(slices.DeleteFunc(c.early, func(e earlyPriority) bool { return e.stream == id }), earlyPriority{id, p})
		if len(c.early) > mostEarly {
			c.early = slices.Delete(c.early, 0, 1)
		}
	}
	return c.owe(costOfControl)
}

// earlyPriority is the priority of a stream that has not been opened yet (RFC
// 9218 section 7.1).
type earlyPriority struct {
	stream uint32
	priority
}

// mostEarly is how many of them are kept. Those that come with their requests
// overtake them by a few at most.
const mostEarly = 16

// priorityOf returns the priority of a stream that is being opened, whose request
// has this field, or none. What was said ahead of it outweighs the field.
func (c *conn) priorityOf(id uint32, field string) priority {
	p := parsePriority(field)
	// Streams are opened in the order of their numbers: those below it are not
	// to come any more.
	c.early = slices.DeleteFunc(c.early, func(e earlyPriority) bool {
		if e.stream == id {
			p = e.priority
		}
		return e.stream <= id
	})
	return p
}

// before reports whether s is to be served before t: the more urgent first, and
// of the same urgency those whose parts are of no use one after the other.
func (s *stream) before(t *stream) bool {
	if s.priority.urgency != t.priority.urgency {
		return s.priority.urgency < t.priority.urgency
	}
	if s.priority.incremental != t.priority.incremental {
		return !s.priority.incremental
	}
	return !s.priority.incremental && s.id < t.id
}
