package server

import (
	"log/slog"
	"sync/atomic"

	"pingap/loop"
	"pingap/message"
)

// entrance is an address that the server listens on, and the wire that is
// spoken with those who came in there. It outlives the configurations that name
// the address: which site answers is looked up for each exchange, so that an
// open connection follows from one configuration to the next.
type entrance struct {
	addr      loop.Addr // as it is configured
	options   loop.ListenOptions
	listeners []*loop.Listener     // one that all loops share, or one for each with reuse_port
	acceptors [][]*loop.Acceptor   // by loop ID; each list belongs to its loop
	loops     int                  // the first so many accept
	site      atomic.Pointer[Site] // of the configuration in force
	wires     *wires
	logger    *slog.Logger
}

func newEntrance(addr loop.Addr, listeners []*loop.Listener, loops int, s *Server) *entrance {
	e := &entrance{
		addr:      addr,
		listeners: listeners,
		acceptors: make([][]*loop.Acceptor, loops),
		logger:    s.logger,
	}
	e.wires = newWires(e, &s.ids)
	return e
}

// Serve lets the site answer that has the address now.
func (e *entrance) Serve(x *message.Exchange) error { return e.site.Load().serve(x) }

func (e *entrance) refuse(x *message.Exchange, why *message.Refusal) { e.site.Load().refuse(x, why) }

// open gives the entrance to a site: for new connections, and for the next
// requests of those that there are.
func (e *entrance) open(site *Site) {
	e.site.Store(site)
	e.options = site.Listen
	site.entrances = append(site.entrances, e)
	e.wires.adopt(site)
}

// introductionFailed hears of a proxy in front that has not said for whom it
// connects. That is a mistake in somebody's configuration.
func (e *entrance) introductionFailed(conn *loop.Conn, err error) {
	e.logger.Warn("a connection from a network of proxy_protocol is closed: "+err.Error(),
		"server", e.site.Load().Name, "proxy", conn.RemoteAddrPort().String())
}

// handshakeFailed hears of a client that could not be agreed with on TLS. What
// it has sent is its own affair, so that only who looks closely is told.
func (e *entrance) handshakeFailed(conn *loop.Conn, err error) {
	e.logger.Debug("TLS handshake failed", "server", e.site.Load().Name, "client", conn.RemoteAddrPort().String(), "error", err)
}

// accept makes a loop take its share of the connections.
func (e *entrance) accept(l *loop.Loop, failed func(error)) error {
	e.stop(l)
	if l.ID() >= e.loops {
		return nil
	}
	take := e.wires.acceptor(l)
	for _, ln := range e.listenersOf(l.ID()) {
		a, err := l.Accept(ln, take, failed)
		if err != nil {
			return err
		}
		e.acceptors[l.ID()] = append(e.acceptors[l.ID()], a)
	}
	return nil
}

// listenersOf returns those that a loop accepts from. Each listener has a loop
// and each loop a listener, whichever there are more of: another process may
// have had a different number of loops.
func (e *entrance) listenersOf(loopID int) []*loop.Listener {
	if len(e.listeners) <= e.loops {
		return e.listeners[loopID%len(e.listeners):][:1]
	}
	var mine []*loop.Listener
	for i := loopID; i < len(e.listeners); i += e.loops {
		mine = append(mine, e.listeners[i])
	}
	return mine
}

// stop ends the accepting on a loop, with the connections that wait already.
func (e *entrance) stop(l *loop.Loop) {
	for _, a := range e.acceptors[l.ID()] {
		a.Close()
	}
	e.acceptors[l.ID()] = nil
}

// configure gives the listeners other options.
func (e *entrance) configure(o loop.ListenOptions) error {
	for _, ln := range e.listeners {
		if err := ln.Configure(o); err != nil {
			return err
		}
	}
	return nil
}

// close closes the listeners, when no loop accepts any more.
func (e *entrance) close() { closeAll(e.listeners) }

// gone reports whether nobody is left who came in here.
func (e *entrance) gone() bool { return e.wires.open() == 0 && e.wires.active() == 0 }

func closeAll(listeners []*loop.Listener) {
	for _, ln := range listeners {
		ln.Close()
	}
}
