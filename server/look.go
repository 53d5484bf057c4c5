package server

import "pingap/loop"

// prior is how a client begins that knows that HTTP/2 is spoken in clear text
// (RFC 9113 section 3.3). No method of HTTP/1 begins so.
const prior = "PRI "

// looking is a connection in clear text whose first bytes are waited for.
type looking struct {
	door *door
	conn *loop.Conn
}

// look finds out by its first bytes which version of HTTP a connection speaks.
func (d *door) look(conn *loop.Conn, site *Site) {
	d.wires.entering.Add(1)
	k := &looking{door: d, conn: conn}
	conn.SetWatcher(k)
	conn.SetIdleTimeout(site.Wire.Timeouts.WithDefaults().Head)
	if conn.Readable() {
		k.see()
	}
}

// ConnEvent implements loop.Watcher.
func (k *looking) ConnEvent(_ *loop.Conn, e loop.Event) {
	switch e {
	case loop.Readable:
		k.see()
	case loop.Expired:
		k.leave()
		k.conn.Close()
	}
}

// see decides when enough has come.
func (k *looking) see() {
	var first [len(prior)]byte
	n, err := k.conn.Peek(first[:])
	switch {
	case err == loop.ErrWouldBlock:
	case err != nil || n == 0:
		k.leave()
		k.conn.Close()
	case string(first[:n]) != prior[:n]:
		k.leave()
		k.door.http1(k.conn, nil)
	case n == len(prior):
		k.leave()
		k.door.http2(k.conn, nil)
	case k.conn.PeerClosed():
		k.leave()
		k.conn.Close()
	}
}

// leave ends the looking.
func (k *looking) leave() {
	k.conn.SetIdleTimeout(0)
	k.conn.SetWatcher(nil)
	k.door.wires.entering.Add(-1)
}
