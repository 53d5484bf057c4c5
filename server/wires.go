package server

import (
	"sync/atomic"
	"time"

	"pingap/http1"
	"pingap/http2"
	"pingap/loop"
	"pingap/loop/proxyprotocol"
	"pingap/message"
)

// wires are the versions of HTTP that are spoken at an entrance. Which one a
// connection gets is agreed on in its TLS handshake or, in clear text, seen in
// its first bytes.
type wires struct {
	entrance *entrance
	http1    *http1.Server
	http2    *http2.Server
	entering atomic.Int64 // connections of which that is not known yet
}

func newWires(e *entrance, ids *atomic.Uint64) *wires {
	return &wires{entrance: e, http1: &http1.Server{IDs: ids}, http2: &http2.Server{IDs: ids}}
}

// adopt follows the settings of a site.
func (w *wires) adopt(site *Site) {
	var one http1.Server
	one.Adopt(site.Wire)
	one.Handler, one.Refuse = w.entrance, w.entrance.refuse
	one.Strangers = site.HTTP2
	w.http1.Adopt(&one)
	w.http2.Adopt(&http2.Server{
		Handler: w.entrance, Refuse: w.entrance.refuse,
		Limits:            http2.Limits{Head: site.Wire.Limits.Head, Fields: site.Wire.Limits.Fields},
		Timeouts:          site.Wire.Timeouts,
		MaxStreams:        site.MaxStreams,
		KeepAliveRequests: site.Wire.KeepAliveRequests,
	})
}

// acceptor returns what takes the connections on a loop.
func (w *wires) acceptor(l *loop.Loop) func(*loop.Conn) {
	d := &door{wires: w, http1: w.http1.Acceptor(l), http2: w.http2.Acceptor(l)}
	return func(conn *loop.Conn) {
		site := w.entrance.site.Load()
		if site.proxied(conn.RemoteAddrPort().Addr()) {
			w.entering.Add(1)
			proxyprotocol.Accept(conn, handshakeTime, d.introduced)
			return
		}
		d.enter(conn, site)
	}
}

func (w *wires) drain(quiet time.Duration) {
	w.http1.Drain(quiet)
	w.http2.Drain(quiet)
}

func (w *wires) close() {
	w.http1.Close()
	w.http2.Close()
}

func (w *wires) open() int64   { return w.entering.Load() + w.http1.Open() + w.http2.Open() }
func (w *wires) active() int64 { return w.http1.Active() + w.http2.Active() }

// introduced goes on with a connection whose client is known by now.
func (d *door) introduced(conn *loop.Conn, err error) {
	d.wires.entering.Add(-1)
	if err != nil {
		d.wires.entrance.introductionFailed(conn, err)
		conn.Close()
		return
	}
	d.enter(conn, d.wires.entrance.site.Load())
}

// enter finds out what is spoken on a connection.
func (d *door) enter(conn *loop.Conn, site *Site) {
	switch {
	case site.TLS != nil:
		d.shakeHands(conn, site)
	case site.HTTP2:
		d.look(conn, site)
	default:
		d.http1(conn, nil)
	}
}

// door is where connections enter a loop: it finds out which version of HTTP
// they speak.
type door struct {
	wires  *wires
	http1  func(*loop.Conn, *message.TLS)
	http2  func(*loop.Conn, *message.TLS)
	shakes int // handshakes under way
}
