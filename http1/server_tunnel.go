package http1

import (
	"errors"
	"io"
	"time"

	"pingap/loop"
	"pingap/message"
)

// tunnel passes bytes between a client and the far end of a connection that
// has switched protocols, both ways at once: the session's coroutine carries
// those of the client, a second one those of the far end. Each direction ends
// on its own (half-close); an error, or silence in both, ends both.
type tunnel struct {
	session *session
	far     message.Tunnel
	moved   int64 // loop time of the last bytes
	failed  error // why both directions were ended
	copies  bool  // bytes cannot be spliced
}

var errTunnelSilent = errors.New("tunnel was silent for too long")

// run passes bytes until both directions have ended.
func (t *tunnel) run(far message.Tunnel) {
	s := t.session
	l := s.front.loop
	t.far, t.failed, t.copies = far, nil, false
	t.moved = l.Now()
	s.cut = true // there is nobody to linger for
	s.in.timeout = 0
	s.conn.state = tunneling
	s.conn.conn.SetIdleTimeout(s.settings.timeouts.Tunnel)
	s.x.Hold()
	l.Go(t)
	if err := t.forth(); err != nil {
		t.fail(err)
	}
	s.x.Settle()
	t.far.Close()
	t.far = nil
	if s.x.Failed == nil {
		s.x.Failed = t.failed
	}
}

// forth carries the client's bytes, those first that came with its request.
func (t *tunnel) forth() error {
	in := &t.session.in
	for {
		if view := in.unread(); len(view) > 0 {
			if _, err := t.far.Write(view); err != nil {
				return err
			}
			in.consume(len(view))
			t.session.x.Received += int64(len(view))
			t.touch()
		}
		if far, _ := t.farSocket(); far != nil && in.rushing() {
			n, err := t.splice(far, in.conn, 0)
			t.session.x.Received += n
			if err != nil {
				return err
			}
		}
		if _, err := in.more(); err == io.EOF {
			return t.far.CloseWrite()
		} else if err != nil {
			return err
		}
	}
}

// Run carries the far end's bytes.
func (t *tunnel) Run() {
	err := error(errPanic)
	defer func() {
		if err != nil {
			t.fail(err)
		}
		t.session.x.Release()
	}()
	err = t.back()
}

func (t *tunnel) back() error {
	for {
		view, err := t.far.Next()
		if err == io.EOF {
			return t.session.closeWrite()
		}
		if err != nil {
			return err
		}
		if err := t.session.send(view, nil); err != nil {
			return err
		}
		t.session.x.Sent += int64(len(view))
		t.touch()
		if far, in := t.farSocket(); far != nil && in.rushing() {
			n, err := t.splice(t.session.conn.conn, far, t.session.settings.timeouts.Write)
			t.session.x.Sent += n
			if err != nil {
				return err
			}
		}
	}
}

// farSocket returns the connection at the far end, and its incoming side; nil
// when bytes cannot be moved between both connections within the kernel.
func (t *tunnel) farSocket() (*loop.Conn, *input) {
	far, ok := t.far.(*farTunnel)
	if !ok || t.copies {
		return nil, nil
	}
	return far.socket()
}

// splice moves what is there of a busy stream, without taking it into the
// process. write bounds each wait for room, 0 for ever.
func (t *tunnel) splice(dst, src *loop.Conn, write time.Duration) (int64, error) {
	n, err := dst.Loop().Splice(dst, src, -1, loop.SpliceLimits{Write: write, UntilDry: true})
	t.touch()
	if errors.Is(err, errors.ErrUnsupported) {
		t.copies = true
		return n, nil
	}
	return n, err
}

func (t *tunnel) touch() { t.moved = t.session.front.loop.Now() }

// fail ends both directions; whoever is parked in one returns.
func (t *tunnel) fail(err error) {
	if t.failed == nil {
		t.failed = err
	}
	t.far.Close()
	t.session.conn.close()
}

// expired is told when the idle time is over: it may have begun anew since it
// was set.
func (t *tunnel) expired() {
	s := t.session
	silent := time.Duration(s.front.loop.Now() - t.moved)
	if left := s.settings.timeouts.Tunnel - silent; left > 0 {
		s.conn.conn.SetIdleTimeout(left)
		return
	}
	t.fail(errTunnelSilent)
}
