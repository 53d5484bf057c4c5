package http1

import (
	"errors"
	"io"
	"time"

	"pingap/loop"
	"pingap/message"
)

var (
	errUnaskedSwitch = errors.New("101 (Switching Protocols) that was not asked for")
	errEarlySwitch   = errors.New("101 (Switching Protocols) before the request was complete")
)

// switchProtocols turns the connection into a tunnel (RFC 9110 section 7.8).
func (t *roundTrip) switchProtocols() error {
	switch {
	case t.x.Request.Upgrade == "":
		return t.fault(message.BadResponse, errUnaskedSwitch)
	case !t.upload.complete():
		return t.fault(message.BadResponse, errEarlySwitch)
	}
	t.in.pin()
	t.note()
	t.in.timeout = 0
	t.conn.SetWriteDeadlineAt(0)
	t.x.Response.Tunnel, t.x.Response.TunnelIdle = (*farTunnel)(t), t.options.TunnelTimeout
	return nil
}

// farTunnel is a roundTrip as the far end of a tunnel. It may be silent for as
// long as the client has something to say.
type farTunnel roundTrip

// Next returns the next bytes from the peer.
func (f *farTunnel) Next() ([]byte, error) {
	t := (*roundTrip)(f)
	if t.x == nil {
		return nil, t.over
	}
	view, err := t.in.next()
	switch {
	case t.x == nil: // closed meanwhile
		return nil, t.over
	case err == nil, err == io.EOF:
		return view, err
	}
	return nil, t.readError(err)
}

func (f *farTunnel) socket() (*loop.Conn, *input, time.Duration) {
	t := (*roundTrip)(f)
	if t.x == nil {
		return nil, nil, 0
	}
	return t.conn, &t.in, t.options.WriteTimeout
}

// Write sends p to the peer.
func (f *farTunnel) Write(p []byte) (int, error) {
	t := (*roundTrip)(f)
	if t.x == nil {
		return 0, t.over
	}
	if _, err := send(t.conn, t.options.WriteTimeout, p, nil); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite tells the peer that nothing more comes.
func (f *farTunnel) CloseWrite() error {
	t := (*roundTrip)(f)
	if t.x == nil {
		return t.over
	}
	return t.conn.CloseWrite()
}

// Close ends both directions.
func (f *farTunnel) Close() {
	t := (*roundTrip)(f)
	if t.x != nil {
		t.conn.Close()
		t.part(false, errAbandoned)
	}
}

// Abort ends both directions with a reset.
func (f *farTunnel) Abort() { (*roundTrip)(f).abandon() }
