package certificate

import (
	"crypto/tls"
	"errors"
	"testing"
	"time"
)

// shake makes a handshake between two configs, and returns what both sides have
// then: the states, and the certificates and tickets that the client has read.
func shake(t testing.TB, server, client *tls.Config) (atServer, atClient tls.ConnectionState, err error) {
	t.Helper()
	// Both sides may write at once, so what is between them has to hold that.
	near, farEnd := socketPair(t)
	far := fileConn(t, farEnd)
	defer near.Close()
	defer far.Close()
	deadline := time.Now().Add(30 * time.Second)
	near.SetDeadline(deadline)
	far.SetDeadline(deadline)
	s, c := tls.Server(near, server), tls.Client(far, client)
	done := make(chan error, 1)
	go func() {
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		} else {
			near.Close()
		}
		done <- err
	}()
	// Tickets come in TLS 1.3 before the first byte.
	_, clientErr := c.Read(make([]byte, 1))
	if clientErr != nil {
		far.Close()
	}
	serverErr := <-done
	return s.ConnectionState(), c.ConnectionState(), errors.Join(serverErr, clientErr)
}

// site is a server with one certificate, and a client that trusts it.
func site(t testing.TB, spec ServerSpec, names ...string) (server, client *tls.Config) {
	t.Helper()
	ca := newCA(t, "CA", nil)
	if spec.Store == nil {
		spec.Store, _ = NewStore([]*Certificate{loaded(t, Spec{Name: "x", Default: true}, newLeaf(t, ca, newECDSA(t), names...))})
	}
	server, _, err := ServerConfig(spec)
	if err != nil {
		t.Fatal(err)
	}
	return server, &tls.Config{RootCAs: poolOf(ca), ServerName: names[0]}
}
