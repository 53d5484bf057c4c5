package http1

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/message"
)

// feed is content that comes when the test says so.
type feed struct {
	loop   *loop.Loop
	pieces []string
	err    error // behind the pieces
	reader *loop.Coroutine
	closed bool
}

func newFeed(c *call) *feed { return &feed{loop: c.loop} }

func (f *feed) Next() ([]byte, error) {
	for len(f.pieces) == 0 {
		if f.closed {
			return nil, errInterrupted
		}
		if f.err != nil {
			return nil, f.err
		}
		f.reader = f.loop.Current()
		err := f.loop.Park()
		f.reader = nil
		if err != nil {
			return nil, err
		}
	}
	piece := f.pieces[0]
	f.pieces = f.pieces[1:]
	return []byte(piece), nil
}

func (f *feed) Close() { f.closed = true; f.wake() }

func (f *feed) wake() {
	if f.reader != nil {
		f.reader.Wake()
	}
}

// send makes a piece come, end the end or an error.
func (f *feed) send(piece string) *feed {
	f.loop.Post(func() { f.pieces = append(f.pieces, piece); f.wake() })
	return f
}

func (f *feed) end(err error) {
	f.loop.Post(func() { f.err = err; f.wake() })
}

// request makes it the content of a POST.
func (f *feed) request(length int64) func(*message.Exchange) {
	return func(x *message.Exchange) {
		post("")(x)
		x.Request.Length, x.Request.Body = length, f
	}
}

const wantChunkedPost = "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n"

func TestUploadSendsContentOfKnownLength(t *testing.T) {
	c := connect(t, ClientOptions{})
	c.begin(post("hello"))
	c.peer.want(wantPost + "hello").send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
	c.wantAnswer(200, "ok").wantReusable(true)
}

func TestUploadSendsChunksAndTrailersAsTheyCome(t *testing.T) {
	c := connect(t, ClientOptions{})
	f := newFeed(c)
	c.begin(f.request(message.UnknownLength), func(x *message.Exchange) {
		x.Request.Header.Add("Trailer", "Sum")
		x.Request.Trailer.Add("Sum", "7")
		x.Request.Trailer.Add("Content-Length", "9")
		x.Request.Trailer.Add("X-Forwarded-For", "10.0.0.1")
	})
	c.peer.want("POST / HTTP/1.1\nHost: h\nTrailer: Sum\nTransfer-Encoding: chunked\n\n").wantSilence()
	f.send("hello")
	c.peer.want("5\nhello\n").wantSilence()
	f.send("").send("there").end(io.EOF)
	c.peer.want("5\nthere\n0\nSum: 7\n\n").send("HTTP/1.1 200 OK\nContent-Length: 0\n\n")
	c.wantAnswer(200, "").wantReusable(true)
}

func TestUploadAndResponsePassEachOther(t *testing.T) {
	c := connect(t, ClientOptions{})
	f := newFeed(c)
	c.begin(f.request(message.UnknownLength))
	c.peer.want(wantChunkedPost).send("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n")
	for _, piece := range []string{"a", "b", "c"} {
		f.send(piece)
		c.peer.want("1\n" + piece + "\n").send("1\n" + piece + "\n")
	}
	f.end(io.EOF)
	c.peer.want("0\n\n").send("0\n\n")
	c.wantAnswer(200, "abc").wantReusable(true)
}

// An early response ends the exchange: what is left of the request is not
// sent, and the connection, in the middle of it, cannot be used again.
func TestUploadStopsWhenTheResponseHasEnded(t *testing.T) {
	for name, response := range map[string]string{
		"with content":    "HTTP/1.1 413 Content Too Large\nContent-Length: 5\n\nlarge",
		"without content": "HTTP/1.1 413 Content Too Large\nContent-Length: 0\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, ClientOptions{})
			f := newFeed(c)
			c.begin(f.request(1000))
			f.send("hello")
			c.peer.want("POST / HTTP/1.1\nHost: h\nContent-Length: 1000\n\nhello").send(response)
			c.wait().wantReusable(false)
			if c.err != nil || c.status != 413 {
				t.Errorf("got %d and %v", c.status, c.err)
			}
			if !f.closed {
				t.Error("the request's content was not closed")
			}
		})
	}
}

// The peer has answered and closed while content is still on its way: the
// answer counts, not the failed write.
func TestUploadThatBreaksLeavesTheResponse(t *testing.T) {
	c := connect(t, ClientOptions{})
	f := newFeed(c)
	c.begin(f.request(1 << 40))
	f.send("hello")
	c.peer.readHead()
	c.peer.want("hello").send("HTTP/1.1 413 Content Too Large\nContent-Length: 5\n\nlarge")
	c.peer.conn.CloseWrite()
	c.wantAnswer(413, "large").wantReusable(false)
}

func TestUploadErrorOfTheClientEndsTheExchange(t *testing.T) {
	left := errors.New("client has left")
	for _, response := range []string{"", "HTTP/1.1 200 OK\nContent-Length: 5\n\nabc"} {
		c := connect(t, ClientOptions{})
		f := newFeed(c)
		c.begin(f.request(1000))
		f.send("hello")
		c.peer.readHead()
		c.peer.want("hello").send(response)
		f.end(left)
		c.wait().wantReusable(false)
		if c.err != left {
			t.Errorf("error is %v, want %v", c.err, left)
		}
		c.peer.wantReset()
	}
}

func TestUploadKeepsToItsLength(t *testing.T) {
	for content, want := range map[string]error{"abc": errRequestShort, "abcdef": errRequestLong} {
		c := connect(t, ClientOptions{})
		f := newFeed(c)
		c.begin(f.request(5))
		f.send(content).end(io.EOF)
		c.wait()
		if c.err != want {
			t.Errorf("%q: error is %v, want %v", content, c.err, want)
		}
	}
}

func TestUploadEndsWhenThePeerTakesNothing(t *testing.T) {
	c := connect(t, ClientOptions{WriteTimeout: 50 * time.Millisecond, ReadTimeout: time.Minute})
	piece := strings.Repeat("x", 64<<10)
	c.begin(func(x *message.Exchange) {
		post("")(x)
		x.Request.Length, x.Request.Body = message.UnknownLength, endlessBody(piece)
	})
	c.wantFailure(message.WriteTimeout)
}

// A peer that takes its time is not one that takes nothing.
func TestUploadGoesOnAsLongAsThePeerTakesSomething(t *testing.T) {
	const size = 32 << 20
	c := connect(t, ClientOptions{WriteTimeout: time.Second})
	c.peer.conn.SetReadBuffer(64 << 10)
	c.begin(post(strings.Repeat("x", size)))
	c.peer.readHead()
	buf := make([]byte, 512<<10)
	for left := size; left > 0; {
		n, err := io.ReadFull(c.peer.conn, buf[:min(left, len(buf))])
		if err != nil {
			t.Fatalf("%v, %d bytes before the end", err, left)
		}
		left -= n
		time.Sleep(20 * time.Millisecond) // sleep: the whole takes longer than the limit
	}
	c.peer.send("HTTP/1.1 204 No Content\n\n")
	c.wantAnswer(204, "")
}

// endlessBody is content without end.
type endlessBody string

func (e endlessBody) Next() ([]byte, error) { return []byte(e), nil }
func (e endlessBody) Close()                {}

// A slow upload is not a late response.
func TestUploadTimeIsNotThatOfTheResponse(t *testing.T) {
	c := connect(t, ClientOptions{ReadTimeout: 60 * time.Millisecond})
	f := newFeed(c)
	c.begin(f.request(10))
	f.send("hello")
	c.peer.readHead()
	c.peer.want("hello").wantSilence().wantSilence().wantSilence()
	f.send("there")
	c.peer.want("there")
	c.wantFailure(message.ReadTimeout)
}

func TestUploadHoldsContentBackUntilItIsAskedFor(t *testing.T) {
	expect := func(x *message.Exchange) { x.Request.Header.Add("Expect", "100-continue") }
	const head = "POST / HTTP/1.1\nHost: h\nContent-Length: 5\nExpect: 100-continue\n\n"
	t.Run("and it is", func(t *testing.T) {
		c := connect(t, ClientOptions{ContinueTimeout: time.Hour})
		c.begin(post("hello"), expect)
		c.peer.want(head).wantSilence().send("HTTP/1.1 100 Continue\n\n").want("hello").send("HTTP/1.1 204 No Content\n\n")
		c.wantAnswer(204, "").wantReusable(true)
		if len(c.interim) != 1 || c.interim[0] != "100 " {
			t.Errorf("passed on %q", c.interim)
		}
	})
	t.Run("and it is not", func(t *testing.T) {
		c := connect(t, ClientOptions{ContinueTimeout: time.Hour})
		f := newFeed(c)
		c.begin(f.request(5), expect)
		c.peer.want(head).send("HTTP/1.1 403 Forbidden\nContent-Length: 0\n\n")
		c.wantAnswer(403, "").wantReusable(false)
		if f.closed || f.reader != nil {
			t.Error("the content was touched")
		}
	})
	t.Run("or the peer does not know how", func(t *testing.T) {
		c := connect(t, ClientOptions{ContinueTimeout: 20 * time.Millisecond})
		c.begin(post("hello"), expect)
		c.peer.want(head + "hello").send("HTTP/1.1 204 No Content\n\n")
		c.wantAnswer(204, "").wantReusable(true)
	})
	t.Run("unless its sender is too old to wait", func(t *testing.T) {
		c := connect(t, ClientOptions{ContinueTimeout: time.Hour})
		c.begin(post("hello"), expect, func(x *message.Exchange) { x.Request.Version = message.HTTP10 })
		c.peer.want(wantPost + "hello").send("HTTP/1.1 204 No Content\n\n")
		c.wantAnswer(204, "")
	})
}

// Content that was lost with its connection can be sent again if it was in one
// piece, or had not been touched.
func TestUploadGivesBackWhatItCan(t *testing.T) {
	t.Run("one piece", func(t *testing.T) {
		c := connect(t, ClientOptions{})
		var again string
		c.done = startTask(t, c.loop, func() {
			c.prepare([]func(*message.Exchange){post("hello")})
			c.run()
			again, _ = pullAll(c.x.Request.Body)
			c.x.Settle()
			c.x.End()
			c.x.Reset()
		})
		c.peer.want(wantPost + "hello").reset()
		if e := c.wantFailure(message.ConnectionLost); e.Consumed || again != "hello" {
			t.Errorf("consumed %v, the content is then %q", e.Consumed, again)
		}
	})
	t.Run("some of it", func(t *testing.T) {
		c := connect(t, ClientOptions{})
		f := newFeed(c)
		c.begin(f.request(10))
		f.send("hello")
		c.peer.readHead()
		c.peer.want("hello").reset()
		if e := c.wantFailure(message.ConnectionLost); !e.Consumed || !e.Sent {
			t.Errorf("consumed %v, sent %v", e.Consumed, e.Sent)
		}
	})
}
