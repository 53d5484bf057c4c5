package http1

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

const soon = 30 * time.Millisecond

func TestServerGivesUpOnAHeadThatDoesNotCome(t *testing.T) {
	failed := make(chan error, 1)
	s := serve(t, &Server{Timeouts: Timeouts{Head: 10 * soon}, Refuse: func(x *message.Exchange, why *Error) {
		x.OnEnd(func(x *message.Exchange) { failed <- x.Failed })
	}})
	t.Run("nothing came", func(t *testing.T) { s.dial().wantEnd() })
	t.Run("an empty line came", func(t *testing.T) { s.dial().send("\n").wantEnd() })
	t.Run("a part came", func(t *testing.T) {
		got := s.dial().send("GET / HTTP/1.1\nHost").all()
		if !strings.HasPrefix(got, "HTTP/1.1 408 Request Timeout\r\n") || !strings.Contains(got, "Connection: close\r\n") {
			t.Errorf("got %q", got)
		}
		if err := <-failed; err != error(errHeadLate) {
			t.Errorf("Failed is %v", err)
		}
	})
	t.Run("bytes keep dripping in", func(t *testing.T) {
		c := s.dial()
		stop := make(chan struct{})
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					io.WriteString(c.conn, "G")
				}
			}
		}()
		line := c.line()
		close(stop)
		<-stopped
		if line != "HTTP/1.1 408 Request Timeout" {
			t.Errorf("got %q", line)
		}
		<-failed
	})
}

func TestServerClosesIdleConnections(t *testing.T) {
	c := serve(t, &Server{Timeouts: Timeouts{Idle: soon}}).dial()
	c.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\n\nGET /").wantEnd()
}

func TestServerAnswersWhenAHeadIsCut(t *testing.T) {
	c := serve(t, &Server{}).dial().send("GET / HTTP/1.1\nHo")
	c.conn.CloseWrite()
	if got := c.all(); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("got %q", got)
	}
}

func TestServerGivesUpOnContentThatDoesNotCome(t *testing.T) {
	s := serve(t, &Server{Handler: message.HandlerFunc(readAll), Timeouts: Timeouts{Body: soon}})
	got := s.dial().send("POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\na").all()
	if !strings.HasPrefix(got, "HTTP/1.1 408 ") {
		t.Errorf("got %q", got)
	}
}

func TestContentMustComeAtALeastRate(t *testing.T) {
	for _, c := range []struct {
		what     string
		f        framing
		waited   time.Duration
		received int64
		slow     bool
	}{
		{"the first minute", sized, rateGrace, 0, false},
		{"at the least rate", sized, 2 * rateGrace, 120 * 64, false},
		{"below it", sized, 2 * rateGrace, 120*64 - 1, true},
		{"chunked", chunked, 2 * rateGrace, 0, false},
	} {
		b := body{framing: c.f, leastRate: 64, waited: c.waited, received: c.received}
		if b.tooSlow() != c.slow {
			t.Errorf("%s: %v", c.what, !c.slow)
		}
	}
}

func TestServerGivesUpOnAClientThatDoesNotRead(t *testing.T) {
	ended := make(chan error, 1)
	s := serve(t, &Server{Timeouts: Timeouts{Write: soon}, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.OnEnd(func(x *message.Exchange) { ended <- x.Failed })
		x.Response.Status, x.Response.Length, x.Response.Body = 200, message.UnknownLength, endless{}
		return nil
	})})
	c := s.dial().send("GET / HTTP/1.1\nHost: a\n\n")
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("Failed is %v", err)
	}
	c.wantReset() // so that the kernel keeps nothing for it
}

// endless is a body without end.
type endless struct{}

var zeros [64 << 10]byte

func (endless) Next() ([]byte, error) { return zeros[:], nil }
func (endless) Close()                {}

func TestServerWaitsForAClientThatReadsSlowly(t *testing.T) {
	const size = 32 << 20
	s := serve(t, &Server{Timeouts: Timeouts{Write: time.Second}, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status, x.Response.Length = 200, size
		x.Response.Body = &message.BytesBody{Data: make([]byte, size)}
		return nil
	})})
	c := s.dial()
	c.conn.SetReadBuffer(64 << 10)
	c.send("GET / HTTP/1.0\n\n")
	total := 0
	for buf := make([]byte, 512<<10); ; {
		n, err := io.ReadFull(c.conn, buf)
		total += n
		if err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond) // sleep: the whole takes longer than the limit
	}
	if total < size {
		t.Errorf("got %d bytes", total)
	}
}

// What is written leaves together, but not all at the end: what is gathered for
// a client that does not read would have no bound.
func TestServerGathersNoMoreThanALittle(t *testing.T) {
	const answers = 100
	large := new(message.Header)
	large.Add("Large", strings.Repeat("x", 10_000))
	server := new(Server)
	most := 0
	gathered := func(x *message.Exchange) {
		most = max(most, server.fronts.On(x.Loop, nil).conns.next.conn.Pending())
	}
	server.Handler = message.HandlerFunc(func(x *message.Exchange) error {
		if x.Request.Path == "/interim" {
			for range answers {
				gathered(x)
				if err := x.Interim(103, large); err != nil {
					return err
				}
			}
		}
		gathered(x)
		x.Response.Status = 304
		x.Response.Header.Add("Large", large.Get("Large"))
		return nil
	})
	s := serve(t, server)
	last := "GET / HTTP/1.1\nHost: a\nConnection: close\n\n"
	for what, requests := range map[string]string{
		"pipelined answers": strings.Repeat("GET / HTTP/1.1\nHost: a\n\n", answers-1) + last,
		"interim responses": "GET /interim HTTP/1.1\nHost: a\n\n" + last,
	} {
		if got := strings.Count(s.dial().send(requests).all(), "Large: "); got < answers {
			t.Errorf("%s: got %d", what, got)
		}
		looptest.Do(t, s.loop, func() {
			if most > maxCorked {
				t.Errorf("%s: %d bytes were gathered", what, most)
			}
			most = 0
		})
	}
}

// waitForCancel parks until it is canceled and reports why.
func waitForCancel(x *message.Exchange, reason chan<- error) error {
	err := x.Loop.Sleep(patience)
	reason <- err
	return err
}

func TestServerCancelsTheExchangeOfAClientThatLeaves(t *testing.T) {
	for what, leave := range map[string]func(*net.TCPConn){
		"close": func(c *net.TCPConn) { c.Close() },
		"reset": func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
		"FIN":   func(c *net.TCPConn) { c.CloseWrite() },
	} {
		t.Run(what, func(t *testing.T) {
			started, reason, ended := make(chan bool, 1), make(chan error, 1), make(chan int, 1)
			s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
				x.OnEnd(func(x *message.Exchange) {
					if x.Failed != message.ErrClientGone {
						t.Errorf("Failed is %v", x.Failed)
					}
					ended <- x.Response.Status
				})
				started <- true
				return waitForCancel(x, reason)
			})})
			c := s.dial().send("GET / HTTP/1.1\nHost: a\n\n")
			<-started
			leave(c.conn)
			if err := <-reason; err != message.ErrClientGone {
				t.Errorf("the handler was told %v", err)
			}
			if status := <-ended; status != statusClientGone {
				t.Errorf("status %d", status)
			}
		})
	}
}

func TestServerAnswersAClientThatHasClosedItsSideBefore(t *testing.T) {
	c := serve(t, &Server{}).dial()
	c.send("GET /a HTTP/1.1\nHost: a\n\nGET /b HTTP/1.1\nHost: a\n\n").conn.CloseWrite()
	if got := c.all(); !strings.HasSuffix(got, "GET /b") {
		t.Errorf("got %q", got)
	}
}

// A client that ends while its exchange does has its answer already: that is not
// destroyed by a reset because of what else it has sent.
func TestServerLeavesAnAnswerToAClientThatLeaves(t *testing.T) {
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		co := x.Loop.Current()
		x.Hold()
		x.Loop.Go(loop.TaskFunc(func() {
			defer x.Release()
			for co.Canceled() == nil && x.Loop.Sleep(time.Millisecond) == nil {
			}
		}))
		return echo(x)
	})})
	c := s.dial().send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\n\nGET /")
	c.send("more").conn.CloseWrite()
	c.wantEnd()
}

func TestServerCancelsTheExchangeWhenContentIsCut(t *testing.T) {
	// Here it is a second coroutine that notices, while the handler waits
	// for something else.
	reason := make(chan error, 1)
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Hold()
		x.Loop.Go(loop.TaskFunc(func() {
			defer x.Release()
			for {
				if _, err := x.Request.Body.Next(); err != nil {
					if err != message.ErrClientGone {
						t.Errorf("the reader was told %v", err)
					}
					return
				}
			}
		}))
		return waitForCancel(x, reason)
	})})
	c := s.dial().send("POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\na")
	c.conn.CloseWrite()
	if err := <-reason; err != message.ErrClientGone {
		t.Errorf("the handler was told %v", err)
	}
}

// The response may be over while another coroutine still reads the request:
// its reading ends, and only then does the exchange.
func TestServerWaitsForWhoeverReadsTheRequest(t *testing.T) {
	var reading, ended bool
	readers := make(chan error, 2)
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Hold()
		reading = true
		x.Loop.Go(loop.TaskFunc(func() {
			defer x.Release()
			var err error
			for err == nil {
				_, err = x.Request.Body.Next()
			}
			x.Loop.Sleep(soon) // it may hold a view a little longer
			if ended {
				t.Error("the exchange has ended under its reader")
			}
			reading = false
			readers <- err
		}))
		x.OnEnd(func(*message.Exchange) {
			ended = true
			if reading {
				t.Error("the exchange has ended while a coroutine holds it")
			}
		})
		x.Response.Status = 403
		x.Response.Header.Add("Date", "now")
		return nil
	})})
	c := s.dial().send("POST / HTTP/1.1\nHost: a\nContent-Length: 100000\n\nabc")
	c.want("HTTP/1.1 403 Forbidden\nDate: now\nContent-Length: 0\n")
	if err := <-readers; !errors.Is(err, errInterrupted) {
		t.Errorf("the reader was told %v", err)
	}
}

func TestServerEndsTheReadingOfWhoDoesNotHoldTheExchange(t *testing.T) {
	reader := make(chan error, 1)
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		body := x.Request.Body
		x.Loop.Go(loop.TaskFunc(func() {
			_, err := body.Next()
			reader <- err
		}))
		x.Loop.Yield() // it is parked then
		x.Response.Header.Add("Date", "now")
		text(x, "early")
		return nil
	})})
	c := s.dial().send("POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\n").want(ok + "Content-Length: 5\n\nearly")
	if err := <-reader; err != errInterrupted {
		t.Errorf("the reader was told %v", err)
	}
	c.send("abcGET / HTTP/1.1\nHost: a\n\n").want(ok)
}

func TestServerEchoesWhileItReads(t *testing.T) {
	// Content larger than all buffers on the way, in both directions at once.
	const size = 32 << 20
	c := serve(t, &Server{}).dial()
	for _, framing := range []string{"Content-Length: 33554432", "Transfer-Encoding: chunked"} {
		c.send("POST / HTTP/1.1\nHost: a\n" + framing + "\n\n")
		sent := make(chan error, 1)
		go func() { sent <- sendPattern(c.conn, size, framing[0] == 'T') }()
		c.want(ok + framing + "\n\n")
		var r io.Reader = c.conn
		if framing[0] == 'T' {
			r = &chunkReader{c: c}
		}
		if err := checkPattern(r, size); err != nil {
			t.Fatalf("%s: %v", framing, err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		if framing[0] == 'T' {
			c.send("\n").want("0\n\n")
		}
	}
}

func TestServerDrains(t *testing.T) {
	release := make(chan struct{})
	entered := make(chan bool, 1)
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		if x.Request.Path == "/wait" {
			entered <- true
			x.Loop.Await(func() { <-release })
		}
		return echo(x)
	})})
	idle, fresh, busy := s.dial(), s.dial(), s.dial()
	idle.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\n\nGET /")
	busy.send("GET /wait HTTP/1.1\nHost: a\n\n")
	<-entered
	if open, active := s.Open(), s.Active(); open != 3 || active != 1 {
		t.Errorf("%d connections are open, %d exchanges active", open, active)
	}
	s.Drain(0)
	idle.wantEnd()
	fresh.wantEnd()
	close(release)
	busy.want(ok + "Content-Length: 9\nConnection: close\n\nGET /wait").wantEnd()
}

// A request that comes just when its connection is closed would fail.
func TestServerThatDrainsAnswersOnConnectionsThatWereIdle(t *testing.T) {
	s := serve(t, &Server{Handler: message.HandlerFunc(echo)})
	idle, fresh := s.dial(), s.dial()
	idle.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\n\nGET /")
	s.Drain(time.Hour)
	looptest.Do(t, s.loop, func() {}) // the loop has followed
	for _, c := range []*client{idle, fresh} {
		c.send("GET /last HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 9\nConnection: close\n\nGET /last").wantEnd()
	}
}

func TestServerThatDrainsEndsWhatStaysQuiet(t *testing.T) {
	s := serve(t, &Server{Handler: message.HandlerFunc(echo)})
	idle, fresh := s.dial(), s.dial()
	idle.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\n\nGET /")
	s.Drain(10 * time.Millisecond)
	idle.wantEnd()
	fresh.wantEnd()
}

func TestServerCloseCutsWhatIsLeft(t *testing.T) {
	entered, reason := make(chan bool, 1), make(chan error, 1)
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		entered <- true
		return waitForCancel(x, reason)
	})})
	c := s.dial().send("GET / HTTP/1.1\nHost: a\n\n")
	<-entered
	s.Close()
	if err := <-reason; err != message.ErrClientGone {
		t.Errorf("the handler was told %v", err)
	}
	c.wantEnd()
}

// RFC 9112 section 9.6: the answer must not be lost in a reset.
func TestServerLetsAClientSeeTheAnswerToWhatItDidNotRead(t *testing.T) {
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 413
		return nil
	})})
	for range 20 {
		c := s.dial()
		c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 4000000\n\n")
		if _, err := c.conn.Write(make([]byte, 4000000)); err != nil {
			t.Fatalf("the server did not take what was sent: %v", err)
		}
		if line := c.line(); line != "HTTP/1.1 413 Content Too Large" {
			t.Fatalf("got %q", line)
		}
	}
}

func TestServerDoesNotLingerForEver(t *testing.T) {
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 413
		return nil
	})})
	c := s.dial().send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
	sent := 0
	for {
		n, err := c.conn.Write(zeros[:])
		sent += n
		if err != nil {
			if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
				t.Errorf("sending ended with %v", err)
			}
			break
		}
	}
	if sent < lingerBytes {
		t.Errorf("the server took only %d bytes", sent)
	}
}
