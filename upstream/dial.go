package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"pingap/loop"
	"pingap/loop/proxyprotocol"
	"pingap/loop/secure"
	"pingap/message"
)

// dial makes a connection that speaks HTTP/1.1.
func (s *place) dial(x *message.Exchange) (carrier, error) {
	conn, err := s.open(x)
	if err != nil {
		return nil, err
	}
	if tls := s.peer.tls1; tls != nil {
		if _, err := s.secure(x, conn, tls); err != nil {
			return nil, err
		}
	}
	return newConnection(conn, s), nil
}

// open connects to the place's peer.
func (s *place) open(x *message.Exchange) (*loop.Conn, error) {
	l, u := s.pool.loop, s.pool.upstream
	start := l.Now()
	conn, err := l.Dial(s.peer.addr, &u.dialing)
	if err != nil {
		// The loop's error begins with the address, and so does ours.
		if cause := errors.Unwrap(err); cause != nil {
			err = cause
		}
		return nil, s.dialError(err)
	}
	s.avoidUntil = 0
	x.Upstream.TCPConnectTime = l.Now() - start
	x.Upstream.ConnectTime = x.Upstream.TCPConnectTime
	u.open.Add(1)
	u.introduceTo(conn, x)
	return conn, nil
}

// introduceTo tells the peer for whom a connection is made.
func (u *Upstream) introduceTo(conn *loop.Conn, x *message.Exchange) {
	client := x.Client
	if x.ClientIP.IsValid() && x.ClientIP != client.Addr() {
		client = netip.AddrPortFrom(x.ClientIP, 0) // as a trusted proxy has reported it
	}
	h := proxyprotocol.Header{Source: client, Destination: x.Local}
	switch u.introduce {
	case 1:
		conn.SetOutput(proxyprotocol.Append1(conn.Output(proxyprotocol.Longest), h))
	case 2:
		conn.SetOutput(proxyprotocol.Append2(conn.Output(proxyprotocol.Longest), h))
	}
}

// handshakeTime is how long a TLS handshake may take where no time is set for
// the whole connection.
const handshakeTime = 10 * time.Second

// secure makes the TLS handshake on a connection that has just been made. With
// an error it is closed.
func (s *place) secure(x *message.Exchange, conn *loop.Conn, config *tlsConfig) (*secure.Conn, error) {
	l, u := s.pool.loop, s.pool.upstream
	start := l.Now()
	within := handshakeTime
	if u.connectTime > 0 {
		within = max(u.connectTime-time.Duration(x.Upstream.TCPConnectTime), time.Millisecond)
	}
	secured, err := secure.Client(conn, config, within)
	if err != nil {
		conn.Close()
		u.open.Add(-1)
		return nil, s.dialError(fmt.Errorf("TLS handshake: %w", err))
	}
	x.Upstream.TLSTime = l.Now() - start
	x.Upstream.ConnectTime = x.Upstream.TCPConnectTime + x.Upstream.TLSTime
	return secured, nil
}

// dialError notes that the peer is to be avoided and tells what has failed.
func (s *place) dialError(err error) error {
	if canceled := s.pool.loop.Current().Canceled(); canceled != nil {
		return canceled
	}
	s.avoidUntil = s.pool.loop.Now() + int64(avoidFor)
	failure := message.ConnectFailed
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) || errors.Is(err, secure.ErrHandshakeLate) {
		failure = message.ConnectTimeout
	}
	return &message.UpstreamError{Failure: failure, Peer: s.peer.name, Err: err}
}
