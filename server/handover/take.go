package handover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"
)

// Taken is what a new process has from the old one, which goes on serving
// until Ready.
type Taken struct {
	// Descriptors are the sockets. They belong to whoever has called Take.
	Descriptors []int
	// Kept is how many of them, the first ones, are Unix sockets whose paths
	// are not to be removed.
	Kept int
	// From is the number of the old process.
	From int

	conn channel
	step time.Duration
}

// dialEvery is the pause between two looks for an offer.
const dialEvery = 20 * time.Millisecond

// Take waits until a process offers its listeners at path, and takes them.
// owners are users, beside this process's own and root, whose process the old
// one may be. The error says what to do when no offer came before the context
// ended.
func Take(ctx context.Context, path string, owners ...int) (*Taken, error) {
	conn, err := dial(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("take over the listeners at %s: %w", path, err)
	}
	t := &Taken{conn: channel{conn}, step: stepTimeout}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	if err = t.take(owners); err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		stop()
		closeAll(t.Descriptors)
		conn.Close()
		return nil, fmt.Errorf("take over the listeners at %s: %w", path, err)
	}
	return t, nil
}

// dial connects as soon as there is an offer.
func dial(ctx context.Context, path string) (*net.UnixConn, error) {
	pause := time.NewTicker(dialEvery)
	defer pause.Stop()
	for {
		conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
		switch {
		case err == nil:
			return conn, nil
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.EAGAIN):
			return nil, err
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: no process offers them; send SIGQUIT to the old process, with the same basic.upgrade_sock, or start without --upgrade when there is none", ctx.Err())
		}
	}
}

func (t *Taken) take(owners []int) (err error) {
	if t.From, err = t.conn.check(owners...); err != nil {
		return err
	}
	if err := t.conn.say(hello, t.step); err != nil {
		return err
	}
	for {
		m, fds, err := t.conn.receive(descriptors, t.step)
		if err != nil {
			return err
		}
		t.Descriptors, t.Kept = append(t.Descriptors, fds...), int(m.kept)
		switch n := len(t.Descriptors); {
		case n == int(m.total):
			return nil
		case n > int(m.total) || len(fds) == 0:
			return fmt.Errorf("%d descriptors came of %d", n, m.total)
		}
	}
}

// Ready tells the old process that this one accepts connections, and returns
// when the old one has heard it and is about to stop. An error means that the
// old one has withdrawn its offer and serves on: this process has to end.
func (t *Taken) Ready() error {
	defer t.conn.Close()
	err := t.conn.say(ready, t.step)
	if err == nil {
		_, _, err = t.conn.receive(farewell, t.step)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errSilent):
		return nil // it is held up, and will read what it has been sent
	case errors.Is(syscall.Kill(t.From, 0), syscall.ESRCH):
		return nil // nobody serves but this process
	}
	return fmt.Errorf("take over from process %d: %w", t.From, err)
}

// Close gives up: the old process stays. The descriptors are not closed. It
// does nothing after Ready.
func (t *Taken) Close() { t.conn.Close() }
