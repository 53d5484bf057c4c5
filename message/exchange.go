package message

import (
	"errors"
	"net/netip"
	"strings"
	"unsafe"

	"pingap/loop"
)

// Handler answers exchanges: it reads x.Request and fills x.Response. An error
// means that there is no answer; the caller turns it into one (see proxy's
// table of outcomes). A handler runs in a coroutine and may park.
type Handler interface {
	Serve(x *Exchange) error
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(x *Exchange) error

// Serve calls f.
func (f HandlerFunc) Serve(x *Exchange) error { return f(x) }

// Exchange is one request and its response on their way through the proxy. It
// belongs to one loop and is used again for later exchanges: nothing of it may
// be kept after Serve's caller has finished with it.
type Exchange struct {
	// Loop is where the exchange runs: for Sleep, Await, Go and the time.
	Loop *loop.Loop

	Request  Request
	Response Response
	// Facts are promoted: their fields are read and set as the exchange's own.
	Facts

	captures []Capture
	aside    Header // see SetFieldsAside
	arena    arena
	bytes    BytesBody
	kept     [][]byte // buffers of Loop that views point into
	onEnd    []func(*Exchange)
	interim  func(status int, header *Header) error
	holds    int             // coroutines besides the handler's that work for it
	settling *loop.Coroutine // waits for them
}

// ErrClientGone is what parks return, and Failed holds, when the client has
// closed its connection before it had its answer.
var ErrClientGone = errors.New("client has closed the connection")

// Facts is what is known of an exchange besides its messages.
type Facts struct {
	// Client is the peer of the connection, Local its near end. Both are the
	// zero AddrPort on a Unix socket.
	Client netip.AddrPort
	Local  netip.AddrPort
	// ClientIP is the address of the client that the exchange is for: that of
	// the peer, or what a trusted proxy in front of this one reported.
	ClientIP netip.Addr
	// PeerTrusted is set when the peer is a trusted proxy, so that the
	// forwarded fields of the request may be believed.
	PeerTrusted bool
	// TLS tells about the client's connection; nil when it is in clear text.
	TLS *TLS
	// ConnectionID numbers the client's connections within the process.
	ConnectionID uint64
	// Reused is set when the client's connection has carried an exchange
	// before this one; ConnectedAt is when the connection began.
	Reused      bool
	ConnectedAt int64 // loop time, ns

	// Started is when the first byte of the request was there; Ended when the
	// last byte of the response was handed to the kernel. Loop time, ns.
	Started int64
	Ended   int64

	// Server, Location and Upstream are the names of the configured parts
	// that serve the exchange, "" until known.
	Server   string
	Location string
	// Instead is the name of the upstream that is asked instead of the
	// location's own, "" for that. A plugin may set it whose kind says which of
	// its keys names one.
	Instead string
	// RequestID is the id given by the request_id plugin, if any.
	RequestID string
	// Processing tells how many exchanges the server has in flight, this one
	// among them. It is counted when it is asked for. nil before there is a
	// server.
	Processing func() int64
	// Accepted tells how many exchanges the server has begun; nil like that.
	Accepted func() int64
	// LocationCounts tells both of the location. nil until there is one.
	LocationCounts func() (processing, accepted int64)

	// Sent counts the bytes of response content given to the client,
	// Received those of request content taken from it.
	Sent     int64
	Received int64
	// Failed is set with the error that cut the response short after its head
	// was sent, or that stood for the answer before. Cut is set with the former.
	Failed error
	Cut    bool

	Upstream    UpstreamFacts
	Compression CompressionFacts

	// CacheLookup is how long it took to look into a cache, CacheLock how long the
	// exchange waited there for another to fill it; ns, -1 for what did not happen.
	CacheLookup int64
	CacheLock   int64
}

// CompressionFacts is what became of response content that the proxy has
// compressed.
type CompressionFacts struct {
	Time   int64 // ns of work; -1 when there was none
	Before int64 // bytes
	After  int64 // bytes
}

// TLS is what is known of a client's TLS connection.
type TLS struct {
	Version       string // such as "TLSv1.3"
	Cipher        string // IANA name
	Protocol      string // agreed on by ALPN, such as "h2"; "" for none
	ServerName    string // that the client asked for; "" for none
	Resumed       bool   // an earlier session went on
	HandshakeTime int64  // ns
	Client        ClientCertificate
}

// ClientCertificate is who a client is by the certificate that it has shown, in
// printable ASCII. All but Verify is empty without one.
type ClientCertificate struct {
	Verify      string // NONE, SUCCESS or FAILED:reason
	Subject     string // a distinguished name, as in RFC 2253
	Issuer      string // likewise
	Serial      string // hexadecimal digits
	Fingerprint string // SHA-256, hexadecimal digits
}

// UpstreamFacts is what the exchange saw of its upstream; times in ns, -1 for
// what did not happen.
type UpstreamFacts struct {
	Name           string // configured name
	Addr           string // address of the peer that was chosen
	Status         int    // 0: no answer
	Reused         bool   // connection came from the pool
	Connected      int64  // connections open to this upstream, when counted
	ConnectTime    int64  // until usable, TLS included
	TCPConnectTime int64
	TLSTime        int64
	ProcessingTime int64 // from request sent to response head
	ResponseTime   int64 // from response head to end of body
	ConnectionTime int64 // age of the connection at the end
}

// Reset makes the exchange ready for the next request and keeps its memory
// and its Loop.
func (x *Exchange) Reset() {
	x.Request.Reset()
	x.Response.Reset()
	x.aside.Reset()
	clear(x.captures)
	clear(x.onEnd)
	x.arena.reset()
	for i, b := range x.kept {
		x.Loop.Release(b)
		x.kept[i] = nil
	}
	x.Facts = Facts{}
	x.Upstream.ConnectTime, x.Upstream.TCPConnectTime, x.Upstream.TLSTime = -1, -1, -1
	x.Upstream.ProcessingTime, x.Upstream.ResponseTime, x.Upstream.ConnectionTime = -1, -1, -1
	x.Compression.Time, x.CacheLookup, x.CacheLock = -1, -1, -1
	x.captures, x.onEnd, x.kept = x.captures[:0], x.onEnd[:0], x.kept[:0]
	x.bytes, x.interim, x.holds, x.settling = BytesBody{}, nil, 0, nil
}

// OnEnd registers f to run when the exchange has ended, whatever its outcome:
// after the response is written and Ended is set. Last registered runs first.
// f must not park.
func (x *Exchange) OnEnd(f func(*Exchange)) { x.onEnd = append(x.onEnd, f) }

// End runs what OnEnd registered. The codec calls it once, last of all.
func (x *Exchange) End() {
	for i := len(x.onEnd) - 1; i >= 0; i-- {
		x.onEnd[i](x)
	}
}

// ClientScheme returns "http" or "https": how the client reached this proxy, or as
// a trusted one in front says, how it reached the first of them (the leftmost element
// of X-Forwarded-Proto).
func (x *Exchange) ClientScheme() string {
	if x.PeerTrusted {
		if forwarded, ok := x.Request.Header.Lookup("X-Forwarded-Proto"); ok {
			first, _, _ := strings.Cut(forwarded, ",")
			if EqualFold(TrimBlanks(first), "https") {
				return "https"
			}
			return "http"
		}
	}
	return x.Request.Scheme
}

// Hold keeps the exchange, and all that is a view of it, as it is until
// Release. A second coroutine that works for an exchange, such as one that
// sends the request's content to an upstream while the response comes back,
// calls Hold before it is started and Release last of all. It has to come to
// its end soon after Request.Body or Response.Body is closed.
func (x *Exchange) Hold() { x.holds++ }

// Held reports whether a coroutine holds the exchange.
func (x *Exchange) Held() bool { return x.holds > 0 }

// Release ends what Hold began.
func (x *Exchange) Release() {
	if x.holds--; x.holds == 0 && x.settling != nil {
		x.settling.Wake()
	}
}

// Settle parks until nobody holds the exchange. Not even a canceled coroutine
// returns before that. The codec calls it ahead of End.
func (x *Exchange) Settle() {
	for x.holds > 0 {
		x.settling = x.Loop.Current()
		x.Loop.ParkThrough()
		x.settling = nil
	}
}

// await is Settle, but a canceled coroutine returns, with the reason.
func (x *Exchange) await() error {
	for x.holds > 0 {
		x.settling = x.Loop.Current()
		err := x.Loop.Park()
		x.settling = nil
		if err != nil {
			return err
		}
	}
	return nil
}

// SetInterim is called by the codec: send writes an interim (1xx) response to
// the client at once.
func (x *Exchange) SetInterim(send func(status int, header *Header) error) { x.interim = send }

// Interim sends an interim response (1xx other than 101, RFC 9110 section
// 15.2) to the client where its protocol version allows it, ahead of the
// final one.
func (x *Exchange) Interim(status int, header *Header) error {
	if x.interim == nil {
		return nil
	}
	return x.interim(status, header)
}

// Capture is a named value taken from the request by a host or path pattern.
type Capture struct {
	Name, Value string
}

// SetCapture records a capture; a later one of the same name replaces it.
func (x *Exchange) SetCapture(name, value string) {
	for i := range x.captures {
		if x.captures[i].Name == name {
			x.captures[i].Value = value
			return
		}
	}
	x.captures = append(x.captures, Capture{Name: name, Value: value})
}

// Capture returns a captured value and whether there is one of that name.
func (x *Exchange) Capture(name string) (string, bool) {
	for i := range x.captures {
		if x.captures[i].Name == name {
			return x.captures[i].Value, true
		}
	}
	return "", false
}

// SetFieldsAside keeps the request's fields as they are until RestoreFields, so
// that they can be changed for the upstream alone: what the client has sent is
// what logs and error pages are about. It is not to be called again in between.
func (x *Exchange) SetFieldsAside() {
	x.aside.fields = append(x.aside.fields[:0], x.Request.Header.fields...)
}

// RestoreFields undoes what was done to the request's fields since
// SetFieldsAside.
func (x *Exchange) RestoreFields() {
	x.aside, x.Request.Header = x.Request.Header, x.aside
	x.aside.Reset()
}

// Buffer returns an empty byte slice of capacity n that lives as long as the
// exchange, for values built on the way. It takes memory that the exchange
// keeps, so that steady use does not allocate.
func (x *Exchange) Buffer(n int) []byte { return x.arena.take(n) }

// Scratch returns an empty byte slice for a value whose length is not known yet:
// appending may use all memory that the exchange has left. Nothing else may be
// taken from the exchange until Finish.
func (x *Exchange) Scratch() []byte { return x.arena.rest() }

// Finish ends the building of a value in Scratch, and returns it as a string that
// lives as long as the exchange.
func (x *Exchange) Finish(value []byte) string {
	x.arena.finish(value)
	return View(value)
}

// Keep takes over a buffer of Loop that views of the exchange point into, such
// as the head of a response whose connection is used again before the exchange
// has ended. Reset gives it back.
func (x *Exchange) Keep(buffer []byte) { x.kept = append(x.kept, buffer) }

// BytesBody returns a Body of data, which is not copied. It is the exchange's
// own: there is one at a time.
func (x *Exchange) BytesBody(data []byte) Body {
	x.bytes.Data = data
	return &x.bytes
}

// Concat joins parts into a string that lives as long as the exchange.
func (x *Exchange) Concat(parts ...string) string {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b := x.Buffer(n)
	for _, p := range parts {
		b = append(b, p...)
	}
	return View(b)
}

// View returns b as a string without copying. The string changes when b does:
// use it only for bytes that stay as they are while the string is used.
func View(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// arena hands out memory that is taken back all at once.
type arena struct {
	block []byte // len is what has been handed out
}

const arenaBlock = 1024

func (a *arena) take(n int) []byte {
	if cap(a.block)-len(a.block) < n {
		// The full block stays alive through the slices handed out of it.
		a.block = make([]byte, 0, max(arenaBlock, 2*cap(a.block), n))
	}
	start := len(a.block)
	a.block = a.block[:start+n]
	return a.block[start : start : start+n]
}

// rest is what take has not handed out.
func (a *arena) rest() []byte { return a.block[len(a.block):] }

// finish counts value, which has been appended to rest, as handed out. If it had
// to move for want of room, there will be enough for another like it.
func (a *arena) finish(value []byte) {
	if cap(value) == cap(a.block)-len(a.block) {
		a.block = a.block[:len(a.block)+len(value)]
		return
	}
	a.block = make([]byte, 0, max(arenaBlock, 2*cap(a.block), 2*len(value)))
}

// maxKeptArena bounds what an idle exchange keeps: one request with large
// values must not hold its memory for ever.
const maxKeptArena = 64 << 10

func (a *arena) reset() {
	if cap(a.block) > maxKeptArena {
		a.block = nil
	}
	a.block = a.block[:0]
}
