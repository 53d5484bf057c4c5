// Package http1 speaks HTTP/1.1 and HTTP/1.0 (RFC 9112) on connections of a
// loop: Server towards clients, Clients towards upstreams. Both turn the wire
// into the messages of package message, and write messages afresh: no byte of
// a head is ever passed on as it came.
//
// Heads are parsed in place, in one pass, and messages hold views of the
// connection's buffer. Whatever RFC 9112 lets two recipients read in two ways
// is refused, because a proxy that reads a message differently from the server
// behind it can be made to pass on a request that nobody checked. The list of
// what is refused, and why, is errors.go.
//
// The parts that both sides share, in the order in which a message passes
// them: input (connection and buffer), head with start_line, target, authority
// and fields, control (what fields say to the codec), framing (where the
// content ends), body with chunked, and write for the way out. What concerns
// one connection alone, and so is not passed on, is in connection.go.
//
// On the server's side a serverConn is an open connection; a session serves its
// requests while there are some: server_session (reading), server_answer and
// server_response (writing), server_tunnel, server_ending.
//
// The package knows nothing of configuration, routing or plugins.
package http1
