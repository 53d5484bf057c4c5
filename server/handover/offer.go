package handover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Offer is an old process that is ready to be replaced.
type Offer struct {
	path string
	ln   *net.UnixListener
	// How long a candidate may take for each step, and to become ready.
	step, ready time.Duration
}

// Open begins an offer at path. A socket that a process left behind there is
// replaced; anything else in the way is an error that says what it is.
func Open(path string) (*Offer, error) {
	if err := makeRoom(path); err != nil {
		return nil, fmt.Errorf("offer the listeners at %s: %w", path, err)
	}
	ln, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("offer the listeners at %s: %w; give user %d the right to write %s, or set basic.upgrade_sock to a path elsewhere", path, err, os.Geteuid(), filepath.Dir(path))
	}
	if err != nil {
		return nil, fmt.Errorf("offer the listeners at %s: %w", path, err)
	}
	// Others are refused by their user anyway; this spares them the try.
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, fmt.Errorf("offer the listeners at %s: %w", path, err)
	}
	return &Offer{path: path, ln: ln, step: stepTimeout, ready: readyTimeout}, nil
}

// makeRoom removes a socket at path that nobody listens on.
func makeRoom(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&os.ModeSocket == 0:
		return errors.New("what is there is no socket; set basic.upgrade_sock to a path of its own")
	}
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err == nil {
		conn.Close()
		return errors.New("another process offers its listeners there; give each instance a basic.upgrade_sock of its own")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	if err := os.Remove(path); err != nil {
		owner := "another user"
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			owner = fmt.Sprintf("user %d", stat.Uid)
		}
		return fmt.Errorf("the socket there belongs to %s: %w", owner, err)
	}
	return nil
}

// ErrNobody is when no process has taken over in time.
var ErrNobody = errors.New("no process has asked for the listeners and become ready")

// Listeners returns duplicates of the sockets that are to be handed over; whoever
// calls it closes them. The first so many that kept says are Unix sockets whose
// paths are to stay whatever becomes of the processes.
type Listeners func() (fds []int, kept int, err error)

// Wait hands descriptors to the first process that takes them and becomes
// ready, and returns its number. listeners is called for each candidate and
// returns duplicates, which Wait closes. failed hears of each candidate that did
// not become ready; the offer then stands for the next that comes before
// patience is over. Otherwise the error wraps ErrNobody, or is the context's when
// that ends before: nothing has changed then.
func (o *Offer) Wait(ctx context.Context, patience time.Duration, listeners Listeners, failed func(error)) (pid int, err error) {
	o.ln.SetDeadline(time.Now().Add(patience))
	defer context.AfterFunc(ctx, func() { o.ln.SetDeadline(time.Now()) })()
	for {
		conn, err := o.ln.AcceptUnix()
		if err != nil {
			switch {
			case ctx.Err() != nil:
				return 0, ctx.Err()
			case errors.Is(err, os.ErrDeadlineExceeded):
				return 0, fmt.Errorf("%w within %v", ErrNobody, patience)
			}
			return 0, fmt.Errorf("offer the listeners at %s: %w", o.path, err)
		}
		pid, err := o.hand(ctx, channel{conn}, listeners)
		conn.Close()
		if err == nil {
			return pid, nil
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		failed(fmt.Errorf("hand the listeners to process %d: %w", pid, err))
	}
}

// hand talks with one candidate until it is ready.
func (o *Offer) hand(ctx context.Context, c channel, listeners Listeners) (pid int, err error) {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if pid, err = c.check(); err != nil {
		return pid, err
	}
	if _, _, err := c.receive(hello, o.step); err != nil {
		// The answer tells a process of another version which this one is.
		c.say(farewell, o.step)
		return pid, err
	}
	if err := o.send(c, listeners); err != nil {
		return pid, err
	}
	if _, _, err := c.receive(ready, o.ready); err != nil {
		return pid, err
	}
	// From here on the new process serves, whether this arrives or not.
	c.say(farewell, o.step)
	return pid, nil
}

// send sends the descriptors of the listeners as they are now.
func (o *Offer) send(c channel, listeners Listeners) error {
	fds, kept, err := listeners()
	if err != nil {
		return err
	}
	defer closeAll(fds)
	if len(fds) > maxDescriptors {
		return fmt.Errorf("there are %d listeners; more than %d cannot be handed over", len(fds), maxDescriptors)
	}
	for first := 0; first == 0 || first < len(fds); first += batch {
		m := message{version, descriptors, uint32(len(fds)), uint32(kept)}
		if err := c.send(m, fds[first:min(first+batch, len(fds))], o.step); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the offer and removes its socket.
func (o *Offer) Close() error { return o.ln.Close() }
