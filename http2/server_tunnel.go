package http2

import (
	"errors"
	"io"

	"pingap/message"
)

// tunnel passes bytes between a stream and the far end of a connection that has
// switched protocols, both ways at once: the exchange's coroutine carries those
// of the client, a second one those of the far end. Each direction ends on its
// own; an error, or silence in both, ends both.
type tunnel struct {
	exchange *exchange
	far      message.Tunnel
	moved    int64 // loop time of the last bytes
	failed   error // why both directions were ended
}

var errTunnelSilent = errors.New("tunnel was silent for too long")

// run passes bytes until both directions have ended.
func (t *tunnel) run(far message.Tunnel) {
	e := t.exchange
	l := e.conn.loop
	t.far, t.failed = far, nil
	t.moved = l.Now()
	e.readTime, e.late = e.front.timeouts.Tunnel, errTunnelSilent
	e.x.Hold()
	l.Go(t)
	if err := t.forth(); err != nil {
		t.fail(err)
	}
	e.x.Settle()
	t.far.Close()
	t.far = nil
	if e.x.Failed == nil {
		e.x.Failed = t.failed
	}
}

// forth carries the client's bytes.
func (t *tunnel) forth() error {
	e := t.exchange
	for {
		view, err := e.Next()
		switch {
		case err == io.EOF:
			return t.far.CloseWrite()
		case err == errTunnelSilent && !t.silent():
			e.readErr = nil
			continue
		case err != nil:
			return err
		}
		if _, err := t.far.Write(view); err != nil {
			return err
		}
		t.touch()
	}
}

// silent reports whether nothing has come from the far end either.
func (t *tunnel) silent() bool {
	e := t.exchange
	return e.conn.loop.Now()-t.moved >= int64(e.front.timeouts.Tunnel)
}

// Run implements loop.Task: it carries the far end's bytes.
func (t *tunnel) Run() {
	err := error(errPanic)
	defer func() {
		if err != nil {
			t.fail(err)
		}
		t.exchange.x.Release()
	}()
	err = t.back()
}

func (t *tunnel) back() error {
	e := t.exchange
	for {
		view, err := t.far.Next()
		if err == io.EOF {
			return e.send(nil, true)
		}
		if err != nil {
			return err
		}
		if err := e.send(view, false); err != nil {
			return err
		}
		e.x.Sent += int64(len(view))
		t.touch()
	}
}

func (t *tunnel) touch() { t.moved = t.exchange.conn.loop.Now() }

// fail ends both directions; whoever is parked in one returns.
func (t *tunnel) fail(err error) {
	if t.failed == nil {
		t.failed = err
	}
	t.far.Close()
	t.exchange.abort(Cancel, "the tunnel has ended")
}
