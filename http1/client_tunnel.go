package http1

import (
	"errors"
	"io"

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
	t.x.Response.Tunnel = (*farTunnel)(t)
	return nil
}

// farTunnel is a roundTrip as the far end of a tunnel. How long it may be
// silent is up to the near end.
type farTunnel roundTrip

// Next returns the next bytes from the peer.
func (f *farTunnel) Next() ([]byte, error) {
	t := (*roundTrip)(f)
	for {
		if t.x == nil {
			return nil, t.over
		}
		if unread := t.in.unread(); len(unread) > 0 {
			t.in.consume(len(unread))
			return unread, nil
		}
		if _, err := t.in.more(); err == io.EOF {
			return nil, err
		} else if err != nil {
			return nil, t.readError(err)
		}
	}
}

// socket returns the connection, and its incoming side; nil when it is gone.
func (f *farTunnel) socket() (*loop.Conn, *input) {
	t := (*roundTrip)(f)
	if t.x == nil {
		return nil, nil
	}
	return t.conn, &t.in
}

// Write sends p to the peer.
func (f *farTunnel) Write(p []byte) (int, error) {
	t := (*roundTrip)(f)
	if t.x == nil {
		return 0, t.over
	}
	return t.conn.Write(p)
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
