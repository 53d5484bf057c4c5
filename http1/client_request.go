package http1

import (
	"encoding/binary"

	"pingap/message"
)

// writeHead appends the head of the request to the connection's output, from
// where it leaves with what follows. expect asks for 100 (Continue) before the
// content.
func (t *roundTrip) writeHead(expect bool) {
	req := &t.x.Request
	line := len(req.Method) + 3*(len(req.Path)+len(req.Query)+len(req.Host)) + len("  HTTP/1.1\r\n?")
	host := req.Host
	if host == "" {
		host = t.options.Peer
	}
	size := line + len("Host: \r\n") + len(host) + headSize(&req.Header) + ownFields + len(req.Upgrade)
	b := appendRequestLine(t.conn.Output(size), req)
	b = appendField(b, "Host", host)
	b, trailers := appendPassedOn(b, req)
	b = appendRequestFraming(b, req)
	if expect {
		b = append(b, "Expect: 100-continue\r\n"...)
	}
	b = t.appendConnection(b, req, trailers)
	t.conn.SetOutput(append(b, crlf...))
}

// appendRequestLine appends the request line, in up to three times the room of
// its parts. The target is in origin form, or the asterisk of OPTIONS (RFC 9112
// section 3.2).
func appendRequestLine(b []byte, req *message.Request) []byte {
	b = append(b, req.Method...)
	b = append(b, ' ')
	b = appendTarget(b, req.Path)
	if req.HasQuery {
		b = append(b, '?')
		b = appendTarget(b, req.Query)
	}
	return append(b, " HTTP/1.1\r\n"...)
}

// appendTarget appends a part of the request target. It was checked when it
// came in, but what a rewrite has made of it may hold anything: bytes that
// would end the target are percent-encoded, so that no value makes a second
// line.
func appendTarget(b []byte, s string) []byte {
	start := len(b)
	b = append(b, s...)
	if i := endOfTarget(b, start); i < len(b) {
		return message.AppendEscaped(b[:i], s[i-start:])
	}
	return b
}

// endOfTarget returns the index, from i on, of a byte of b near the first one
// that cannot stand in a request target: at most 7 before it. It returns len(b)
// when there is none.
func endOfTarget(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if message.ControlIn(w)|w&message.HighBits|zeroIn(w^' '*message.EveryByte) != 0 {
			return i
		}
	}
	for i < len(b) && b[i] > ' ' && b[i] < 0x7f {
		i++
	}
	return i
}

// zeroIn marks the bytes of w that are zero, as message.ControlIn does.
func zeroIn(w uint64) uint64 { return (w - message.EveryByte) &^ w & message.HighBits }

// appendPassedOn appends the fields of a request that are not for this
// connection alone. It reports whether our client takes trailers.
func appendPassedOn(b []byte, req *message.Request) (_ []byte, trailers bool) {
	for _, f := range req.Header.Fields() {
		switch k := kindOf(f.Name); {
		case k == ordinary, k == dateField, k == trailerField && req.Length < 0:
			b = appendField(b, f.Name, f.Value)
		case k == teField:
			trailers = trailers || message.ListHasToken(f.Value, "trailers")
		}
	}
	return b, trailers
}

// appendRequestFraming says where the content ends (RFC 9112 section 6). A
// request whose method usually has content says so when it has none (RFC 9110
// section 8.6).
func appendRequestFraming(b []byte, req *message.Request) []byte {
	switch {
	case req.Length > 0:
		return appendLength(b, req.Length)
	case req.Length < 0:
		return append(b, chunkedLine...)
	}
	switch req.Method {
	case "POST", "PUT", "PATCH":
		return appendLength(b, 0)
	}
	if req.Header.Has("Content-Length") {
		return appendLength(b, 0)
	}
	return b
}

// appendConnection appends what concerns this connection. TE has to be named
// in Connection (RFC 9110 section 10.1.4).
func (t *roundTrip) appendConnection(b []byte, req *message.Request, trailers bool) []byte {
	switch {
	case req.Upgrade != "":
		b = appendField(b, "Upgrade", req.Upgrade)
		return append(b, "Connection: upgrade\r\n"...)
	case t.options.Close && trailers:
		return append(b, "TE: trailers\r\nConnection: close, TE\r\n"...)
	case t.options.Close:
		return append(b, "Connection: close\r\n"...)
	case trailers:
		return append(b, "TE: trailers\r\nConnection: TE\r\n"...)
	}
	return b
}

// expectsContinue reports whether the client of the request holds its content
// back until it is asked for (RFC 9110 section 10.1.1).
func expectsContinue(req *message.Request) bool {
	return req.Version != message.HTTP10 && message.EqualFold(req.Header.Get("Expect"), "100-continue")
}
