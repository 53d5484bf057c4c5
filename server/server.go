// Package server owns what faces the clients: the event loops, the listening
// sockets on them, the wire that is spoken there, and the orderly end of it all.
//
// The package knows nothing of plugins or of how requests are routed: a site
// has a handler, and the wire gives it exchanges.
package server

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves sites on loops. Apply says which, and Drain and Close end it.
type Server struct {
	loops  *Loops
	logger *slog.Logger
	ids    atomic.Uint64

	mu        sync.Mutex
	entrances []*entrance // open
	leaving   []*entrance // that have no listeners any more; their connections end
	inherited inheritance
}

// New makes a server that has no sites yet.
func New(loops *Loops, logger *slog.Logger) *Server {
	return &Server{loops: loops, logger: logger}
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
	s.stopListening(quiet)
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

func (s *Server) stopListening(quiet time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(nil, s.entrances)
	for _, e := range s.entrances {
		e.close()
	}
	s.entrances, s.leaving = nil, append(s.leaving, s.entrances...)
	for _, e := range s.leaving {
		e.wires.drain(quiet)
	}
}

// Close cuts the connections that are left.
func (s *Server) Close() {
	for _, e := range s.all() {
		e.wires.close()
	}
}

// Open returns how many connections of clients there are.
func (s *Server) Open() (n int64) {
	for _, e := range s.all() {
		n += e.wires.open()
	}
	return n
}

// Active returns how many exchanges are in flight.
func (s *Server) Active() (n int64) {
	for _, e := range s.all() {
		n += e.wires.active()
	}
	return n
}

// all returns the entrances whose connections there may still be.
func (s *Server) all() []*entrance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.entrances, s.leaving)
}
