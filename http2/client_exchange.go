package http2

import (
	"errors"
	"io"
	"os"

	"pingap/loop"
	"pingap/message"
)

// clientExchange is a stream to a peer: the message.Body of its response, and
// the Task that sends the content of its request.
type clientExchange struct {
	stream
	client *Client
	x      *message.Exchange // nil when it has ended
	co     *loop.Coroutine   // waits for the header section
	ended  func()

	status   int
	interims int
	begun    bool  // the final header section is there
	result   error // what Next returns when x is nil
	bad      error
	upload
	sentAt int64 // loop time
	headAt int64

	// Bound once, so that setting them does not allocate.
	recycled func(*message.Exchange)
	sectionF func(bool) error
	failedF  func(error)
}

func newClientExchange(c *Client) *clientExchange {
	t := &clientExchange{client: c}
	t.recycled, t.sectionF, t.failedF = t.recycle, t.response, t.over
	return t
}

// begin opens the stream and sends the request.
func (t *clientExchange) begin(x *message.Exchange, ended func()) {
	c := t.client
	t.open(&c.conn, c.next)
	c.next += 2
	c.using++
	c.raw.SetIdleTimeout(0)
	t.x, t.ended = x, ended
	t.status, t.interims, t.begun, t.bad = 0, 0, false, nil
	t.upload.reset()
	t.sentAt, t.headAt = x.Loop.Now(), 0
	t.onSection, t.onFail = t.sectionF, t.failedF
	t.readTime, t.writeTime = c.options.ReadTimeout, c.options.WriteTimeout
	t.section, t.headless = &x.Response.Header, true
	x.OnEnd(t.recycled)
	x.Response.Body = t
	alone := x.Request.Length == 0
	t.writeHead(alone)
	if alone {
		t.endLocal()
		return
	}
	t.startUpload(x)
}

// writeHead puts the header section of the request into the output.
func (t *clientExchange) writeHead(alone bool) {
	c := t.client
	req := &t.x.Request
	authority := req.Host
	if authority == "" {
		authority = c.options.Peer
	}
	room := headerSize(&req.Header) + len(req.Method) + len(authority) + len(req.Path) + len(req.Query) + 96
	s, b := c.beginSection(room)
	switch req.Method {
	case "GET":
		b = append(b, indexedField|indexMethod)
	case "POST":
		b = append(b, indexedField|indexMethod+1)
	default:
		b = appendLiteral(b, indexMethod, req.Method)
	}
	scheme := byte(indexScheme)
	if c.options.Secure {
		scheme++
	}
	b = append(b, indexedField|scheme)
	b = appendLiteral(b, indexAuthority, authority)
	b = appendPath(b, req)
	for _, f := range req.Header.Fields() {
		if t.passedOn(f) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	if req.Length > 0 {
		b = appendLength(b, req.Length)
	}
	s.end(b, t.id, alone)
}

// passedOn reports whether a field of the request goes to the peer as it is.
func (t *clientExchange) passedOn(f message.Field) bool {
	switch len(f.Name) {
	case 2:
		return !message.EqualFold(f.Name, "te") || message.EqualFold(f.Value, "trailers")
	case 4:
		return !message.EqualFold(f.Name, "host")
	case 6:
		return !message.EqualFold(f.Name, "expect")
	case 14:
		if message.EqualFold(f.Name, "content-length") {
			return false
		}
	}
	return !connectionSpecific(f.Name)
}

// appendPath appends :path. What a rewrite has made of it may hold anything, so
// bytes that may not stand in a path are percent-encoded.
func appendPath(b []byte, req *message.Request) []byte {
	n := escapedLength(req.Path)
	if req.HasQuery {
		n += 1 + escapedLength(req.Query)
	}
	b = appendNumber(b, notIndexed, 4, indexPath)
	b = appendNumber(b, 0, 7, uint64(n))
	b = message.AppendEscaped(b, req.Path)
	if req.HasQuery {
		b = append(b, '?')
		b = message.AppendEscaped(b, req.Query)
	}
	return b
}

func escapedLength(s string) int {
	n := len(s)
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			n += 2
		}
	}
	return n
}

// maxInterim bounds the interim responses to one request.
const maxInterim = 100

// Errors of responses that HTTP does not allow.
var (
	errManyInterim = errors.New("too many interim responses")
	errMalformed   = errors.New("the header section is malformed")
	errLargeHead   = errors.New("the header section is too large")
)

// response takes a header section of the peer's.
func (t *clientExchange) response(end bool) error {
	b := t.client.block
	switch {
	case b.tooLarge:
		t.refuse(errLargeHead)
	case b.malformed != "":
		t.refuse(errors.New("malformed: " + b.malformed))
	case t.begun:
		t.trailers(b, end)
	default:
		t.final(b, end)
	}
	return nil
}

// refuse ends the stream for an error of the peer's.
func (t *clientExchange) refuse(err error) {
	t.bad = err
	t.abort(ProtocolError, err.Error())
}

// trailers takes the section that ends the content.
func (t *clientExchange) trailers(b *block, end bool) {
	if !end || b.pseudo.seen != 0 || t.length >= 0 && t.received != t.length {
		t.refuse(errMalformed)
		return
	}
	dropFraming(t.section)
	t.endRemote(io.EOF)
}

// final takes the section of a response, which may be an interim one.
func (t *clientExchange) final(b *block, end bool) {
	status, ok := parseStatus(b.pseudo.status)
	if !ok || b.pseudo.seen != sawStatus || status == 101 || status < 200 && end {
		t.refuse(errMalformed)
		return
	}
	resp := &t.x.Response
	if status < 200 {
		if t.interims++; t.interims > maxInterim {
			t.refuse(errManyInterim)
			return
		}
		t.x.Interim(status, &resp.Header)
		resp.Header.Reset()
		return
	}
	resp.Status, resp.Length = status, b.length
	t.length = b.length
	switch {
	case t.x.Request.Method == "HEAD", status == 304:
		t.length = 0
	case status == 204:
		t.length, resp.Length = 0, 0
	case end && b.length > 0:
		t.refuse(errMalformed)
		return
	case end:
		resp.Length = 0
	}
	t.begun, t.headless, t.status = true, false, status
	t.section = &resp.Trailer
	t.headAt = t.client.loop.Now()
	up := &t.x.Upstream
	up.Status = status
	up.ProcessingTime = max(t.headAt-t.sentAt, 0)
	if end {
		t.endRemote(io.EOF)
	}
	if t.co != nil {
		t.co.Wake()
	}
}

func parseStatus(s string) (int, bool) {
	if len(s) != 3 {
		return 0, false
	}
	n := 0
	for i := range 3 {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, n >= 100
}

// over hears that the stream has failed.
func (t *clientExchange) over(error) {
	if t.co != nil {
		t.co.Wake()
	}
}

// receive parks until the header section of the final response is there.
func (t *clientExchange) receive() error {
	l := t.client.loop
	t.co = l.Current()
	defer func() { t.co = nil }()
	waited := l.Now()
	for !t.begun {
		if t.failed != nil {
			return t.why(t.failed)
		}
		deadline := int64(0)
		if t.readTime > 0 && t.uploading == nil {
			deadline = max(waited, t.sentAt) + int64(t.readTime)
		}
		if err := l.ParkUntil(deadline); err != nil && !t.begun {
			return t.why(err)
		}
	}
	return nil
}

// why makes the error of the exchange of what ended it.
func (t *clientExchange) why(err error) error {
	switch {
	case t.uploadErr != nil && !errors.Is(t.uploadErr, err):
		return t.uploadErr
	case err == t.client.loop.Current().Canceled():
		return err
	case err == os.ErrDeadlineExceeded:
		return &message.UpstreamError{Failure: message.ReadTimeout, Peer: t.client.options.Peer, Err: err, Sent: true, Received: t.begun, Consumed: true}
	case t.bad != nil:
		err = t.bad
	}
	return t.upstreamError(err)
}

// Next implements message.Body.
func (t *clientExchange) Next() ([]byte, error) {
	if t.x == nil {
		return nil, t.result
	}
	view, err := t.stream.Next()
	switch {
	case err == nil:
		return view, nil
	case t.x == nil:
		return nil, t.result // closed meanwhile
	case err == io.EOF:
		t.end(nil)
		return nil, io.EOF
	}
	if _, done := err.(*message.UpstreamError); !done {
		err = t.why(err)
	}
	t.readErr = err
	t.end(err)
	return nil, err
}

// Close implements message.Body.
func (t *clientExchange) Close() {
	if t.x != nil {
		t.end(errClosed)
	}
}

// end ends the use of the connection: err is nil when the response was read to
// its end.
func (t *clientExchange) end(err error) {
	x := t.x
	if x == nil {
		return
	}
	t.x, t.result = nil, err
	if err == nil {
		t.result = io.EOF
	}
	t.stream.Close()
	switch {
	case t.failed != nil:
	case err != nil || !t.remoteDone:
		t.abort(Cancel, "the response is wanted no more")
	case !t.localDone:
		t.abort(NoError, "the peer has answered without the rest of the request")
	}
	if t.headAt != 0 {
		x.Upstream.ResponseTime = t.client.loop.Now() - t.headAt
	}
	c := t.client
	if err == nil {
		c.owe(worthOfUse)
	}
	c.using--
	c.rest()
	t.ended()
}

// recycle makes it ready for another exchange.
func (t *clientExchange) recycle(*message.Exchange) {
	t.Close()
	t.ended = nil
	t.client.spares.Keep(t)
}
