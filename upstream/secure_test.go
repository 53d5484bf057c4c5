package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// website is a server of the standard library, which answers with the version
// of HTTP that it was asked in, and counts its connections.
type website struct {
	*httptest.Server
	conns atomic.Int32
	// resumed counts those of the handshakes that went on with a session.
	resumed atomic.Int32
	hold    chan struct{} // what /hold waits for
}

// serveSite starts a website; protocols are for ALPN, and none stands for clear
// text, where it takes both versions.
func serveSite(t *testing.T, protocols ...string) (*website, PeerSpec, *tls.Config) {
	t.Helper()
	w := &website{hold: make(chan struct{})}
	handler := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			<-w.hold
		}
		fmt.Fprint(out, r.Proto)
	})
	var config *tls.Config
	if len(protocols) == 0 {
		w.Server = httptest.NewUnstartedServer(handler)
		w.Config.Protocols = new(http.Protocols)
		w.Config.Protocols.SetHTTP1(true)
		w.Config.Protocols.SetUnencryptedHTTP2(true)
		w.Config.ConnState = w.count
		w.Start()
	} else {
		w.Server = httptest.NewUnstartedServer(handler)
		w.Config.ConnState = w.count
		w.EnableHTTP2 = protocols[0] == "h2"
		w.TLS = &tls.Config{NextProtos: protocols, VerifyConnection: w.countResumed}
		w.StartTLS()
		pool := x509.NewCertPool()
		pool.AddCert(w.Certificate())
		config = &tls.Config{RootCAs: pool, ServerName: "example.com"}
	}
	t.Cleanup(w.Close)
	return w, specOf(w.Listener.Addr()), config
}

func (w *website) count(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		w.conns.Add(1)
	}
}

func (w *website) countResumed(state tls.ConnectionState) error {
	if state.DidResume {
		w.resumed.Add(1)
	}
	return nil
}

// Peers that share a name do not share the keys of their tickets.
func TestSessionsAreResumedWithEachPeer(t *testing.T) {
	for _, protocols := range [][]string{{"http/1.1"}, {"h2", "http/1.1"}} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			a, first, config := serveSite(t, protocols...)
			b, second, _ := serveSite(t, protocols...)
			config = config.Clone()
			config.MaxVersion = version
			u, l := newUpstream(t, func(s *Spec) {
				s.TLS, s.Protocol, s.IdleTimeout = config, HTTP2OrHTTP1, 0
			}, first, second)
			for i := range 6 {
				if err := ask(t, l, u).err; err != nil {
					t.Fatal(i, protocols, tls.VersionName(version), err)
				}
				wantClosed(t, u, l)
			}
			if a.resumed.Load() != 2 || b.resumed.Load() != 2 {
				t.Errorf("%v, %s: of three connections each, %d and %d have resumed", protocols, tls.VersionName(version), a.resumed.Load(), b.resumed.Load())
			}
		}
	}
}

func TestVersionOfHTTPIsAgreedOnWithThePeer(t *testing.T) {
	for _, c := range []struct {
		offered  []string // by the peer; none for clear text
		protocol Protocol
		want     string
	}{
		{nil, HTTP1, "HTTP/1.1"},
		{nil, HTTP2, "HTTP/2.0"},
		{nil, HTTP2OrHTTP1, "HTTP/1.1"},
		{[]string{"h2", "http/1.1"}, HTTP1, "HTTP/1.1"},
		{[]string{"h2", "http/1.1"}, HTTP2, "HTTP/2.0"},
		{[]string{"h2", "http/1.1"}, HTTP2OrHTTP1, "HTTP/2.0"},
		{[]string{"http/1.1"}, HTTP2OrHTTP1, "HTTP/1.1"},
	} {
		w, peer, config := serveSite(t, c.offered...)
		u, l := newUpstream(t, func(s *Spec) { s.TLS, s.Protocol, s.MaxStreams = config, c.protocol, 10 }, peer)
		for range 3 {
			ask(t, l, u).want(t, c.want)
		}
		if n := w.conns.Load(); n != 1 {
			t.Errorf("%v, %v: %d connections for three exchanges in a row", c.offered, c.protocol, n)
		}
	}
}

// What lasts until the connection ends is whole only if the peer has said in TLS
// that it ends (RFC 9112 section 9.8).
func TestContentThatEndsWithoutAWordOfTLSIsIncomplete(t *testing.T) {
	w, _, config := serveSite(t, "http/1.1")
	certs := w.TLS.Certificates
	for _, c := range []struct {
		head  string
		said  bool
		whole bool
	}{
		{"", true, true},
		{"", false, false},
		{"Content-Length: 5\r\n", false, true},
	} {
		b := listen(t, func(conn *peerConn, _ int) {
			raw := conn.Conn
			conn.Conn = tls.Server(raw, &tls.Config{Certificates: certs})
			conn.r.Reset(conn.Conn)
			conn.request()
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+c.head+"\r\nhello")
			if c.said {
				conn.Conn.Close()
			}
			raw.Close()
		})
		u, l := newUpstream(t, func(s *Spec) { s.TLS = config }, b.spec())
		o := ask(t, l, u)
		if c.whole {
			o.want(t, "hello")
		} else {
			o.wantFailure(t, message.BodyCut)
		}
	}
}

func TestPeerThatDoesNotAgreeOnHTTP2Fails(t *testing.T) {
	_, peer, config := serveSite(t, "http/1.1")
	u, l := newUpstream(t, func(s *Spec) { s.TLS, s.Protocol = config, HTTP2 }, peer)
	failed, ok := errors.AsType[*message.UpstreamError](ask(t, l, u).err)
	if !ok || failed.Failure != message.ConnectFailed {
		t.Errorf("error %v", failed)
	}
}

func TestPeerWhoseCertificateIsForAnotherNameFails(t *testing.T) {
	_, peer, config := serveSite(t, "http/1.1")
	config.ServerName = "other.test"
	u, l := newUpstream(t, func(s *Spec) { s.TLS = config }, peer)
	err := ask(t, l, u).err
	if err == nil || !strings.Contains(err.Error(), "other.test") || !strings.Contains(err.Error(), "TLS handshake") {
		t.Errorf("error %v", err)
	}
}

func TestPeerThatDoesNotAnswerTheHandshakeIsNotWaitedForLong(t *testing.T) {
	b := listen(t, func(c *peerConn, _ int) { io.Copy(io.Discard, c.r) })
	u, l := newUpstream(t, func(s *Spec) {
		s.TLS, s.TotalConnectTimeout = &tls.Config{ServerName: "a.test"}, 50*time.Millisecond
	}, b.spec())
	failed, ok := errors.AsType[*message.UpstreamError](ask(t, l, u).err)
	if !ok || failed.Failure != message.ConnectTimeout {
		t.Errorf("error %v", failed)
	}
}

func TestExchangesShareAConnectionUpToItsLimit(t *testing.T) {
	w, peer, config := serveSite(t, "h2", "http/1.1")
	u, l := newUpstream(t, func(s *Spec) { s.TLS, s.Protocol, s.MaxStreams = config, HTTP2, 4 }, peer)
	for _, o := range outcomes(t, l, u, 10) {
		o.want(t, "HTTP/2.0")
	}
	// All ten are there before the first connection is.
	if n := w.conns.Load(); n != 3 {
		t.Errorf("%d connections for ten exchanges at a time, of which four share one", n)
	}
	if n := u.Peers()[0].InFlight; n != 0 {
		t.Errorf("%d exchanges are still counted", n)
	}
}

func TestConnectionThatThePeerEndsIsReplaced(t *testing.T) {
	w, peer, config := serveSite(t, "h2", "http/1.1")
	u, l := newUpstream(t, func(s *Spec) { s.TLS, s.Protocol, s.MaxStreams = config, HTTP2, 4 }, peer)
	ask(t, l, u).want(t, "HTTP/2.0")
	w.CloseClientConnections()
	ask(t, l, u).want(t, "HTTP/2.0")
	if n := w.conns.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestClosedUpstreamEndsItsSharedConnectionsWhenTheyAreIdle(t *testing.T) {
	w, peer, config := serveSite(t, "h2", "http/1.1")
	u, l := newUpstream(t, func(s *Spec) { s.TLS, s.Protocol, s.MaxStreams = config, HTTP2, 4 }, peer)
	ask(t, l, u).want(t, "HTTP/2.0")
	if u.Open() != 1 {
		t.Errorf("%d connections are counted", u.Open())
	}
	u.Close()
	wantClosed(t, u, l)
	close(w.hold)
}

func wantClosed(t *testing.T, u *Upstream, l *loop.Loop) {
	t.Helper()
	wantOpen := func() bool { return u.Open() == 0 }
	looptest.Do(t, l, func() { eventually(t, l, wantOpen) })
}
