package http1

import (
	"errors"
	"time"

	"pingap/loop"
	"pingap/message"
)

// tunnel passes bytes between a client and the far end of a connection that has
// switched protocols, and within the kernel where both are plain connections.
type tunnel struct {
	relay   message.Relay
	session *session
	copies  bool // bytes cannot be spliced
}

// run passes bytes until both directions have ended.
func (t *tunnel) run(far message.Tunnel) {
	s := t.session
	t.copies = false
	s.in.timeout = 0
	s.conn.state = tunneling
	err := t.relay.Run(&s.x, (*nearTunnel)(s), far, s.settings.timeouts.Tunnel)
	if s.x.Failed == nil {
		s.x.Failed = err
	}
}

// socketed is an end of a tunnel that is a connection.
type socketed interface {
	// socket returns the connection, its incoming side, and how long it may
	// take nothing, 0 for ever; nil when it is gone.
	socket() (conn *loop.Conn, in *input, write time.Duration)
}

// splice moves what is there of a busy stream, without taking it into the
// process; it implements message.Relay.Splice.
func (t *tunnel) splice(to, from message.Tunnel) error {
	source, ok1 := from.(socketed)
	sink, ok2 := to.(socketed)
	if t.copies || !ok1 || !ok2 {
		return nil
	}
	src, in, _ := source.socket()
	dst, _, write := sink.socket()
	if src == nil || dst == nil || !in.rushing() {
		return nil
	}
	n, err := dst.Loop().Splice(dst, src, -1, loop.SpliceLimits{Write: write, UntilDry: true})
	if x := &t.session.x; in == &t.session.in {
		x.Received += n
	} else {
		x.Sent += n
	}
	if errors.Is(err, errors.ErrUnsupported) {
		t.copies = true
		return nil
	}
	return err
}

// nearTunnel is a session as the near end of a tunnel.
type nearTunnel session

// Next returns the next bytes of the client, those first that came with its
// request.
func (n *nearTunnel) Next() ([]byte, error) {
	view, err := n.in.next()
	n.x.Received += int64(len(view))
	return view, err
}

// Write sends p to the client.
func (n *nearTunnel) Write(p []byte) (int, error) {
	if err := (*session)(n).send(p, nil); err != nil {
		return 0, err
	}
	n.x.Sent += int64(len(p))
	return len(p), nil
}

// CloseWrite tells the client that nothing more comes.
func (n *nearTunnel) CloseWrite() error { return (*session)(n).closeWrite() }

// Close ends both directions.
func (n *nearTunnel) Close() { n.conn.close() }

// Abort ends both directions with a reset.
func (n *nearTunnel) Abort() { n.conn.abort() }

func (n *nearTunnel) socket() (*loop.Conn, *input, time.Duration) {
	return n.conn.conn, &n.in, n.settings.timeouts.Write
}
