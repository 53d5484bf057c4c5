package http1

import (
	"bytes"

	"pingap/message"
)

// Limits bound what a head may take. A zero means the default.
type Limits struct {
	// RequestLine is the length of the request line in bytes, line end
	// included; a longer one is answered with 414. Default 8 KiB.
	RequestLine int
	// Head is the length of a whole head, and of a trailer section; a longer
	// one is answered with 431. Default 32 KiB.
	Head int
	// Fields is how many fields a head or trailer section may have; more are
	// answered with 431. Default 128.
	Fields int
}

func (l Limits) withDefaults() Limits {
	if l.RequestLine <= 0 {
		l.RequestLine = 8 << 10
	}
	if l.Head <= 0 {
		l.Head = 32 << 10
	}
	if l.Fields <= 0 {
		l.Fields = 128
	}
	l.RequestLine = min(l.RequestLine, l.Head-len(crlf))
	return l
}

// requestHead parses a request head piece by piece. The zero value is ready
// for a head; a head whose bytes have been moved begins anew with the zero
// value (and an empty request).
type requestHead struct {
	fields    fieldLines
	authority string // named by the request target, or ""
	started   bool   // the request line is parsed
}

// parse goes on with b: the bytes since the end of the last message, those of
// earlier calls included and at the same address. It fills req, except for
// Scheme and Body, and returns the length of the head and how the content is
// framed. It returns errIncomplete when more is needed, and an *Error when the
// message is refused; req then holds what was understood.
func (p *requestHead) parse(b []byte, req *message.Request, limits *Limits) (n int, f framing, err error) {
	if !p.started {
		if err := p.start(b, req, limits.RequestLine); err != nil {
			return 0, 0, err
		}
	}
	if err := p.fields.parse(b[:min(len(b), limits.Head)], &req.Header, limits.Fields); err != nil {
		if err == errIncomplete && len(b) >= limits.Head {
			err = errLargeHead
		}
		return 0, 0, err
	}
	f, err = p.finish(req)
	return p.fields.pos, f, err
}

// start parses the request line. One empty line before it is passed over: old
// clients sent it after a request's content (RFC 9112 section 2.2). More are
// refused, so that nobody keeps a connection alive with nothing.
func (p *requestHead) start(b []byte, req *message.Request, limit int) error {
	skip := 0
	switch {
	case bytes.HasPrefix(b, crlf):
		skip = 2
	case len(b) == 0, len(b) == 1 && b[0] == '\r':
		return errIncomplete
	case b[0] == '\n':
		return errBareLF
	}
	line := b[skip:min(len(b), skip+limit)]
	if skip > 0 && bytes.HasPrefix(line, crlf) {
		return errEmptyLines
	}
	if p.fields.scanned > skip {
		if bytes.IndexByte(b[p.fields.scanned:skip+len(line)], '\n') < 0 {
			return p.incomplete(len(line), skip, limit)
		}
	}
	n, authority, err := parseRequestLine(line, req)
	if err != nil {
		if err == errIncomplete {
			err = p.incomplete(len(line), skip, limit)
		}
		return err
	}
	p.authority = authority
	p.started = true
	p.fields.pos, p.fields.scanned = skip+n, skip+n
	return nil
}

// incomplete notes that there is no line end in the line so far.
func (p *requestHead) incomplete(length, skip, limit int) error {
	if length >= limit {
		return errURITooLong
	}
	p.fields.scanned = skip + length
	return errIncomplete
}

var crlf = []byte("\r\n")

// finish checks what only the whole head tells.
func (p *requestHead) finish(req *message.Request) (framing, error) {
	c := &p.fields.control
	if err := settleHost(req, p.authority, c); err != nil {
		return 0, err
	}
	f, length, err := requestFraming(req.Version, c)
	if err != nil {
		return 0, err
	}
	if f != noContent && req.Method == "CONNECT" {
		return 0, errConnectContent
	}
	if c.unknownHope {
		return 0, errExpectation
	}
	req.Length = length
	req.Upgrade = c.protocol(req.Version)
	if c.nominates {
		removeNominated(&req.Header)
	}
	return f, nil
}

// responseHead parses a response head piece by piece, as requestHead does with
// a request's.
type responseHead struct {
	fields  fieldLines
	version message.Version // what the server speaks, once started
	started bool
}

// parse goes on with b, as requestHead.parse does. It fills Status, Header and
// Length of resp; method is that of the request, which decides whether there
// is content. Afterwards persistent tells whether the connection may be used
// again once the content has been read.
func (p *responseHead) parse(b []byte, method string, resp *message.Response, limits *Limits) (n int, f framing, err error) {
	b = b[:min(len(b), limits.Head)]
	if !p.started {
		if n, resp.Status, p.version, err = parseStatusLine(b); err == nil {
			p.started = true
			p.fields.pos, p.fields.scanned = n, n
		}
	}
	if p.started {
		err = p.fields.parse(b, &resp.Header, limits.Fields)
	}
	if err != nil {
		if err == errIncomplete && len(b) == limits.Head {
			err = errLargeHead
		}
		return 0, 0, err
	}
	c := &p.fields.control
	if f, resp.Length, err = responseFraming(method, resp.Status, p.version, c); err != nil {
		return 0, 0, err
	}
	if c.nominates {
		removeNominated(&resp.Header)
	}
	return p.fields.pos, f, nil
}

// persistent reports whether the server keeps the connection open.
func (p *responseHead) persistent() bool { return p.fields.control.persistent(p.version) }
