package proxyprotocol

import (
	"time"

	"pingap/loop"
)

// accepting is a connection whose header is waited for.
type accepting struct {
	conn *loop.Conn
	then func(conn *loop.Conn, err error)
}

// Accept takes the header that conn must begin with, and nothing of what
// follows, within a time. The address of the client becomes that of conn, if the
// header has one, and then is called, on the loop: with an error where the header
// is wrong, late or missing, and conn has to be closed.
func Accept(conn *loop.Conn, within time.Duration, then func(conn *loop.Conn, err error)) {
	a := &accepting{conn: conn, then: then}
	conn.SetWatcher(a)
	conn.SetIdleTimeout(within)
	if conn.Readable() {
		a.look()
	}
}

// ConnEvent implements loop.Watcher.
func (a *accepting) ConnEvent(_ *loop.Conn, e loop.Event) {
	switch e {
	case loop.Readable:
		a.look()
	case loop.Expired:
		a.end(ErrIncomplete)
	}
}

// look takes the header when it is there as a whole.
func (a *accepting) look() {
	l := a.conn.Loop()
	buffer := l.Buffer(Longest)
	defer l.Release(buffer)
	n, err := a.conn.Peek(buffer[:Longest])
	switch {
	case err == loop.ErrWouldBlock:
		return
	case err != nil:
		a.end(err)
		return
	}
	h, length, err := Parse(buffer[:n])
	switch {
	case err == ErrIncomplete && !a.conn.PeerClosed() && n < Longest:
		return
	case err != nil:
		a.end(err)
		return
	}
	if _, err := a.conn.TryReadRaw(buffer[:length]); err != nil {
		a.end(err)
		return
	}
	if h.Source.IsValid() && !h.Source.Addr().IsUnspecified() {
		a.conn.SetRemoteAddrPort(h.Source)
	}
	a.end(nil)
}

func (a *accepting) end(err error) {
	a.conn.SetIdleTimeout(0)
	a.conn.SetWatcher(nil)
	a.then(a.conn, err)
}
