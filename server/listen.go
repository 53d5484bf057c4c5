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
	acceptors []*loop.Acceptor // by loop ID
}

func (k *socket) listener(loopID int) *loop.Listener {
	return k.listeners[loopID%len(k.listeners)]
}

// listen opens the sockets of a site.
func (site *Site) listen(loops int) error {
	var failed []error
	for _, addr := range site.Addrs {
		k := &socket{acceptors: make([]*loop.Acceptor, loops)}
		count := 1
		if site.Listen.ReusePort && addr.Path == "" {
			count = loops
			if site.Loops > 0 {
				count = min(loops, site.Loops)
			}
		}
		for range count {
			ln, err := loop.Listen(addr, site.Listen)
			if err != nil {
				failed = append(failed, explain(addr, err))
				break
			}
			k.listeners = append(k.listeners, ln)
			addr = ln.Addr() // port 0 is the same port for all loops
		}
		site.sockets = append(site.sockets, k)
	}
	return errors.Join(failed...)
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
