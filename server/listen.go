package server

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"pingap/loop"
)

// socket is an address that a site listens on: one listener that all loops
// share, or one for each with reuse_port.
type socket struct {
	listeners []*loop.Listener
	acceptors [][]*loop.Acceptor // by loop ID
}

// listenersOf returns those that one of n loops accepts from. Each listener has
// a loop and each loop a listener, whichever there are more of: another process
// may have had a different number of loops.
func (k *socket) listenersOf(loopID, n int) []*loop.Listener {
	if len(k.listeners) <= n {
		return k.listeners[loopID%len(k.listeners):][:1]
	}
	var mine []*loop.Listener
	for i := loopID; i < len(k.listeners); i += n {
		mine = append(mine, k.listeners[i])
	}
	return mine
}

// listen opens the sockets of a site, or takes those that are open already.
func (site *Site) listen(loops int, open *inheritance) error {
	var failed []error
	for _, addr := range site.Addrs {
		listeners, err := open.take(addr, site.Listen)
		if err == nil && len(listeners) < site.listenersAt(addr, loops) {
			listeners, err = site.open(addr, loops, listeners)
		}
		if err != nil {
			failed = append(failed, err)
		}
		if len(listeners) > 0 {
			site.sockets = append(site.sockets, &socket{listeners, make([][]*loop.Acceptor, loops)})
		}
	}
	return errors.Join(failed...)
}

// listenersAt returns how many listeners an address of the site has.
func (site *Site) listenersAt(addr loop.Addr, loops int) int {
	switch {
	case !site.Listen.ReusePort || addr.Path != "":
		return 1
	case site.Loops > 0:
		return min(loops, site.Loops)
	}
	return loops
}

// open adds to the listeners of an address those that are missing.
func (site *Site) open(addr loop.Addr, loops int, listeners []*loop.Listener) ([]*loop.Listener, error) {
	inherited := len(listeners) > 0
	for len(listeners) < site.listenersAt(addr, loops) {
		ln, err := loop.Listen(addr, site.Listen)
		if inherited && errors.Is(err, syscall.EADDRINUSE) {
			break // it was opened without reuse_port: the loops share it
		}
		if err != nil {
			return listeners, explain(addr, err)
		}
		listeners = append(listeners, ln)
		addr = ln.Addr() // port 0 is the same port for all loops
	}
	return listeners, nil
}

// close closes what listen has opened; there is nothing to close after that.
func (site *Site) close() {
	for _, k := range site.sockets {
		for _, ln := range k.listeners {
			ln.Close()
		}
	}
	site.sockets = nil
}

// firstFreePort is the first that anybody may listen on.
const firstFreePort = 1024

// explain adds what to do about an address that cannot be listened on.
func explain(addr loop.Addr, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another process listens there; `ss -ltnp` shows which", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: this machine has no such address; `ip addr` shows those it has", err)
	case errors.Is(err, fs.ErrPermission) && addr.Path == "" && addr.TCP.Port() < firstFreePort:
		return fmt.Errorf("%w: ports below %d are for root, or for programs with `setcap cap_net_bind_service=+ep`", err, firstFreePort)
	}
	return err
}
