package http1

import (
	"io"
	"net"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// stopping is content that does not come to its end.
type stopping struct {
	loop  *loop.Loop
	began bool
}

func (b *stopping) Next() ([]byte, error) {
	if b.began {
		return nil, b.loop.Park()
	}
	b.began = true
	return []byte("abc"), nil
}

func (b *stopping) Close() {}

// Where the end of the connection is that of the content, a close in the middle would
// tell the client that it has all of it.
func TestServerThatIsClosedResetsResponsesThatEndWithTheConnection(t *testing.T) {
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status, x.Response.Length = 200, message.UnknownLength
		x.Response.Header.Add("Date", "now")
		x.Response.Body = &stopping{loop: x.Loop}
		return nil
	})})
	c := s.dial().send("GET / HTTP/1.0\n\n").want("HTTP/1.1 200 OK\nDate: now\nConnection: close\n\nabc")
	s.Close()
	c.wantReset()
}

// unchanged is a layer that changes nothing.
type unchanged struct{ conn *loop.Conn }

func (u unchanged) Open(p []byte) (int, error) { return u.conn.TryReadRaw(p) }
func (u unchanged) Seal(p []byte) error        { u.conn.AppendRaw(p); return nil }
func (u unchanged) SealEnd() error             { return nil }

// Nothing tells of a layer whether there is something to read, but a read.
func TestServerGivesUpOnAHeadThatDoesNotComeUnderALayer(t *testing.T) {
	s := &Server{Handler: message.HandlerFunc(echo), Timeouts: Timeouts{Head: soon, Idle: time.Hour}}
	defer s.Close()
	l := looptest.New(t)
	accept := s.Acceptor(l)
	addr := looptest.Listen(t, l, func(conn *loop.Conn) {
		conn.SetLayer(unchanged{conn})
		accept(conn, nil)
	})
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
		t.Errorf("got %q (%v), want the end", rest, err)
	}
}
