package http2

import (
	"golang.org/x/net/http2/hpack"

	"pingap/message"
)

// Limits bound what a message may take.
type Limits struct {
	// Head is the greatest size of a header or trailer section, as RFC 9113
	// section 6.5.2 counts it: 32 bytes more for each field. Default 64 KiB.
	Head int
	// Fields is how many fields a section may have. Default 100.
	Fields int
}

func (l Limits) withDefaults() Limits {
	if l.Head <= 0 {
		l.Head = 64 << 10
	}
	if l.Fields <= 0 {
		l.Fields = 100
	}
	return l
}

// block is a header section as it comes in: first its fragments, then its
// fields.
type block struct {
	limits  Limits
	decoder *hpack.Decoder

	// The fragments so far, where there is more than one frame.
	stream    uint32
	flags     uint8 // of HEADERS
	open      bool  // CONTINUATION must follow
	fragments []byte
	frames    int

	// The fields.
	pseudo    pseudo
	header    *message.Header
	size      int
	tooLarge  bool   // the section is over a limit
	malformed string // what is wrong, "" for nothing
	regular   bool   // a regular field has come
	length    int64  // of content-length, -1 without
	hosts     int
	host      string
	cookies   int
	crumbs    []byte // the cookies so far
}

// pseudo are the pseudo-header fields of a section (RFC 9113 section 8.3).
type pseudo struct {
	method, scheme, authority, path, protocol, status string
	seen                                              uint8 // a bit for each
}

const (
	sawMethod = 1 << iota
	sawScheme
	sawAuthority
	sawPath
	sawProtocol
	sawStatus
)

// maxContinuations is how many CONTINUATION frames a section may take: whoever
// sends a section within our limits needs a handful.
const maxContinuations = 16

func newBlock(limits Limits) *block {
	b := &block{limits: limits}
	b.decoder = hpack.NewDecoder(4096, b.field)
	return b
}

var (
	errManyFragments = &connError{EnhanceYourCalm, "a header section in too many frames"}
	errLargeSection  = &connError{EnhanceYourCalm, "a header section that is far too large"}
)

// add takes a fragment. It returns the whole section when the last one is
// there: that is a view of fragment where it is the only one.
func (b *block) add(fragment []byte, last bool) (section []byte, err error) {
	if last && !b.open {
		return fragment, nil
	}
	if b.open {
		if b.frames++; b.frames > maxContinuations {
			return nil, errManyFragments
		}
	}
	// What is compressed is hardly larger than what it stands for, and what
	// it stands for is no string that is twice as long.
	if len(b.fragments)+len(fragment) > b.limits.Head+leastMaxFrame {
		return nil, errLargeSection
	}
	b.fragments = append(b.fragments, fragment...)
	b.open = !last
	if !last {
		return nil, nil
	}
	b.frames = 0
	return b.fragments, nil
}

// decode reads a section. Regular fields go to h; what else is found out stays
// in b until the next call. Even a section that is refused has to be decoded,
// since the tables of both ends must stay the same (RFC 9113 section 4.3).
func (b *block) decode(section []byte, h *message.Header) error {
	b.header = h
	b.pseudo = pseudo{}
	b.size, b.length, b.hosts, b.cookies = 0, -1, 0, 0
	b.tooLarge, b.regular = false, false
	b.malformed, b.host = "", ""
	b.decoder.SetEmitEnabled(true)
	_, err := b.decoder.Write(section)
	if err == nil {
		err = b.decoder.Close()
	}
	if b.cookies > 1 {
		h.Set("cookie", string(b.crumbs))
	}
	b.header, b.fragments = nil, nil // an idle connection holds no buffer
	switch {
	case err != nil:
		return &connError{CompressionError, "a header section cannot be decoded: " + err.Error()}
	case b.bomb():
		return errLargeSection
	}
	return nil
}

// bombSize is by how much a section may be over its limit to be answered. In a
// byte a field can be named again that is as large as the table: who sends more
// than this has not made a mistake.
const bombSize = 8

// bomb reports whether the section has become as large as that.
func (b *block) bomb() bool { return b.size > bombSize*b.limits.Head }

// field takes a field as it is decoded.
func (b *block) field(f hpack.HeaderField) {
	b.size += len(f.Name) + len(f.Value) + 32
	switch {
	case b.bomb():
		b.decoder.SetEmitEnabled(false) // decode sees it
	case b.size > b.limits.Head || b.header.Len() >= b.limits.Fields:
		b.tooLarge = true
	case b.malformed != "":
	case f.Name != "" && f.Name[0] == ':':
		b.notePseudo(f.Name, f.Value)
	default:
		b.note(f.Name, f.Value)
	}
}

func (b *block) notePseudo(name, value string) {
	p := &b.pseudo
	bit, to := uint8(0), (*string)(nil)
	switch name {
	case ":method":
		bit, to = sawMethod, &p.method
	case ":scheme":
		bit, to = sawScheme, &p.scheme
	case ":authority":
		bit, to = sawAuthority, &p.authority
	case ":path":
		bit, to = sawPath, &p.path
	case ":protocol":
		bit, to = sawProtocol, &p.protocol
	case ":status":
		bit, to = sawStatus, &p.status
	}
	switch {
	case to == nil:
		b.malformed = "an unknown pseudo-header field"
	case b.regular:
		b.malformed = "a pseudo-header field after a regular one"
	case p.seen&bit != 0:
		b.malformed = "a repeated pseudo-header field"
	case !validValue(value):
		b.malformed = "a control character in a pseudo-header field"
	}
	if b.malformed == "" {
		p.seen |= bit
		*to = value
	}
}

// note takes a regular field.
func (b *block) note(name, value string) {
	b.regular = true
	switch {
	case !validName(name):
		b.malformed = "a field name that is not a token in lower case"
		return
	case !validValue(value):
		b.malformed = "a field value with a control character or blanks around it"
		return
	}
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		b.malformed = "a field that is about an HTTP/1 connection"
		return
	case "te":
		if value != "trailers" {
			b.malformed = "TE other than trailers"
			return
		}
	case "content-length":
		b.noteLength(value)
	case "host":
		b.hosts++
		b.host = value
	case "cookie":
		// One field is made of several, as HTTP/1 wants it (RFC 9113 section
		// 8.2.3), when all are there.
		if b.cookies++; b.cookies > 1 {
			b.crumbs = append(append(b.crumbs, "; "...), value...)
			return
		}
		b.crumbs = append(b.crumbs[:0], value...)
	}
	b.header.Add(name, value)
}

// noteLength takes Content-Length: digits, and the same each time.
func (b *block) noteLength(value string) {
	n := int64(0)
	for i := range len(value) {
		digit := int64(value[i]) - '0'
		if digit < 0 || digit > 9 || n > (1<<63-1-digit)/10 {
			n = -1
			break
		}
		n = n*10 + digit
	}
	if value == "" || n < 0 || b.length >= 0 {
		b.malformed = "Content-Length is not one number"
		return
	}
	b.length = n
}

// validName reports whether name is a token without capital letters (RFC 9113
// section 8.2.1).
func validName(name string) bool {
	for i := range len(name) {
		if c := name[i]; message.Class[c]&message.TokenByte == 0 || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return name != ""
}

// validValue reports whether value may be one of a field (RFC 9113 section
// 8.2.1, RFC 9110 section 5.5).
func validValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return message.TrimBlanks(value) == value
}
