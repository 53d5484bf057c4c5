// Package http2 is one wire: HTTP/2 (RFC 9113), the side that answers clients
// and the side that asks upstreams.
//
// A connection has one reader at a time, which takes frames as they come and
// never waits for anything else: it hands content to the streams they belong to,
// and answers what the protocol itself asks. Each stream's exchange is a
// coroutine of the same loop. Frames are appended to the connection's output,
// so that those of one turn leave in one write. An idle connection holds neither
// coroutine nor buffer.
//
// Back-pressure: content that an exchange does not read is not given back to the
// flow-control windows, so the peer stops; content that the peer does not take
// makes the exchange's coroutine wait, in the order of priority of RFC 9218.
//
// What a peer may cost is bounded everywhere: the memory by windows and limits,
// the work by a debt (see debt.go) that useless frames raise and useful ones
// lower.
package http2
