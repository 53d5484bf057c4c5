package etcdtest

import (
	"io"
	"net"
	"sync"
	"testing"

	"pingap/addresstest"
)

// Link is a way to a server that can be cut while the server goes on.
type Link struct {
	Host string // and port, that clients connect to

	t         testing.TB
	to        string
	listener  net.Listener // nil when the link is cut
	accepting sync.WaitGroup
	passing   sync.WaitGroup
	mu        sync.Mutex
	conns     []net.Conn // all since the link was mended
}

// NewLink makes a link to a server.
func NewLink(t testing.TB, to *Server) *Link {
	t.Helper()
	l := &Link{Host: addresstest.Free(t), t: t, to: to.Host}
	l.Mend()
	t.Cleanup(l.Cut)
	return l
}

// Mend lets connections be made.
func (l *Link) Mend() {
	l.t.Helper()
	listener, err := net.Listen("tcp", l.Host)
	if err != nil {
		l.t.Fatal(err)
	}
	l.listener = listener
	l.accepting.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.hold(conn)
			l.passing.Go(func() { l.pass(conn) })
		}
	})
}

// Cut ends all connections, and refuses others.
func (l *Link) Cut() {
	if l.listener == nil {
		return
	}
	l.listener.Close()
	l.listener = nil
	l.accepting.Wait()
	l.mu.Lock()
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
	l.mu.Unlock()
	l.passing.Wait()
}

func (l *Link) hold(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conn)
}

// pass passes on what either side says until one of them is gone.
func (l *Link) pass(conn net.Conn) {
	defer conn.Close()
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		io.Copy(conn, far)
		conn.Close()
	})
	io.Copy(far, conn)
	far.Close()
	back.Wait()
}
