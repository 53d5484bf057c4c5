package server

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"pingap/loop"
)

// inheritance is the listeners that were open before a server started: those
// of the process that it replaces, those of systemd, or those that had to be
// opened while the process still had the right to.
type inheritance struct{ listeners []*loop.Listener }

// take returns the listeners of an address, with these options from now on.
// They are not in the inheritance any more.
func (i *inheritance) take(addr loop.Addr, o loop.ListenOptions) (taken []*loop.Listener, err error) {
	var left []*loop.Listener
	for _, ln := range i.listeners {
		if !sameAddr(ln.Addr(), addr) {
			left = append(left, ln)
			continue
		}
		taken = append(taken, ln)
		err = errors.Join(err, ln.Configure(o))
	}
	i.listeners = left
	return taken, err
}

// overlaps makes the listeners shared that may overlap a new one, as those at
// 127.0.0.1:80 and 0.0.0.0:80 do: both processes have them until the old one
// ends. It reports whether there are such.
func (i *inheritance) overlaps(addr loop.Addr) (found bool) {
	for _, ln := range i.listeners {
		if addr.Path == "" && ln.Addr().Path == "" && ln.Addr().TCP.Port() == addr.TCP.Port() {
			share([]*loop.Listener{ln}, true)
			found = true
		}
	}
	return found
}

// sameAddr leaves the zone of IPv6 aside: a listener does not know it.
func sameAddr(a, b loop.Addr) bool {
	a.TCP, b.TCP = withoutZone(a.TCP), withoutZone(b.TCP)
	return a == b
}

func withoutZone(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port())
}

// Inherit gives the server listeners that are open already. Apply uses those at
// the addresses of its sites in place of new ones.
func (s *Server) Inherit(listeners []*loop.Listener) {
	s.inherited.listeners = append(s.inherited.listeners, listeners...)
}

// Disinherit closes the inherited listeners that no site has taken, and returns
// where they listened.
func (s *Server) Disinherit() (addrs []loop.Addr) {
	for _, ln := range s.inherited.listeners {
		addrs = append(addrs, ln.Addr())
		ln.Close()
	}
	s.inherited.listeners = nil
	return addrs
}

// Descriptors returns duplicates of the sockets of all sites, to be handed to
// another process: first those kept ones whose paths are somebody else's. The
// caller closes them.
func (s *Server) Descriptors() (fds []int, kept int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	listeners := s.listeners()
	slices.SortStableFunc(listeners, func(a, b *loop.Listener) int {
		switch {
		case a.KeepsPath() == b.KeepsPath():
			return 0
		case a.KeepsPath():
			return -1
		}
		return 1
	})
	for _, ln := range listeners {
		fd, err := unix.FcntlInt(uintptr(ln.Descriptor()), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			for _, fd := range fds {
				unix.Close(fd)
			}
			return nil, 0, fmt.Errorf("duplicate the listener on %s: %w", ln.Addr(), err)
		}
		fds = append(fds, fd)
		if ln.KeepsPath() {
			kept++
		}
	}
	return fds, kept, nil
}

// KeepPaths makes the server leave the paths of its Unix sockets in place when
// it closes them: another process listens there now.
func (s *Server) KeepPaths() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ln := range s.listeners() {
		ln.KeepPath(true)
	}
}

// listeners returns the open listeners of all sites.
func (s *Server) listeners() (all []*loop.Listener) {
	for _, e := range s.entrances {
		all = append(all, e.listeners...)
	}
	return all
}

// Open opens what sites need, for a server on a number of loops to inherit: all
// or nothing. Of the inherited listeners those that fit count as open; they
// are among what is returned.
func Open(sites []*Site, loops int, inherited []*loop.Listener) ([]*loop.Listener, error) {
	open := inheritance{inherited}
	var failed []error
	for _, site := range sites {
		for _, addr := range site.Addrs {
			listeners, err := site.listen(addr, loops, &open)
			if err != nil {
				failed = append(failed, inServer(site, err))
			}
			open.listeners = append(open.listeners, listeners...)
		}
	}
	if len(failed) > 0 {
		closeAll(open.listeners)
		return nil, errors.Join(failed...)
	}
	return open.listeners, nil
}
