// Package server owns what faces the clients: the event loops, the listening
// sockets on them, the wire that is spoken there, and the orderly end of it all.
//
// The package knows nothing of plugins or of how requests are routed: a site
// has a handler, and the wire gives it exchanges.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"pingap/http1"
	"pingap/loop"
)

// Site is one configured server: addresses, and what answers there.
type Site struct {
	Name    string
	Addrs   []loop.Addr
	Listen  loop.ListenOptions
	Loops   int // how many of the loops serve it; 0 for all
	Wire    *http1.Server
	sockets []*socket
}

// Server serves sites on loops.
type Server struct {
	loops  *Loops
	logger *slog.Logger
	sites  []*Site
	ids    atomic.Uint64

	inherited inheritance
}

// New makes a server that has no sites yet.
func New(loops *Loops, logger *slog.Logger) *Server {
	return &Server{loops: loops, logger: logger}
}

// Start listens on all addresses of the sites, and then begins to accept. When
// one of the addresses cannot be had none is served, and the errors say which.
func (s *Server) Start(sites []*Site) error {
	var failed []error
	for _, site := range sites {
		if err := site.listen(len(s.loops.All()), &s.inherited); err != nil {
			failed = append(failed, inServer(site, err))
		}
	}
	if len(failed) > 0 {
		for _, site := range sites {
			site.close()
		}
		return errors.Join(failed...)
	}
	s.sites = sites
	for _, site := range sites {
		site.Wire.IDs = &s.ids
		s.accept(site)
	}
	return nil
}

func inServer(site *Site, err error) error { return fmt.Errorf("server %q: %w", site.Name, err) }

// Listening returns where a site listens, with the ports that the system has
// chosen for those that were 0. It is empty when the site does not listen.
func (site *Site) Listening() []loop.Addr {
	var addrs []loop.Addr
	for _, k := range site.sockets {
		addrs = append(addrs, k.listeners[0].Addr())
	}
	return addrs
}

// accept makes the loops take the connections of a site.
func (s *Server) accept(site *Site) {
	n := len(s.loops.All())
	if site.Loops > 0 {
		n = min(n, site.Loops)
	}
	s.loops.On(n, func(l *loop.Loop) {
		take := site.Wire.Acceptor(l)
		for _, k := range site.sockets {
			for _, ln := range k.listenersOf(l.ID(), n) {
				a, err := l.Accept(ln, take, s.acceptFailed)
				if err != nil {
					s.logger.Error("cannot accept connections", "server", site.Name, "error", err)
					continue
				}
				k.acceptors[l.ID()] = append(k.acceptors[l.ID()], a)
			}
		}
	})
}

// acceptFailed hears of connections that could not be accepted, a few times a
// second at most.
func (s *Server) acceptFailed(err error) {
	s.logger.Error("connections are waiting that cannot be accepted; is the limit of open files (ulimit -n) too low?", "error", err)
}

// drainPoll is how often a draining server looks whether it is done.
const drainPoll = 20 * time.Millisecond

// Drain stops accepting and ends the connections as their exchanges end, those
// without one after a time of quiet; see http1.Server.Drain. It returns when
// all are gone, or with the context's error, whichever is first. An exchange
// can outlive its connection: it still has to end after its client has gone.
func (s *Server) Drain(ctx context.Context, quiet time.Duration) error {
	s.stopListening()
	for _, site := range s.sites {
		site.Wire.Drain(quiet)
	}
	tick := time.NewTicker(drainPoll)
	defer tick.Stop()
	for s.Open() > 0 || s.Active() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d connections are still open, with %d exchanges in flight: %w", s.Open(), s.Active(), ctx.Err())
		}
	}
	return nil
}

func (s *Server) stopListening() {
	s.loops.On(len(s.loops.All()), func(l *loop.Loop) {
		for _, site := range s.sites {
			for _, k := range site.sockets {
				for _, a := range k.acceptors[l.ID()] {
					a.Close()
				}
			}
		}
	})
	for _, site := range s.sites {
		site.close()
	}
}

// Close cuts the connections that are left.
func (s *Server) Close() {
	for _, site := range s.sites {
		site.Wire.Close()
	}
}

// Open returns how many connections of clients there are.
func (s *Server) Open() (n int64) {
	for _, site := range s.sites {
		n += site.Wire.Open()
	}
	return n
}

// Active returns how many exchanges are in flight.
func (s *Server) Active() (n int64) {
	for _, site := range s.sites {
		n += site.Wire.Active()
	}
	return n
}
