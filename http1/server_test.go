package http1

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/message"
)

const ok = "HTTP/1.1 200 OK\nDate: now\n"

func TestServerAnswersOneRequestAfterAnother(t *testing.T) {
	c := serve(t, &Server{}).dial()
	for range 3 {
		c.send("GET /a HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 6\n\nGET /a")
	}
}

// RFC 9112 section 9.3.2.
func TestServerAnswersPipelinedRequestsInOrder(t *testing.T) {
	c := serve(t, &Server{}).dial()
	c.send("GET /a HTTP/1.1\nHost: a\n\nPOST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabcGET /b HTTP/1.1\nHost: a\n\nGET /c")
	c.want(ok + "Content-Length: 6\n\nGET /a" + ok + "Content-Length: 3\n\nabc" + ok + "Content-Length: 6\n\nGET /b")
	c.send(" HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 6\n\nGET /c")
}

func TestServerReadsARequestThatComesByteByByte(t *testing.T) {
	c := serve(t, &Server{}).dial()
	for _, b := range wire("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n3\nabc\n2;x\nde\n0\nT: 1\n\n") {
		c.sendRaw(string(b))
		time.Sleep(100 * time.Microsecond) // sleep: so that most bytes come alone
	}
	c.want(ok + "Transfer-Encoding: chunked\n\n")
	if got := c.chunkedContent(); got != "abcde" {
		t.Errorf("got %q", got)
	}
	c.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\n\nGET /")
}

func TestServerAddsTheDate(t *testing.T) {
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		text(x, "a")
		return nil
	})})
	head := s.dial().send("GET / HTTP/1.0\n\n").all()
	_, rest, found := strings.Cut(head, "\r\nDate: ")
	date, _, _ := strings.Cut(rest, "\r\n")
	when, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", date)
	if !found || err != nil || time.Since(when).Abs() > 5*time.Second {
		t.Errorf("%q: %v", head, err)
	}
}

// RFC 9112 section 9.3.
func TestServerKeepsTheConnectionOnlyWhenBothWant(t *testing.T) {
	for _, c := range []struct{ request, connection string }{
		{"GET / HTTP/1.1\nHost: a\nConnection: close\n\n", "Connection: close\n"},
		{"GET / HTTP/1.0\n\n", "Connection: close\n"},
		{"GET / HTTP/1.0\nConnection: x\n\n", "Connection: close\n"},
	} {
		serve(t, &Server{}).dial().send(c.request).want(ok + "Content-Length: 5\n" + c.connection + "\nGET /").wantEnd()
	}
	c := serve(t, &Server{}).dial()
	for range 2 {
		c.send("GET / HTTP/1.0\nConnection: Keep-Alive\n\n").want(ok + "Content-Length: 5\nConnection: keep-alive\n\nGET /")
	}
}

// RFC 9112 section 9.6.
func TestServerServesNothingBehindARequestThatCloses(t *testing.T) {
	c := serve(t, &Server{}).dial()
	c.send("GET /a HTTP/1.1\nHost: a\nConnection: close\n\nGET /b HTTP/1.1\nHost: a\n\n")
	c.want(ok + "Content-Length: 6\nConnection: close\n\nGET /a").wantEnd()
}

func TestServerClosesAfterAsManyRequestsAsItTakes(t *testing.T) {
	c := serve(t, &Server{KeepAliveRequests: 2}).dial()
	c.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\n\nGET /")
	c.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\nConnection: close\n\nGET /").wantEnd()
}

// A response is what a handler makes of an exchange and what is written.
func TestServerFramesResponses(t *testing.T) {
	pieces := func(p ...string) message.Body { return &pieces{left: p} }
	for _, c := range []struct {
		what     string
		request  string
		response func(r *message.Response)
		want     string // after the status line and Date
		closes   bool
	}{
		{"known length", "GET / HTTP/1.1", func(r *message.Response) { r.Length, r.Body = 3, pieces("a", "bc") }, "Content-Length: 3\n\nabc", false},
		{"no content", "GET / HTTP/1.1", func(r *message.Response) {}, "Content-Length: 0\n\n", false},
		{"unknown length", "GET / HTTP/1.1", func(r *message.Response) { r.Length, r.Body = -1, pieces("a", "bc") }, "Transfer-Encoding: chunked\n\n1\na\n2\nbc\n0\n\n", false},
		{"unknown length, no content", "GET / HTTP/1.1", func(r *message.Response) { r.Length = -1 }, "Transfer-Encoding: chunked\n\n0\n\n", false},
		{"unknown length for HTTP/1.0", "GET / HTTP/1.0", func(r *message.Response) { r.Length, r.Body = -1, pieces("a", "bc") }, "Connection: close\n\nabc", true},
		{"unknown length for HTTP/1.0 with keep-alive", "GET / HTTP/1.0\nConnection: keep-alive", func(r *message.Response) { r.Length, r.Body = -1, pieces("a", "bc") }, "Connection: close\n\nabc", true},
		{"trailers", "GET / HTTP/1.1", func(r *message.Response) {
			r.Length, r.Body = -1, pieces("a")
			r.Header.Add("Trailer", "X")
			r.Trailer.Add("X", "1")
			r.Trailer.Add("Content-Length", "7")
		}, "Trailer: X\nTransfer-Encoding: chunked\n\n1\na\n0\nX: 1\n\n", false},
		{"trailers where there can be none", "GET / HTTP/1.1", func(r *message.Response) {
			r.Length, r.Body = 1, pieces("a")
			r.Header.Add("Trailer", "X")
			r.Trailer.Add("X", "1")
		}, "Content-Length: 1\n\na", false},
		{"HEAD", "HEAD / HTTP/1.1", func(r *message.Response) { r.Length, r.Body = 3, pieces("abc") }, "Content-Length: 3\n\n", false},
		{"HEAD, unknown length", "HEAD / HTTP/1.1", func(r *message.Response) { r.Length, r.Body = -1, pieces("abc") }, "\n", false},
		{"204", "GET / HTTP/1.1", func(r *message.Response) { r.Status, r.Length, r.Body = 204, 3, pieces("abc") }, "\n", false},
		{"304", "GET / HTTP/1.1", func(r *message.Response) { r.Status = 304 }, "\n", false},
		{"304 with length", "GET / HTTP/1.1", func(r *message.Response) { r.Status, r.Length = 304, 9 }, "Content-Length: 9\n\n", false},
		{"status without a name", "GET / HTTP/1.1", func(r *message.Response) { r.Status = 299 }, "Content-Length: 0\n\n", false},
		{"fields that are the codec's", "GET / HTTP/1.1", func(r *message.Response) {
			for _, name := range []string{"Content-Length", "transfer-encoding", "Connection", "Keep-Alive", "Upgrade", "Proxy-Connection", "TE", "X"} {
				r.Header.Add(name, "1")
			}
		}, "X: 1\nContent-Length: 0\n\n", false},
		{"426 keeps Upgrade", "GET / HTTP/1.1", func(r *message.Response) { r.Status = 426; r.Header.Add("Upgrade", "x") }, "Upgrade: x\nContent-Length: 0\nConnection: upgrade\n\n", false},
		{"characters that would end a line", "GET / HTTP/1.1", func(r *message.Response) {
			r.Header.Add("X", "a\r\nSet-Cookie: b\x00")
			r.Header.Add("X\r\nY", "a")
			r.Header.Add("A-long-name", "and a long value\n\nwith an end of the head")
		}, "X: a  Set-Cookie: b \nA-long-name: and a long value  with an end of the head\nContent-Length: 0\n\n", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
				r := &x.Response
				r.Status = 200
				r.Header.Add("Date", "now")
				c.response(r)
				return nil
			})})
			conn := s.dial().send(c.request + "\nHost: a\n\n")
			line, head := conn.line(), conn.line()
			if !strings.HasPrefix(line, "HTTP/1.1 ") || head != "Date: now" {
				t.Fatalf("got %q, %q", line, head)
			}
			conn.want(c.want)
			if c.closes {
				conn.wantEnd()
				return
			}
			conn.send("PUT / HTTP/1.1\nHost: a\n\n").want("HTTP/1.1 ")
		})
	}
}

// pieces is a Body that gives its content in these pieces.
type pieces struct {
	left   []string
	err    error // instead of io.EOF
	closed bool
}

func (p *pieces) Next() ([]byte, error) {
	if len(p.left) == 0 {
		if p.err != nil {
			return nil, p.err
		}
		return nil, io.EOF
	}
	piece := p.left[0]
	p.left = p.left[1:]
	return []byte(piece), nil
}

func (p *pieces) Close() { p.closed = true }

func TestServerSendsManySmallPieces(t *testing.T) {
	const count = 20_000
	for _, length := range []int64{message.UnknownLength, 10 * count} {
		s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
			x.Response.Status, x.Response.Length = 200, length
			x.Response.Body = &pieces{left: slices.Repeat([]string{"0123456789"}, count)}
			x.Response.Header.Add("Date", "now")
			return nil
		})})
		c := s.dial().send("GET / HTTP/1.1\nHost: a\nConnection: close\n\n")
		want := strings.Repeat("0123456789", count)
		if length < 0 {
			want = strings.Repeat("a\r\n0123456789\r\n", count) + "0\r\n\r\n"
		}
		if _, content, _ := strings.Cut(c.all(), "\r\n\r\n"); content != want {
			t.Errorf("length %d: got %d bytes, want %d", length, len(content), len(want))
		}
	}
}

// A response that goes wrong after its head must never look whole.
func TestServerCutsResponsesThatGoWrong(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		what, version string
		length        int64
		body          *pieces
		failed        error
	}{
		{"too short", "1.1", 4, &pieces{left: []string{"abc"}}, errShortContent},
		{"too long", "1.1", 2, &pieces{left: []string{"ab", "c"}}, errLongContent},
		{"too long in one piece", "1.1", 2, &pieces{left: []string{"abc"}}, errLongContent},
		{"error, known length", "1.1", 4, &pieces{left: []string{"ab"}, err: broken}, broken},
		{"error, chunked", "1.1", -1, &pieces{left: []string{"ab"}, err: broken}, broken},
		{"error, until close", "1.0", -1, &pieces{left: []string{"ab"}, err: broken}, broken},
	} {
		t.Run(c.what, func(t *testing.T) {
			ended := make(chan error, 1)
			s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
				x.Response.Status, x.Response.Length, x.Response.Body = 200, c.length, c.body
				x.OnEnd(func(x *message.Exchange) { ended <- x.Failed })
				return nil
			})})
			got, err := io.ReadAll(s.dial().send("GET / HTTP/" + c.version + "\nHost: a\n\n").conn)
			if failed := <-ended; failed != c.failed {
				t.Errorf("Failed is %v, want %v", failed, c.failed)
			}
			if !c.body.closed {
				t.Error("the body was not closed")
			}
			switch {
			case c.version == "1.0" && err == nil:
				t.Errorf("the connection ended in order after %q", got)
			case strings.HasSuffix(string(got), "0\r\n\r\n"):
				t.Errorf("got a last chunk in %q", got)
			case c.length == 2 && strings.HasSuffix(string(got), "\r\n\r\nab") && c.what == "too long in one piece":
				t.Errorf("got content that looks whole: %q", got)
			}
		})
	}
}

func TestServerAnswersBadRequestsAndCloses(t *testing.T) {
	type refused struct {
		status int
		failed error
		path   string
	}
	for _, r := range refusals {
		t.Run(r.why, func(t *testing.T) {
			ended := make(chan refused, 1)
			s := serve(t, &Server{Refuse: func(x *message.Exchange, why *Error) {
				x.Response.Header.Add("Date", "now")
				text(x, why.Reason)
				x.OnEnd(func(x *message.Exchange) { ended <- refused{x.Response.Status, x.Failed, x.Request.Path} })
			}})
			got := s.dial().sendRaw(r.head + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n").all()
			want := wire(fmt.Sprintf("HTTP/1.1 %d %s\nDate: now\nContent-Length: %d\nConnection: close\n\n", r.err.Status, message.Reason(r.err.Status), len(r.err.Reason)))
			if !strings.HasPrefix(r.head, "HEAD ") {
				want += r.err.Reason
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if end := <-ended; end.status != r.err.Status || end.failed != error(r.err) {
				t.Errorf("ended with %+v", end)
			}
		})
	}
}

func TestServerRefusesHeadsOverItsLimits(t *testing.T) {
	s := serve(t, &Server{Limits: Limits{RequestLine: 1000, Head: 20_000, Fields: 10}})
	for what, c := range map[string]struct{ head, line string }{
		"request line": {"GET /" + strings.Repeat("a", 1000), "HTTP/1.1 414 URI Too Long"},
		"head":         {"GET / HTTP/1.1\nHost: a\nX: " + strings.Repeat("a", 20_000), "HTTP/1.1 431 Request Header Fields Too Large"},
		"fields":       {"GET / HTTP/1.1\nHost: a\n" + strings.Repeat("X: y\n", 10), "HTTP/1.1 431 Request Header Fields Too Large"},
	} {
		// No more than the limit is waited for.
		if got := s.dial().send(c.head).line(); got != c.line {
			t.Errorf("%s: got %q", what, got)
		}
	}
}

func TestServerExplainsARefusalOnAPageOfItsOwn(t *testing.T) {
	got := serve(t, &Server{}).dial().send("GET / HTTP/1.1\nHost: a,b\n\n").all()
	if !strings.HasPrefix(got, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html; charset=utf-8\r\n") || !strings.Contains(got, "Host is malformed") {
		t.Errorf("got %q", got)
	}
}

func TestServerAnswersABadChunkWhereTheHandlerHasNoAnswer(t *testing.T) {
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		for {
			if _, err := x.Request.Body.Next(); err != nil {
				return fmt.Errorf("read content: %w", err)
			}
		}
	})})
	got := s.dial().send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n3\nabcd\n0\n\n").all()
	if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "Connection: close\r\n") {
		t.Errorf("got %q", got)
	}
}

func TestServerAnswersForAHandlerWithoutAnswer(t *testing.T) {
	for what, handler := range map[string]func(x *message.Exchange) error{
		"error":              func(x *message.Exchange) error { return errors.New("no") },
		"nothing":            func(x *message.Exchange) error { return nil },
		"interim as answer":  func(x *message.Exchange) error { x.Response.Status = 103; return nil },
		"101 without tunnel": func(x *message.Exchange) error { x.Response.Status = 101; return nil },
		"impossible status":  func(x *message.Exchange) error { x.Response.Status = 1000; return nil },
		"impossible length":  func(x *message.Exchange) error { x.Response.Status, x.Response.Length = 200, -2; return nil },
	} {
		t.Run(what, func(t *testing.T) {
			c := serve(t, &Server{Handler: message.HandlerFunc(handler)}).dial()
			for range 2 {
				c.send("GET / HTTP/1.1\nHost: a\n\n").want("HTTP/1.1 500 Internal Server Error\n")
				c.restOfMessage()
			}
		})
	}
}

func TestServerSendsTheAnswerThatStandsForAnError(t *testing.T) {
	failed := make(chan error, 1)
	why := errors.New("why")
	c := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.OnEnd(func(x *message.Exchange) { failed <- x.Failed })
		x.Response.Status = 502
		x.Response.Header.Add("Date", "now")
		text(x, "sorry")
		return why
	})}).dial()
	c.send("GET / HTTP/1.1\nHost: a\n\n").want("HTTP/1.1 502 Bad Gateway\nDate: now\nContent-Length: 5\n\nsorry")
	if err := <-failed; err != why {
		t.Errorf("Failed is %v", err)
	}
}

func TestServerDoesNotAnswerConnectAsIfATunnelWereThere(t *testing.T) {
	for status, want := range map[int]string{200: "501", 403: "403"} {
		c := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
			x.Response.Status = status
			text(x, x.Request.Path)
			return nil
		})}).dial()
		// What the client sends already is for the far end of the tunnel.
		got := c.send("CONNECT a:1 HTTP/1.1\nHost: a:1\n\nGET /smuggled HTTP/1.1\nHost: a\n\n").all()
		if !strings.HasPrefix(got, "HTTP/1.1 "+want) || !strings.Contains(got, "Connection: close\r\n") || strings.Contains(got, "smuggled") {
			t.Errorf("status %d: got %q", status, got)
		}
	}
}

// RFC 9110 section 10.1.1.
func TestServerAsksForContentWhenItIsWanted(t *testing.T) {
	const post = "POST / HTTP/1.1\nHost: a\nContent-Length: 3\nExpect: 100-continue\n\n"
	t.Run("the handler reads", func(t *testing.T) {
		c := serve(t, &Server{Handler: message.HandlerFunc(readAll)}).dial()
		for range 2 {
			c.send(post).want("HTTP/1.1 100 Continue\n\n").send("abc").want(ok + "Content-Length: 3\n\nabc")
		}
	})
	t.Run("content has come already", func(t *testing.T) {
		serve(t, &Server{Handler: message.HandlerFunc(readAll)}).dial().send(post + "abc").want(ok + "Content-Length: 3\n\nabc")
	})
	t.Run("the answer comes first", func(t *testing.T) {
		s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
			x.Response.Status = 413
			x.Response.Header.Add("Date", "now")
			return nil
		})})
		// Nobody knows whether content follows, so the connection is closed.
		s.dial().send(post).want("HTTP/1.1 413 Content Too Large\nDate: now\nContent-Length: 0\nConnection: close\n\n").wantEnd()
	})
	t.Run("the upstream says so", func(t *testing.T) {
		s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
			x.Interim(100, &message.Header{})
			x.Interim(100, &message.Header{})
			return readAll(x)
		})})
		s.dial().send(post).want("HTTP/1.1 100 Continue\n\n").send("abc").want(ok + "Content-Length: 3\n\nabc")
	})
	t.Run("the client does not wait for it", func(t *testing.T) {
		s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
			x.Interim(100, &message.Header{})
			return readAll(x)
		})})
		s.dial().send("POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\n").wantSilence().send("abc").want(ok + "Content-Length: 3\n\nabc")
	})
	t.Run("HTTP/1.0 does not know it", func(t *testing.T) {
		s := serve(t, &Server{Handler: message.HandlerFunc(readAll)})
		s.dial().send("POST / HTTP/1.0\nContent-Length: 3\nExpect: 100-continue\n\n").wantSilence().send("abc").want(ok + "Content-Length: 3\nConnection: close\n\nabc")
	})
}

// readAll answers with the content, after having read all of it.
func readAll(x *message.Exchange) error {
	all, err := io.ReadAll(&message.Reader{Body: x.Request.Body})
	if err != nil {
		return err
	}
	x.Response.Header.Add("Date", "now")
	text(x, string(all))
	return nil
}

// RFC 9110 section 15.2.
func TestServerSendsInterimResponses(t *testing.T) {
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		var h message.Header
		h.Add("Link", "</a>")
		h.Add("Content-Length", "3")
		if err := x.Interim(103, &h); err != nil {
			return err
		}
		x.Interim(102, &message.Header{})
		if err := x.Interim(101, &message.Header{}); err == nil && x.Request.Version == message.HTTP11 {
			t.Error("101 passes for an interim response")
		}
		return echo(x)
	})})
	s.dial().send("GET / HTTP/1.1\nHost: a\n\n").
		want("HTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 102 Processing\n\n" + ok + "Content-Length: 5\n\nGET /")
	s.dial().send("GET / HTTP/1.0\n\n").want(ok + "Content-Length: 5\nConnection: close\n\nGET /").wantEnd()
}

func TestServerReadsOverContentThatNobodyWanted(t *testing.T) {
	ignore := message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 200
		x.Response.Header.Add("Date", "now")
		return nil
	})
	small := strings.Repeat("x", drainLimit)
	t.Run("a little of known length", func(t *testing.T) {
		c := serve(t, &Server{Handler: ignore}).dial()
		c.send(fmt.Sprintf("POST / HTTP/1.1\nHost: a\nContent-Length: %d\n\n", len(small))).want(ok + "Content-Length: 0\n\n")
		c.sendRaw(small).send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 0\n\n")
	})
	t.Run("chunks that have come", func(t *testing.T) {
		c := serve(t, &Server{Handler: ignore}).dial()
		for range 2 {
			c.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n").want(ok + "Content-Length: 0\n\n")
		}
	})
	t.Run("chunks that have not come", func(t *testing.T) {
		c := serve(t, &Server{Handler: ignore}).dial()
		c.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n3\nabc\n").want(ok + "Content-Length: 0\n\n").wantEnd()
	})
	t.Run("too much", func(t *testing.T) {
		c := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
			x.Response.Status = 403
			return nil
		})}).dial()
		c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 1000000\n\n").want("HTTP/1.1 403 Forbidden\n")
		if _, rest, _ := strings.Cut(c.line(), "Date: "); rest == "" {
			t.Error("no date")
		}
		c.want("Content-Length: 0\nConnection: close\n\n")
		// The server still takes what is on its way, so that the answer is
		// not lost in a reset.
		c.sendRaw(strings.Repeat("x", 1000000)).wantEnd()
	})
}

func TestServerSaysWhatItKnowsOfAnExchange(t *testing.T) {
	type seen struct {
		id             uint64
		reused         bool
		sent, received int64
		client, local  string
		started, ended int64
		connected      int64
	}
	ends := make(chan seen, 2)
	s := serve(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.OnEnd(func(x *message.Exchange) {
			ends <- seen{x.ConnectionID, x.Reused, x.Sent, x.Received, x.Client.String(), x.Local.String(), x.Started, x.Ended, x.ConnectedAt}
		})
		if x.Request.Scheme != "http" {
			t.Errorf("scheme %q", x.Request.Scheme)
		}
		return echo(x)
	})})
	c := s.dial()
	for i := range 2 {
		c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc").want(ok + "Content-Length: 3\n\nabc")
		got := <-ends
		want := seen{id: 1, reused: i == 1, sent: 3, received: 3, client: c.conn.LocalAddr().String(), local: s.addr,
			started: got.started, ended: got.ended, connected: got.connected}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if got.connected > got.started || got.started > got.ended || got.connected == 0 {
			t.Errorf("times are out of order: %+v", got)
		}
	}
}

func TestServerSurvivesAPanicOfAHandler(t *testing.T) {
	panics := make(chan any, 1)
	s := serveOn(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
		if x.Request.Path == "/panic" {
			panic("on purpose")
		}
		return echo(x)
	})}, loop.Options{OnPanic: func(value any, _ []byte) { panics <- value }})
	other := s.dial()
	other.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\n\nGET /")
	got := s.dial().send("GET /panic HTTP/1.1\nHost: a\n\n").all()
	if !strings.HasPrefix(got, "HTTP/1.1 500 ") || !strings.Contains(got, "Connection: close\r\n") {
		t.Errorf("got %q", got)
	}
	if value := <-panics; value != "on purpose" {
		t.Errorf("reported %v", value)
	}
	other.send("GET / HTTP/1.1\nHost: a\n\n").want(ok + "Content-Length: 5\n\nGET /")
}
