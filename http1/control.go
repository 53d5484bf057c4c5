package http1

import (
	"strings"

	"pingap/message"
)

// kind is what a field means to the codec.
type kind uint8

const (
	ordinary kind = iota
	hostField
	dateField
	lengthField     // Content-Length
	codingField     // Transfer-Encoding
	connectionField // Connection
	upgradeField
	expectField
	teField
	trailerField
	keepAliveField
	proxyConnectionField
	settingsField // HTTP2-Settings (RFC 7540, which alone had it)
)

// kindOf tells from its name what a field means to the codec. The length
// leaves at most two names to compare with.
func kindOf(name string) kind {
	switch len(name) {
	case 2:
		return kindIf(name, "te", teField)
	case 4:
		if name[0]|0x20 == 'h' {
			return kindIf(name, "host", hostField)
		}
		return kindIf(name, "date", dateField)
	case 6:
		return kindIf(name, "expect", expectField)
	case 7:
		if name[0]|0x20 == 'u' {
			return kindIf(name, "upgrade", upgradeField)
		}
		return kindIf(name, "trailer", trailerField)
	case 10:
		if name[0]|0x20 == 'c' {
			return kindIf(name, "connection", connectionField)
		}
		return kindIf(name, "keep-alive", keepAliveField)
	case 14:
		if name[0]|0x20 == 'c' {
			return kindIf(name, "content-length", lengthField)
		}
		return kindIf(name, "http2-settings", settingsField)
	case 16:
		return kindIf(name, "proxy-connection", proxyConnectionField)
	case 17:
		return kindIf(name, "transfer-encoding", codingField)
	}
	return ordinary
}

func kindIf(name, known string, k kind) kind {
	if message.EqualFold(name, known) {
		return k
	}
	return ordinary
}

// control is what the fields of a head say about its framing and about the
// connection, noticed as they are parsed so that nobody looks for it again.
type control struct {
	host   string
	hosts  int   // how many Host fields
	length int64 // of Content-Length, when hasLength
	// upgradeTo is the value of Upgrade; nothing when there are several.
	upgradeTo string

	hasLength bool
	chunked   bool // Transfer-Encoding: chunked

	close     bool // connection options
	keepAlive bool
	upgrade   bool
	nominates bool // there are options that may name fields
	options   int  // elements of Connection

	upgrades    int  // how many Upgrade fields
	expect      bool // Expect: 100-continue
	unknownHope bool // any other expectation
}

// note takes in a field of kind k. What can be wrong with a field whatever the
// others say is refused here.
func (c *control) note(k kind, value string) error {
	switch k {
	case hostField:
		c.host = value
		c.hosts++
	case lengthField:
		return c.noteLength(value)
	case codingField:
		if c.chunked || !message.EqualFold(value, "chunked") {
			return errCoding
		}
		c.chunked = true
	case connectionField:
		return c.noteOptions(value)
	case upgradeField:
		c.upgradeTo = value
		c.upgrades++
	case expectField:
		if message.EqualFold(value, "100-continue") {
			c.expect = true
		} else {
			c.unknownHope = true
		}
	case trailerField:
		return checkTrailerNames(value)
	}
	return nil
}

// noteLength takes in Content-Length: one field, digits only. A list of equal
// numbers, which RFC 9110 section 8.6 lets a recipient accept, is not.
func (c *control) noteLength(value string) error {
	if c.hasLength {
		return errLengthRepeated
	}
	c.hasLength = true
	if value == "" {
		return errLength
	}
	const largest = 1<<63 - 1
	for i := range len(value) {
		if message.Class[value[i]]&message.DigitByte == 0 {
			return errLength
		}
		digit := int64(value[i] - '0')
		if c.length > (largest-digit)/10 {
			return errLengthLarge
		}
		c.length = c.length*10 + digit
	}
	return nil
}

// maxOptions bounds the elements of Connection, the empty ones too: each of them
// is compared with the name of each field.
const maxOptions = 32

// noteOptions takes in Connection (RFC 9110 section 7.6.1).
func (c *control) noteOptions(list string) error {
	for option := range strings.SplitSeq(list, ",") {
		if c.options++; c.options > maxOptions {
			return errManyOptions
		}
		switch option = message.TrimBlanks(option); {
		case option == "":
		case message.EqualFold(option, "close"):
			c.close = true
		case message.EqualFold(option, "keep-alive"):
			c.keepAlive = true
		case message.EqualFold(option, "upgrade"):
			c.upgrade = true
		default:
			c.nominates = true
		}
	}
	return nil
}

// checkTrailerNames refuses the announcement of trailers that would change how
// the message is framed (RFC 9110 section 6.5.1).
func checkTrailerNames(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		switch kindOf(message.TrimBlanks(name)) {
		case lengthField, codingField, trailerField:
			return errTrailerName
		}
	}
	return nil
}

// protocol returns what the sender wants to switch to (RFC 9110 section 7.8),
// or "". Upgrade counts only where Connection names it, and not in HTTP/1.0.
// h2c is not passed on: nobody but a tunnel past this proxy has a use for it
// (RFC 9113 has removed it).
func (c *control) protocol(version message.Version) string {
	if !c.upgrade || c.upgrades != 1 || version == message.HTTP10 || message.ListHasToken(c.upgradeTo, "h2c") {
		return ""
	}
	return c.upgradeTo
}

// persistent reports whether the sender lets the connection be used again (RFC
// 9112 section 9.3).
func (c *control) persistent(version message.Version) bool {
	if c.close {
		return false
	}
	return version != message.HTTP10 || c.keepAlive
}
