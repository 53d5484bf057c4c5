package http1

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// relay is a server that passes its exchanges on to a peer, over one connection.
// The test plays both ends.
type relay struct {
	*testServer
	peer  *client
	ended chan error // of each round trip that has failed
}

func startRelay(t testing.TB, o ClientOptions) *relay {
	t.Helper()
	var (
		conn    *loop.Conn
		clients Clients
	)
	r := &relay{ended: make(chan error, 1)}
	r.testServer = serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		err := clients.RoundTrip(x, conn, &o, func(bool) {})
		if err != nil {
			r.ended <- err
		}
		return err
	})})
	looptest.Do(t, r.loop, func() {
		near, far := looptest.Pair(t, r.loop)
		far.SetDeadline(time.Now().Add(patience))
		conn, r.peer = near, &client{t: t, conn: far.(*net.TCPConn)}
	})
	t.Cleanup(func() { looptest.Do(t, r.loop, func() { conn.Close() }) })
	return r
}

// The head leaves while the content is waited for, and is then a part of the
// request that may have reached the peer.
func TestRelayKnowsThatAHeadHasLeftBeforeItsContent(t *testing.T) {
	r := startRelay(t, ClientOptions{})
	c := r.dial().send("POST / HTTP/1.1\nHost: h\nContent-Length: 5\n\n")
	r.peer.want(wantPost)
	looptest.Do(t, r.loop, func() {
		// So the loop hears of the content first, unless the kernel is busy.
		c.send("hello")
		r.peer.reset()
	})
	err := <-r.ended
	e, ok := errors.AsType[*message.UpstreamError](err)
	if !ok {
		t.Fatalf("the error is %v", err)
	}
	if e.Failure != message.ConnectionLost || !e.Sent && !e.Consumed {
		t.Errorf("%v: sent %v, consumed %v", e, e.Sent, e.Consumed)
	}
	c.want("HTTP/1.1 500 ")
}

// While a request goes on, its response is not late, however it is moved.
func TestRelayWaitsForAResponseToARequestThatIsNotComplete(t *testing.T) {
	const size = 2 << 20
	r := startRelay(t, ClientOptions{ReadTimeout: time.Second})
	c := r.dial().send("POST / HTTP/1.1\nHost: h\nContent-Length: 5\n\nhell")
	r.peer.want(wantPost + "hell").send("HTTP/1.1 200 OK\nDate: now\nContent-Length: 2097152\n\n")
	c.want(ok + "Content-Length: 2097152\n\n")
	c.wantSilenceFor(1200 * time.Millisecond)
	c.send("o")
	r.peer.want("o")
	go io.WriteString(r.peer.conn, strings.Repeat("x", size)) // more than buffers may hold
	c.want(strings.Repeat("x", size))
}
