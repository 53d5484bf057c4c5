package http1

import (
	"io"
	"strings"
	"testing"
	"time"

	"pingap/loop/looptest"
	"pingap/message"
)

const stalledContent = 3000

// stalled returns a client that has taken nothing of so many answers that the last
// one could not be sent whole, and how many those are.
func stalled(t *testing.T, timeouts Timeouts) (s *testServer, c *client, answers int) {
	t.Helper()
	content := strings.Repeat("x", stalledContent)
	s = serve(t, &Server{KeepAliveRequests: 1 << 30, Timeouts: timeouts, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		answers++
		text(x, content)
		return nil
	})})
	c = s.dial()
	c.conn.SetReadBuffer(64 << 10)
	for asked := 1; ; asked++ {
		c.send("GET / HTTP/1.1\nHost: a\n\n")
		pending := 0
		looptest.Do(t, s.loop, func() {
			for answers < asked {
				s.loop.Yield()
			}
			s.loop.Yield() // the turn ends, with all that it sends
			pending = s.only().conn.Pending()
		})
		if pending > 0 {
			return s, c, asked
		}
	}
}

// only returns the server's one connection, on its loop.
func (s *testServer) only() *serverConn { return s.fronts.On(s.loop, nil).conns.next }

// until waits until ok, which is called on the loop.
func (s *testServer) until(what string, ok func() bool) {
	s.t.Helper()
	looptest.Do(s.t, s.loop, func() {
		for end := s.loop.Now() + int64(patience); !ok(); s.loop.Sleep(time.Millisecond) {
			if s.loop.Now() > end {
				s.t.Errorf("not in time: %s", what)
				return
			}
		}
	})
}

// wantAnswers reads that many answers, and then the end.
func (c *client) wantAnswers(n int) {
	c.t.Helper()
	got, err := io.ReadAll(c.conn)
	if count := strings.Count(string(got), "HTTP/1.1 200 OK\r\n"); count != n || err != nil {
		c.t.Errorf("got %d answers and %v, want %d", count, err, n)
	}
	if content := strings.Count(string(got), "x"); content < n*stalledContent {
		c.t.Errorf("got %d bytes of content, want %d", content, n*stalledContent)
	}
}

func TestAnswerThatIsNotTakenYetOutlastsTheIdleTimeout(t *testing.T) {
	s, c, answers := stalled(t, Timeouts{Idle: soon, Write: patience})
	s.until("a session waits for the client", func() bool { return s.only().state == flushing })
	c.wantAnswers(answers)
}

func TestConnectionIsResetWhenItsLastAnswerIsNotTaken(t *testing.T) {
	s, c, _ := stalled(t, Timeouts{Idle: patience, Write: soon})
	s.until("the connection is closed", func() bool { return s.Open() == 0 })
	if _, err := io.ReadAll(c.conn); err == nil {
		t.Error("the end looks as if the answers were whole")
	}
}

func TestAnswersAreTakenByAClientThatHasClosedItsSide(t *testing.T) {
	s, c, answers := stalled(t, Timeouts{Idle: patience, Write: patience})
	c.conn.CloseWrite()
	s.until("the end has come", func() bool { return s.only().conn.PeerClosed() })
	c.wantAnswers(answers)
}

func TestDrainLetsAClientTakeItsLastAnswer(t *testing.T) {
	s, c, answers := stalled(t, Timeouts{Idle: patience, Write: patience})
	s.Drain(0)
	s.until("a session waits for the client", func() bool { return s.only().state == flushing })
	c.wantAnswers(answers)
}

func TestRequestAfterAnAnswerThatIsNotTakenYetIsAnsweredToo(t *testing.T) {
	s, c, answers := stalled(t, Timeouts{Idle: patience, Write: patience})
	c.send("GET / HTTP/1.1\nHost: a\nConnection: close\n\n")
	s.until("a session waits for the client", func() bool { return s.only().state == flushing })
	c.wantAnswers(answers + 1)
}

// Between the event of a request and the turn of its session the server may be told
// to cut its connections.
func TestConnectionIsCutBeforeItsSessionHasRun(t *testing.T) {
	s := serve(t, &Server{})
	c := s.dial().send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\n\nGET /")
	looptest.Do(t, s.loop, func() {
		s.only().serve()
		s.fronts.On(s.loop, nil).cut()
	})
	c.wantEnd()
}
