package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"pingap/loop"
)

// listen opens the listeners that an address of the site needs, or takes those
// that are open already.
func (site *Site) listen(addr loop.Addr, loops int, inherited *inheritance) ([]*loop.Listener, error) {
	listeners, err := inherited.take(addr, site.Listen)
	switch {
	case err != nil:
		return listeners, err
	case len(listeners) == 0:
		opened, err := site.open(addr, site.listenersAt(addr, loops), false)
		if errors.Is(err, syscall.EADDRINUSE) && inherited.overlaps(addr) {
			return site.open(addr, site.listenersAt(addr, loops), true)
		}
		return opened, err
	}
	more, err := site.grow(listeners, loops)
	return append(listeners, more...), err
}

// grow opens the listeners that the site is short of beside those that it has.
// Where the system does not allow that, its loops share what there is.
func (site *Site) grow(listeners []*loop.Listener, loops int) ([]*loop.Listener, error) {
	addr := listeners[0].Addr()
	missing := site.listenersAt(addr, loops) - len(listeners)
	if missing <= 0 {
		return nil, nil
	}
	share(listeners, true)
	more, err := site.open(addr, missing, true)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = nil
	}
	return more, err
}

// listenersAt returns how many listeners an address of the site has.
func (site *Site) listenersAt(addr loop.Addr, loops int) int {
	if site.Listen.ReusePort && addr.Path == "" {
		return site.loopsOf(loops)
	}
	return 1
}

// open opens a number of listeners at an address; shared, also where others
// that share it have the address.
func (site *Site) open(addr loop.Addr, count int, shared bool) (opened []*loop.Listener, err error) {
	options := site.Listen
	options.ReusePort = options.ReusePort || shared && addr.Path == ""
	for range count {
		ln, err := loop.Listen(addr, options)
		if err != nil {
			return opened, explain(addr, err)
		}
		opened = append(opened, ln)
		addr = ln.Addr() // port 0 is the same port for all loops
	}
	return opened, nil
}

// share lets other listeners have the address too, or not.
func share(listeners []*loop.Listener, on bool) {
	for _, ln := range listeners {
		if ln.Addr().Path == "" {
			ln.Share(on) // where it cannot be done, the other listener's error says what is wrong
		}
	}
}

// inTheWay reports whether something other than a socket is at a path.
func inTheWay(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSocket == 0
}

// Try returns why nobody could listen at an address, whoever may have it at
// present, or nil. It does not take the address.
func Try(addr loop.Addr) error {
	switch {
	case addr.Path == "":
		ln, err := loop.Listen(loop.Addr{TCP: netip.AddrPortFrom(addr.TCP.Addr(), 0)}, loop.ListenOptions{})
		if err != nil {
			return explain(addr, fmt.Errorf("listen on %s: %w", addr, errors.Unwrap(err)))
		}
		return ln.Close()
	case addr.Path[0] == '@':
		return nil
	}
	dir, err := os.Stat(filepath.Dir(addr.Path))
	switch {
	case err != nil:
	case !dir.IsDir():
		err = syscall.ENOTDIR
	case inTheWay(addr.Path):
		err = syscall.EADDRINUSE
	default:
		return nil
	}
	return explain(addr, fmt.Errorf("listen on %s: %w", addr, err))
}

// firstFreePort is the first that anybody may listen on.
const firstFreePort = 1024

// explain adds what to do about an address that cannot be listened on.
func explain(addr loop.Addr, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && inTheWay(addr.Path):
		return fmt.Errorf("%w: a file that is no socket is in the way at %s; move it away, or name another path", err, addr.Path)
	case errors.Is(err, syscall.EADDRINUSE):
		switch name, pid := holder(addr); {
		case pid == os.Getpid():
			return fmt.Errorf("%w: this process itself listens there, at another of its addresses", err)
		case name != "":
			return fmt.Errorf("%w: another process listens there: %s (process %d)", err, name, pid)
		}
		return fmt.Errorf("%w: another process listens there; `ss -lntxp`, as root, shows which", err)
	case errors.Is(err, fs.ErrNotExist) && addr.Path != "":
		return fmt.Errorf("%w: there is no directory %s; make it, or name another path", err, filepath.Dir(addr.Path))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: this machine has no such address; `ip addr` shows those it has", err)
	case errors.Is(err, fs.ErrPermission) && addr.Path == "" && addr.TCP.Port() < firstFreePort:
		return fmt.Errorf("%w for user %d: ports below %d are for root, or for programs with `setcap cap_net_bind_service=+ep`, or AmbientCapabilities=CAP_NET_BIND_SERVICE in a unit of systemd", err, os.Geteuid(), firstFreePort)
	case errors.Is(err, fs.ErrPermission) && addr.Path != "":
		return fmt.Errorf("%w for user %d: give it the right to write %s", err, os.Geteuid(), filepath.Dir(addr.Path))
	}
	return err
}
