// Package http1 speaks HTTP/1.1 and HTTP/1.0 (RFC 9112) on connections of a
// loop: Server towards clients, Client towards upstreams. Both turn the wire
// into the messages of package message, and write messages afresh: no byte of
// a head is ever passed on as it came.
//
// Heads are parsed in place, in one pass, and messages hold views of the
// connection's buffer. Whatever RFC 9112 lets two recipients read in two ways
// is refused, because a proxy that reads a message differently from the server
// behind it can be made to pass on a request that nobody checked.
//
// The parts, in the order in which a message passes them: input (connection
// and buffer), start_line, target, authority, fields, framing (where the
// content ends), body with chunked, and write for the way out. What concerns
// one connection alone, and so is not passed on, is in connection.go.
//
// The package knows nothing of configuration, routing or plugins.
package http1
