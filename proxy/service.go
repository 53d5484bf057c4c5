package proxy

import (
	"errors"
	"sync/atomic"

	"pingap/accesslog"
	"pingap/http1"
	"pingap/loop"
	"pingap/message"
	"pingap/plugin"
	"pingap/route"
)

// Service is what one configured server does with exchanges, whatever address
// they came in by: find the location, let it answer, and turn an error into an
// answer.
type Service struct {
	name    string
	table   *route.Table[*Location]
	admin   *plugin.Admin // before the locations; nil for none
	trusted trustedProxies
	errors  *errorPages

	counts *traffic
	ended  func(*message.Exchange)
	// processing and accepted are the methods, for exchanges to ask.
	processing, accepted func() int64

	target accesslog.Target
	format *accesslog.Format // nil: no log
	log    *accesslog.Log
	loops  []onLoop // by loop ID
}

// onLoop is a service's part on one loop, on cache lines of its own.
type onLoop struct {
	active atomic.Int64    // exchanges; written on the loop
	lane   *accesslog.Lane // made on the loop
	_      [48]byte
}

func newService(name string, counts *traffic, loops int) *Service {
	s := &Service{name: name, counts: counts, loops: make([]onLoop, loops)}
	s.ended, s.processing, s.accepted = s.end, s.Processing, s.Accepted
	return s
}

// end is the last that is done for an exchange.
func (s *Service) end(x *message.Exchange) {
	on := &s.loops[x.Loop.ID()]
	if x.Cut {
		s.errors.reporter.reportCut(x)
	}
	if s.log != nil {
		if on.lane == nil {
			on.lane = s.log.Lane(x.Loop, s.format)
		}
		on.lane.Record(x)
	}
	s.counts.end(x.Loop)
	on.active.Store(on.active.Load() - 1)
}

// closeLane hands over the lines of a loop. The log either goes on, or is about
// to be closed.
func (s *Service) closeLane(l *loop.Loop, last bool) {
	lane := s.loops[l.ID()].lane
	switch {
	case lane == nil:
	case last:
		lane.Close()
	default:
		lane.Flush()
	}
}

// active returns how many exchanges are in flight that this service began.
func (s *Service) active() (n int64) {
	for i := range s.loops {
		n += s.loops[i].active.Load()
	}
	return n
}

// ErrNoLocation is the outcome of a request that no location matches.
var ErrNoLocation = errors.New("no location matches")

// ErrAmbiguousPath is that of a request whose path upstreams may read in several ways,
// which lead to different locations (see route.Path).
var ErrAmbiguousPath = errors.New("its path has several readings, which lead to different locations")

// Refuse answers an exchange that the wire refuses before there is a request to
// serve, so that it is counted and logged like any other.
func (s *Service) Refuse(x *message.Exchange, why *http1.Error) {
	s.begin(x)
	s.errors.answer(x, why)
}

// begin counts the exchange until its end.
func (s *Service) begin(x *message.Exchange) {
	x.Server = s.name
	x.Processing, x.Accepted = s.processing, s.accepted
	s.counts.begin(x.Loop)
	on := &s.loops[x.Loop.ID()]
	on.active.Store(on.active.Load() + 1)
	x.OnEnd(s.ended)
	x.ClientIP, x.PeerTrusted = s.trusted.client(x)
}

// Serve answers the exchange. The error it returns is for the record: unless
// the client has gone, x.Response is then the answer that stands for it.
func (s *Service) Serve(x *message.Exchange) error {
	s.begin(x)
	if s.admin != nil && s.admin.Takes(x.Request.Path) {
		err := s.admin.Handler.Serve(x)
		if err != nil {
			s.errors.answer(x, err)
		}
		return err
	}
	location, ok := s.table.Match(x)
	if !ok {
		err := ErrNoLocation
		if s.table.Ambiguous(x) {
			err = ErrAmbiguousPath
		}
		s.errors.answer(x, err)
		return err
	}
	err := location.Serve(x)
	if err != nil {
		s.errors.answer(x, err)
		// Browsers need what the location says of origins and of transport
		// security most of all where something has failed.
		location.onPages.apply(x, &x.Response.Header)
	}
	return err
}

// Processing returns how many exchanges the server has in flight, those that
// earlier graphs began among them.
func (s *Service) Processing() int64 { return s.counts.processing() }

// Accepted returns how many exchanges there have been since the server was
// added.
func (s *Service) Accepted() int64 { return s.counts.accepted() }
