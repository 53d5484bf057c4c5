package server

import (
	"errors"
	"slices"
	"syscall"
	"time"

	"pingap/loop"
)

// Apply puts sites in the place of those that there are. An address that both
// name stays open, whichever site it belongs to: its connections stay, and are
// answered by the new site from their next request on, while exchanges in
// flight end where they began. Where nobody listens any more, or where clients are
// asked for other certificates than when they came in, connections end with their
// present exchange. When one of the new addresses cannot be had
// nothing changes, and the errors say which.
//
// When Apply returns, every loop has turned to the new sites: an exchange that
// begins after that never sees an old one.
func (s *Server) Apply(sites []*Site) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.plan(sites)
	if err := p.prepare(); err != nil {
		p.undo()
		return err
	}
	p.carryOut()
	return nil
}

// quiet is how long a connection may wait for its last request after the
// address where it came in is no longer listened on.
const quiet = 5 * time.Second

// plan is the way from the present entrances to those of a new configuration.
type plan struct {
	server  *Server
	places  []*place
	leaving []*entrance // that no site names any more
}

// place is an address of a site.
type place struct {
	site   *Site
	addr   loop.Addr
	there  *entrance        // open already; nil if there is none
	opened []*loop.Listener // for this place, by prepare
}

// plan finds out what stays and what goes.
func (s *Server) plan(sites []*Site) *plan {
	p := &plan{server: s, leaving: slices.Clone(s.entrances)}
	for _, site := range sites {
		for _, addr := range site.Addrs {
			p.places = append(p.places, &place{site: site, addr: addr, there: p.stay(site, addr)})
		}
	}
	return p
}

// stay returns the entrance at addr, which stays open.
func (p *plan) stay(site *Site, addr loop.Addr) *entrance {
	for i, e := range p.leaving {
		// A port that the system is to choose is another one for each site.
		if e.addr == addr && (addr.Path != "" || addr.TCP.Port() != 0 || e.site.Load().Name == site.Name) {
			p.leaving = slices.Delete(p.leaving, i, i+1)
			return e
		}
	}
	return nil
}

// prepare opens what is missing. Nobody accepts from it yet.
func (p *plan) prepare() error {
	var failed []error
	for _, c := range p.places {
		if err := p.listen(c); err != nil {
			failed = append(failed, inServer(c.site, err))
		}
	}
	return errors.Join(failed...)
}

// listen opens the listeners of a place that are missing, and gives its options
// to those that are there.
func (p *plan) listen(c *place) (err error) {
	loops := len(p.server.loops.All())
	if c.there == nil {
		c.opened, err = c.site.listen(c.addr, loops, &p.server.inherited)
		if errors.Is(err, syscall.EADDRINUSE) && p.overlaps(c.addr) {
			c.opened, err = c.site.open(c.addr, c.site.listenersAt(c.addr, loops), true)
		}
		return err
	}
	if err := c.there.configure(c.site.Listen); err != nil {
		return err
	}
	c.opened, err = c.site.grow(c.there.listeners, loops)
	return err
}

// overlaps makes the addresses that are being left shared where they may
// overlap a new one, as 0.0.0.0:80 and 127.0.0.1:80 do. It reports whether
// there are such.
func (p *plan) overlaps(addr loop.Addr) (found bool) {
	for _, e := range p.leaving {
		if addr.Path == "" && e.addr.Path == "" && e.listeners[0].Addr().TCP.Port() == addr.TCP.Port() {
			share(e.listeners, true)
			found = true
		}
	}
	return found
}

// undo leaves everything as it was before prepare.
func (p *plan) undo() {
	for _, c := range p.places {
		closeAll(c.opened)
		if e := c.there; e != nil {
			share(e.listeners, e.options.ReusePort)
			if err := e.configure(e.options); err != nil {
				p.server.logger.Error("a listener has lost its options", "error", err)
			}
		}
	}
	for _, e := range p.leaving {
		share(e.listeners, e.options.ReusePort)
	}
}

// carryOut turns the loops to the new sites, all of them at the same time.
func (p *plan) carryOut() {
	s := p.server
	var open, changed []*entrance
	for _, c := range p.places {
		c.site.entrances = nil
	}
	for _, c := range p.places {
		e := c.there
		switch {
		case e == nil:
			e = newEntrance(c.addr, nil, len(s.loops.All()), s)
		case c.site.asksAnew(e.site.Load()):
			e = p.succeed(e)
		}
		if loops := c.site.loopsOf(len(s.loops.All())); len(c.opened) > 0 || loops != e.loops {
			e.listeners, e.loops = append(e.listeners, c.opened...), loops
			changed = append(changed, e)
		}
		e.open(c.site)
		open = append(open, e)
	}
	for _, e := range p.leaving {
		e.wires.drain(quiet)
	}
	s.turn(changed, p.leaving)
	for _, e := range p.leaving {
		e.close()
	}
	s.entrances = open
	s.leaving = append(slices.DeleteFunc(s.leaving, (*entrance).gone), p.leaving...)
}

// succeed makes an entrance that has the listeners of e from now on, and leaves
// its connections to e.
func (p *plan) succeed(e *entrance) *entrance {
	next := newEntrance(e.addr, e.listeners, len(p.server.loops.All()), p.server)
	e.listeners = nil
	p.leaving = append(p.leaving, e)
	return next
}

// turn makes each loop accept at the changed entrances as they are now, and no
// longer at those that are being left. An exchange that was about to begin when
// turn was called has begun when it returns.
func (s *Server) turn(changed, leaving []*entrance) {
	s.loops.On(len(s.loops.All()), func(l *loop.Loop) {
		for _, e := range leaving { // whose listeners may be those of another now
			e.stop(l)
		}
		for _, e := range changed {
			if err := e.accept(l, s.acceptFailed); err != nil {
				s.logger.Error("cannot accept connections", "address", e.addr.String(), "error", err)
			}
		}
	})
}
