package proxy

import (
	"errors"
	"sync/atomic"

	"pingap/accesslog"
	"pingap/http1"
	"pingap/loop"
	"pingap/message"
	"pingap/route"
)

// Service is what one configured server does with exchanges, whatever address
// they came in by: find the location, let it answer, and turn an error into an
// answer.
type Service struct {
	name    string
	table   *route.Table[*Location]
	trusted trustedProxies
	errors  *errorPages

	processing atomic.Int64
	accepted   atomic.Int64
	ended      func(*message.Exchange)

	target accesslog.Target
	format *accesslog.Format // nil: no log
	log    *accesslog.Log
	lanes  []*accesslog.Lane // by loop ID, each made on its loop
}

func newService(name string) *Service {
	s := &Service{name: name}
	s.ended = s.end
	return s
}

// end is the last that is done for an exchange.
func (s *Service) end(x *message.Exchange) {
	s.processing.Add(-1)
	if s.lanes != nil {
		s.lane(x.Loop).Record(x)
	}
}

// logTo makes the service write its lines to log.
func (s *Service) logTo(log *accesslog.Log, loops int) {
	s.log, s.lanes = log, make([]*accesslog.Lane, loops)
}

func (s *Service) lane(l *loop.Loop) *accesslog.Lane {
	lane := s.lanes[l.ID()]
	if lane == nil {
		lane = s.log.Lane(l, s.format)
		s.lanes[l.ID()] = lane
	}
	return lane
}

func (s *Service) closeLog(l *loop.Loop) {
	if s.lanes != nil && s.lanes[l.ID()] != nil {
		s.lanes[l.ID()].Close()
	}
}

// ErrNoLocation is the outcome of a request that no location matches.
var ErrNoLocation = errors.New("no location matches")

// Refuse answers an exchange that the wire refuses before there is a request to
// serve, so that it is counted and logged like any other.
func (s *Service) Refuse(x *message.Exchange, why *http1.Error) {
	s.begin(x)
	s.errors.answer(x, why)
}

// begin counts the exchange until its end.
func (s *Service) begin(x *message.Exchange) {
	x.Server = s.name
	x.Processing = s.processing.Add(1)
	s.accepted.Add(1)
	x.OnEnd(s.ended)
	x.PeerTrusted = len(s.trusted) > 0 && s.trusted.holds(x.Client.Addr())
	x.ClientIP = s.trusted.clientAddr(x)
}

// Serve answers the exchange. The error it returns is for the record: unless
// the client has gone, x.Response is then the answer that stands for it.
func (s *Service) Serve(x *message.Exchange) error {
	s.begin(x)
	err := s.route(x)
	if err != nil {
		s.errors.answer(x, err)
	}
	return err
}

func (s *Service) route(x *message.Exchange) error {
	location, ok := s.table.Match(x)
	if !ok {
		return ErrNoLocation
	}
	return location.Serve(x)
}

// Processing returns how many exchanges are in flight.
func (s *Service) Processing() int64 { return s.processing.Load() }

// Accepted returns how many exchanges there have been.
func (s *Service) Accepted() int64 { return s.accepted.Load() }
