package http2

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"

	"pingap/loop"
	"pingap/message"
)

// exchange is a stream of a client: it is the coroutine's Task, and what an
// exchange needs. Exchanges are pooled by their front.
type exchange struct {
	stream
	front  *front
	server *serverConn
	co     *loop.Coroutine // runs the exchange
	x      message.Exchange

	refusal *message.Refusal // the handler does not get to see the request
	connect bool             // an extended CONNECT (RFC 8441)
	begun   bool             // the final header section is in the output
	done    bool             // Run has come to its end, not to a panic
	parting bool             // it has given its answer, and waits for its end
	relay   message.Relay

	// Bound once, so that setting them does not allocate.
	sendInterim  func(int, *message.Header) error
	sendContinue func() error
	failedStream func(error)
}

func newExchange(f *front) *exchange {
	e := &exchange{front: f}
	e.x.Loop = f.loop
	e.x.Reset()
	e.sendInterim = e.interim
	e.sendContinue = func() error { return e.interim(100, &message.Header{}) }
	e.failedStream = e.over
	return e
}

// Refusals of requests that could be read.
var (
	errHostMismatch    = message.Refuse(400, "Host differs from :authority")
	errHostRepeated    = message.Refuse(400, "Host is repeated")
	errLargeSection431 = message.Refuse(431, "the header section is too large")
	errBodyLate        = message.Refuse(408, "content did not come in time")
	errNoAnswer        = message.Refuse(500, "handler gave no valid response")
	errPanic           = message.Refuse(500, "handler panicked")
	errNoUpgrade       = message.Refuse(502, "the upstream did not switch protocols")
)

// fill makes the request of the section that has been decoded. It reports false
// when the request is malformed (RFC 9113 section 8.1.1); a refusal is for what
// is wrong in a way that can be answered.
func (e *exchange) fill(c *serverConn, end bool) (refusal *message.Refusal, ok bool) {
	b := c.block
	p := &b.pseudo
	req := &e.x.Request
	req.Version = message.HTTP2
	req.Method = p.method
	req.Scheme = "http"
	if c.tls != nil {
		req.Scheme = "https"
	}
	e.connect = false
	const target = sawScheme | sawPath
	switch {
	case p.seen&sawStatus != 0, !isToken(p.method):
		return nil, false
	case b.tooLarge: // whatever is missing may be what was too large
		return errLargeSection431, true
	case p.seen&sawProtocol != 0:
		if p.method != "CONNECT" || p.seen&target != target || p.seen&sawAuthority == 0 || !isToken(p.protocol) {
			return nil, false
		}
		e.connect = true
	case p.method == "CONNECT":
		if p.seen&target != 0 || p.seen&sawAuthority == 0 {
			return nil, false
		}
	case p.seen&target != target || p.path == "" || p.scheme == "":
		return nil, false
	}
	if end && b.length > 0 {
		return nil, false
	}
	if e.connect && message.EqualFold(p.protocol, "h2c") {
		return message.ErrConnect, true // a tunnel past this proxy, as by HTTP/1
	}
	return e.fillTarget(b), true
}

// fillTarget fills in where the request goes.
func (e *exchange) fillTarget(b *block) *message.Refusal {
	p := &b.pseudo
	req := &e.x.Request
	req.Host = p.authority
	switch {
	case b.hosts > 1:
		return errHostRepeated
	case b.hosts == 1 && p.seen&sawAuthority == 0:
		req.Host = b.host
	case b.hosts == 1 && !message.EqualFold(b.host, p.authority):
		return errHostMismatch
	}
	if err := message.CheckAuthority(req.Host); err != nil {
		return err
	}
	if p.method == "CONNECT" && !e.connect {
		return nil
	}
	if err := message.CheckTarget(p.path); err != nil {
		return err
	}
	switch {
	case p.path == "*" && p.method == "OPTIONS":
		req.Path = p.path
	case p.path[0] != '/':
		return message.ErrTargetByte
	default:
		return message.SplitPath(req, p.path)
	}
	return nil
}

func isToken(s string) bool {
	for i := range len(s) {
		if message.Class[s[i]]&message.TokenByte == 0 {
			return false
		}
	}
	return s != ""
}

// start makes e the exchange of stream id.
func (e *exchange) start(c *serverConn, id uint32, refusal *message.Refusal, end bool) {
	e.open(&c.conn, id)
	e.server, e.refusal = c, refusal
	e.begun, e.done = false, false
	e.onFail, e.late = e.failedStream, errBodyLate
	e.readTime, e.writeTime = c.front.timeouts.Body, c.front.timeouts.Write
	x := &e.x
	req := &x.Request
	x.Started = c.loop.Now()
	x.Client = c.raw.RemoteAddrPort()
	x.Local = c.local
	x.TLS = c.tls
	x.ConnectionID = c.id
	x.ConnectedAt = c.connectedAt
	x.Reused = c.served > 0
	x.SetInterim(e.sendInterim)
	e.section = &req.Trailer
	e.priority = c.priorityOf(id, req.Header.Get("priority"))
	switch {
	case e.connect:
		e.upgrade(c.block.pseudo.protocol)
	case end:
		e.endRemote(io.EOF)
	default:
		e.length = c.block.length
		req.Length, req.Body = c.block.length, e
		if message.EqualFold(req.Header.Get("expect"), "100-continue") {
			e.expect = e.sendContinue
		}
	}
}

// Next implements message.Body for the content of the request.
func (e *exchange) Next() ([]byte, error) {
	if e.x.Request.Live {
		e.readTime = 0
	}
	return e.stream.Next()
}

// upgrade makes of an extended CONNECT (RFC 8441) the request of HTTP/1.1 that
// asks for the same.
func (e *exchange) upgrade(protocol string) {
	req := &e.x.Request
	req.Method, req.Upgrade = "GET", protocol
	if protocol == "websocket" && !req.Header.Has("sec-websocket-key") {
		var nonce [16]byte
		rand.Read(nonce[:])
		req.Header.Add("sec-websocket-key", base64.StdEncoding.EncodeToString(nonce[:]))
	}
}

// over hears that the stream has failed: its client has gone, or is refused.
func (e *exchange) over(err error) {
	if e.readErr == err {
		e.readErr = message.ErrClientGone
	}
	if e.co != nil {
		e.co.Cancel(message.ErrClientGone)
	}
}

// Run implements loop.Task: it serves the exchange.
func (e *exchange) Run() {
	e.co = e.conn.loop.Current()
	defer e.rescue()
	switch {
	case e.failed != nil: // before it could begin, as in a flood of resets
		e.gone()
	case e.refusal != nil:
		e.refuse(e.refusal)
	default:
		e.answer(e.front.handler.Serve(&e.x))
	}
	e.end()
	e.done = true
}

// answer sends what the handler has given, which may be an error.
func (e *exchange) answer(err error) {
	x := &e.x
	if err != nil {
		x.Failed = err
	}
	if e.failed != nil || e.co.Canceled() != nil || errors.Is(err, message.ErrClientGone) {
		e.gone()
		return
	}
	if x.Response.Status == 0 || !e.valid() {
		e.x.Replace(e.why())
	}
	e.write()
}

// gone ends an exchange whose client will not see an answer.
func (e *exchange) gone() {
	e.x.Failed = message.ErrClientGone
	e.x.Response.Status = statusClientGone
}

// statusClientGone stands in logs for the answer to a client that has not
// waited for it.
const statusClientGone = 499

// valid reports whether the response can be sent as an answer to the request.
func (e *exchange) valid() bool {
	r := &e.x.Response
	switch {
	case r.Status == 101:
		return r.Tunnel != nil && e.connect
	case e.connect && r.Status/100 == 2:
		return false
	case e.x.Request.Method == "CONNECT" && r.Status/100 == 2:
		return r.Tunnel != nil
	}
	return r.Status >= 200 && r.Status <= 599 && r.Length >= message.UnknownLength
}

// why is the reason for which there is no answer from the handler: the request's
// content, where that is what was wrong.
func (e *exchange) why() *message.Refusal {
	if bad, ok := e.readErr.(*message.Refusal); ok {
		return bad
	}
	switch {
	case e.connect && e.x.Response.Status/100 == 2:
		return errNoUpgrade
	case e.x.Request.Method == "CONNECT" && e.x.Response.Status/100 == 2:
		return message.ErrConnect
	}
	if e.x.Failed == nil {
		e.x.Failed = errNoAnswer
	}
	return errNoAnswer
}

// refuse answers a request that the handler does not get to see.
func (e *exchange) refuse(why *message.Refusal) {
	e.x.Failed = why
	e.x.Response.Status = why.Status
	e.front.refuse(&e.x, why)
	e.write()
}

// end ends the exchange, whatever has become of it, once nobody works for it any
// more.
func (e *exchange) end() {
	x, c := &e.x, e.server
	if e.failed == nil && e.localDone && !e.parting {
		e.parting = true
		c.parting++
	}
	x.Response.Close()
	x.Request.Body.Close()
	e.Close()
	x.Settle()
	if e.failed == nil && !e.remoteDone {
		// The client need not send the rest (RFC 9113 section 8.1).
		e.abort(NoError, "the answer needs no more of the request")
	}
	if e.failed == nil && !e.localDone {
		e.abort(InternalError, "no answer")
	}
	e.await()
	x.Received += e.received
	x.Ended = c.loop.Now()
	e.front.counts.Active.Add(-1)
	x.End()
	c.running--
	if e.parting {
		e.parting = false
		c.parting--
	}
	if e.failed == nil && e.refusal == nil {
		c.owe(worthOfUse)
	}
	c.rest()
	e.server = nil
	e.front.give(e)
}

// await parks until no other coroutine reads the request's content.
func (e *exchange) await() {
	for e.reader != nil {
		e.conn.loop.Yield()
	}
}

// rescue deals with a panic on its way to the loop, which reports it: the
// exchange gets its end in a fresh coroutine, since this one must not park.
func (e *exchange) rescue() {
	if !e.done {
		e.co = e.conn.loop.Go(loop.TaskFunc(e.salvage))
	}
}

// salvage ends what a panic has left.
func (e *exchange) salvage() {
	e.x.Failed = errPanic
	if !e.begun && e.failed == nil {
		e.x.Replace(errPanic)
		e.write()
	}
	e.end()
}
