// Package message holds what every wire version of HTTP becomes: requests,
// responses, header fields, bodies, and the exchange that carries one of each
// through the proxy. HTTP/1, HTTP/2 and HTTP/3 fill the same types, and nothing
// behind the codecs asks which it was except through the exchange's own fields.
//
// Strings in these types are mostly views of a connection's buffer: they are
// valid until the exchange ends. Whoever keeps one longer clones it.
package message

import (
	"io"
	"strings"
	"time"
)

// Version is the HTTP version of a message as its sender wrote it.
type Version uint8

// The versions of HTTP the proxy speaks.
const (
	HTTP10 Version = 10
	HTTP11 Version = 11
	HTTP2  Version = 20
	HTTP3  Version = 30
)

// String returns the version as it stands in a request line, such as HTTP/1.1.
func (v Version) String() string {
	switch v {
	case HTTP10:
		return "HTTP/1.0"
	case HTTP2:
		return "HTTP/2.0"
	case HTTP3:
		return "HTTP/3.0"
	}
	return "HTTP/1.1"
}

// UnknownLength is the Length of a body whose end only its framing tells.
const UnknownLength = -1

// Body is the content of a message, pulled by whoever needs it. A body
// belongs to one coroutine at a time.
type Body interface {
	// Next returns the next bytes of the content, at least one, as a view
	// that is valid until the next call of Next or Close. It parks the
	// coroutine until there are some. At the end of the content it returns
	// io.EOF (trailers are then complete); any other error means that the
	// content is cut short, and is returned again by later calls.
	Next() ([]byte, error)

	// Close says that no more content is wanted. It may be called at any
	// time, also twice, and never parks.
	Close()
}

// NoBody is the Body of a message without content.
var NoBody Body = noBody{}

type noBody struct{}

func (noBody) Next() ([]byte, error) { return nil, io.EOF }
func (noBody) Close()                {}

// BytesBody is a Body whose content is all in memory. Set Data and reuse it
// freely; the zero value is an empty body.
type BytesBody struct {
	Data []byte
}

// Next returns all that is left.
func (b *BytesBody) Next() ([]byte, error) {
	if len(b.Data) == 0 {
		return nil, io.EOF
	}
	data := b.Data
	b.Data = nil
	return data, nil
}

// Close drops the content.
func (b *BytesBody) Close() { b.Data = nil }

// Reader adapts a Body to io.Reader for libraries that want one.
type Reader struct {
	Body Body
	rest []byte
}

// Read fills p from the body, parking while there is nothing.
func (r *Reader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		next, err := r.Body.Next()
		if err != nil {
			return 0, err
		}
		r.rest = next
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Request is what a client asks for.
type Request struct {
	Method   string
	Scheme   string // "http" or "https": how the client reached the proxy
	Host     string // authority without user info, as sent, port included (RFC 9110 section 7.2); "" only for HTTP/1.0 without Host
	Path     string // absolute path as sent, still percent-encoded; "*" for OPTIONS *; "" for CONNECT
	Query    string // what follows the first "?", without it
	HasQuery bool   // whether there was a "?", so that "/a?" is passed on as it came
	Version  Version
	Header   Header
	Trailer  Header // complete once Body has returned io.EOF

	// Length is the number of bytes of Body, or UnknownLength.
	Length int64
	// Body is never nil once a codec has filled the request.
	Body Body
	// Live is set by a handler that takes the content for a conversation, such
	// as a call of gRPC, in which the client may be silent for as long as it
	// likes. HTTP/1 does not know of such content.
	Live bool
	// Upgrade is the protocol that the client wants to switch to (the value
	// of its Upgrade field), or "" when it asks for none.
	Upgrade string
}

// Reset empties the request and keeps its memory.
func (r *Request) Reset() {
	r.Header.Reset()
	r.Trailer.Reset()
	r.Method, r.Scheme, r.Host, r.Path, r.Query, r.Upgrade = "", "", "", "", "", ""
	r.HasQuery, r.Live, r.Version, r.Length, r.Body = false, false, 0, 0, NoBody
}

// Idempotent reports whether doing what the request asks for twice is as good as
// once, as its method says (RFC 9110 section 9.2.2).
func (r *Request) Idempotent() bool {
	switch r.Method {
	case "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE":
		return true
	}
	return false
}

// Hostname returns the host that the request is for, without port and without
// the brackets of an IPv6 address.
func (r *Request) Hostname() string {
	host := r.Host
	if len(host) > 0 && host[0] == '[' {
		if end := strings.IndexByte(host, ']'); end > 0 {
			return host[1:end]
		}
		return host
	}
	if i := strings.IndexByte(host, ':'); i >= 0 {
		return host[:i]
	}
	return host
}

// Field returns the value of the first field of that name or "". The host is one
// of them, in HTTP/2 too.
func (r *Request) Field(name string) string {
	if EqualFold(name, "Host") {
		return r.Host
	}
	return r.Header.Get(name)
}

// Cookie returns the value of the first cookie of that name, as it was sent, and
// whether there is one.
func (r *Request) Cookie(name string) (string, bool) {
	for _, f := range r.Header.Fields() {
		if !EqualFold(f.Name, "Cookie") {
			continue
		}
		for rest := f.Value; rest != ""; {
			var n, value string
			if n, value, rest = CutCookie(rest); n == name {
				return value, true
			}
		}
	}
	return "", false
}

// Argument returns the value of the first argument of that name in the query, as
// it was sent, without decoding, and whether there is one.
func (r *Request) Argument(name string) (string, bool) {
	for rest := r.Query; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if n, value, _ := strings.Cut(pair, "="); n == name {
			return value, true
		}
	}
	return "", false
}

// Response is the answer to a request. The codec adds what its framing needs
// (Content-Length, Transfer-Encoding, Connection): handlers set Length and
// Body, never those fields.
type Response struct {
	Status  int // 200 to 599, or 101 with Tunnel; 0 until something has answered
	Header  Header
	Trailer Header // complete once Body has returned io.EOF

	// Length is the number of bytes of Body, or UnknownLength. For an answer
	// to HEAD and for 304 it is the length that the content would have, and
	// the codec does not pull Body.
	Length int64
	// Body is never nil; NoBody until something sets it.
	Body Body
	// Tunnel is the other end of a connection that has switched protocols:
	// set together with Status 101 (or 2xx to CONNECT).
	Tunnel Tunnel
	// TunnelIdle is how long Tunnel may be silent in both directions: 0 leaves
	// it to the codec, less is for ever.
	TunnelIdle time.Duration
}

// Reset empties the response and keeps its memory.
func (r *Response) Reset() {
	r.Header.Reset()
	r.Trailer.Reset()
	r.Status, r.Length, r.Body, r.Tunnel, r.TunnelIdle = 0, 0, NoBody, nil, 0
}

// Close lets go of what the response holds: its content, and its tunnel where
// it has one.
func (r *Response) Close() {
	r.Body.Close()
	if r.Tunnel != nil {
		r.Tunnel.Close()
	}
}

// Tunnel is a stream of bytes in both directions after a switch of protocols.
// One coroutine may read while another writes.
type Tunnel interface {
	// Next returns the next bytes from the far end, io.EOF when it has
	// finished sending. The view is valid until the next call.
	Next() ([]byte, error)
	// Write sends all of p, parking while the far end is slow.
	Write(p []byte) (int, error)
	// CloseWrite tells the far end that nothing more comes.
	CloseWrite() error
	// Close ends both directions, as if nothing were missing.
	Close()
	// Abort ends both in a way that the far end can tell from that. After either
	// neither does anything.
	Abort()
}
