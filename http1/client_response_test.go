package http1

import (
	"io"
	"strings"
	"testing"

	"pingap/message"
)

func TestClientReadsEveryFraming(t *testing.T) {
	for _, test := range []struct {
		name, response, content string
		reusable                bool
	}{
		{"sized", "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "abc", true},
		{"empty", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "", true},
		{"chunked", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n2;x=y\nde\n0\n\n", "abcde", true},
		{"no reason phrase", "HTTP/1.1 200\nContent-Length: 1\n\na", "a", true},
		{"told to close", "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 1\n\na", "a", false},
		{"old server", "HTTP/1.0 200 OK\nContent-Length: 1\n\na", "a", false},
		{"old server that keeps", "HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 1\n\na", "a", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := connect(t, ClientOptions{})
			c.begin(get)
			c.peer.want(wantGet).send(test.response)
			c.wantAnswer(200, test.content).wantReusable(test.reusable)
		})
	}
}

func TestClientReadsUntilCloseWhereNothingElseTellsTheEnd(t *testing.T) {
	c := connect(t, ClientOptions{})
	c.begin(get)
	c.peer.want(wantGet).send("HTTP/1.1 200 OK\n\nup to ").send("the end")
	c.peer.conn.CloseWrite()
	c.wantAnswer(200, "up to the end").wantReusable(false)
}

func TestClientExpectsNoContentWhereThereIsNone(t *testing.T) {
	head := func(x *message.Exchange) { x.Request.Method = "HEAD" }
	for _, test := range []struct {
		make     func(*message.Exchange)
		response string
		status   int
	}{
		{head, "HTTP/1.1 200 OK\nContent-Length: 5\n\n", 200},
		{head, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", 200},
		{get, "HTTP/1.1 204 No Content\n\n", 204},
		{get, "HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n", 304},
	} {
		c := connect(t, ClientOptions{})
		c.begin(get, test.make)
		c.peer.readHead()
		c.peer.send(test.response)
		c.wantAnswer(test.status, "").wantReusable(true)
	}
}

// Content that a 204 tells of may come later, and would be the next response then.
func TestClientDoesNotReuseAConnectionWhoseAnswerLies(t *testing.T) {
	for _, field := range []string{"Content-Length: 42", "Transfer-Encoding: chunked"} {
		c := connect(t, ClientOptions{})
		c.begin(get)
		c.peer.want(wantGet).send("HTTP/1.1 204 No Content\n" + field + "\n\n")
		c.wantAnswer(204, "").wantReusable(false)
	}
}

// readHead reads up to an empty line.
func (c *client) readHead() string {
	c.t.Helper()
	var head []byte
	for one := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); {
		if _, err := io.ReadFull(c.conn, one); err != nil {
			c.t.Fatalf("read a head: %v after %q", err, head)
		}
		head = append(head, one[0])
	}
	return string(head)
}

// The head of the response is read by logs when the connection has long been
// given to another exchange.
func TestClientLeavesHeadAndTrailersToTheExchange(t *testing.T) {
	c := connect(t, ClientOptions{})
	var got string
	c.begin(get, func(x *message.Exchange) {
		x.OnEnd(func(x *message.Exchange) {
			got = strings.Join(append(fields(&x.Response.Header), fields(&x.Response.Trailer)...), ", ")
		})
	})
	c.peer.want(wantGet).send("HTTP/1.1 200 OK\nA: 1\nTransfer-Encoding: chunked\nB: 2\n\n")
	for range 50 {
		c.peer.sendRaw("2000\r\n" + strings.Repeat("x", 0x2000) + "\r\n")
	}
	c.peer.send("0\nT: 3\nContent-Length: 7\n\n")
	c.wantAnswer(200, strings.Repeat("x", 50*0x2000)).wantReusable(true)
	if want := "A: 1, Transfer-Encoding: chunked, B: 2, T: 3"; got != want {
		t.Errorf("at the end the fields are %q, want %q", got, want)
	}
}

func TestClientRefusesWhatIsNoResponse(t *testing.T) {
	for name, response := range map[string]string{
		"garbage":                  "garbage\n\n",
		"another protocol":         "SSH-2.0-OpenSSH_9.2\n",
		"length twice":             "HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 1\n\na",
		"length list":              "HTTP/1.1 200 OK\nContent-Length: 1, 1\n\na",
		"length and coding":        "HTTP/1.1 200 OK\nContent-Length: 1\nTransfer-Encoding: chunked\n\n0\n\n",
		"unknown coding":           "HTTP/1.1 200 OK\nTransfer-Encoding: gzip\n\n",
		"coding twice":             "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n",
		"coding in HTTP/1.0":       "HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n0\n\n",
		"folded field":             "HTTP/1.1 200 OK\nA: 1\n b\n\n",
		"space before colon":       "HTTP/1.1 200 OK\nA : 1\n\n",
		"large head":               "HTTP/1.1 200 OK\nA: " + strings.Repeat("a", 40<<10) + "\n\n",
		"many fields":              "HTTP/1.1 200 OK\n" + strings.Repeat("A: 1\n", 200) + "\n",
		"switch nobody asked for":  "HTTP/1.1 101 Switching Protocols\nUpgrade: x\n\n",
		"interim without end":      strings.Repeat("HTTP/1.1 102 Processing\n\n", maxInterim+1),
		"status that is no status": "HTTP/1.1 999 OK\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, ClientOptions{})
			c.begin(get)
			c.peer.want(wantGet).send(response)
			e := c.wantFailure(message.BadResponse)
			if !e.Sent || !e.Received {
				t.Errorf("sent %v, received %v", e.Sent, e.Received)
			}
		})
	}
}

func TestClientCutsContentThatIsMalformedOrEnds(t *testing.T) {
	for name, test := range map[string]struct {
		response string
		want     message.UpstreamFailure
	}{
		"bad chunk":      {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\nx\n", message.BadResponse},
		"cut chunk":      {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nabc", message.BodyCut},
		"no last chunk":  {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n", message.BodyCut},
		"cut by length":  {"HTTP/1.1 200 OK\nContent-Length: 5\n\nabc", message.BodyCut},
		"cut in trailer": {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n0\nT: 1\n", message.BodyCut},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, ClientOptions{})
			c.begin(get)
			c.peer.want(wantGet).send(test.response)
			c.peer.conn.CloseWrite()
			c.wantFailure(test.want)
			if c.status != 200 || c.content != "abc" {
				t.Errorf("got %d %q before the cut", c.status, c.content)
			}
		})
	}
}

func TestClientReportsALostConnection(t *testing.T) {
	for name, test := range map[string]struct {
		before   string
		end      func(*client)
		received bool
	}{
		"closed":           {"", func(p *client) { p.conn.CloseWrite() }, false},
		"reset":            {"", (*client).reset, false},
		"closed in a head": {"HTTP/1.1 200 O", func(p *client) { p.conn.CloseWrite() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, ClientOptions{})
			c.begin(get)
			c.peer.want(wantGet).send(test.before)
			test.end(c.peer)
			e := c.wantFailure(message.ConnectionLost)
			if !e.Sent || e.Received != test.received || e.Consumed {
				t.Errorf("sent %v, received %v, consumed %v", e.Sent, e.Received, e.Consumed)
			}
		})
	}
}

// reset ends the connection with RST.
func (c *client) reset() {
	c.conn.SetLinger(0)
	c.conn.Close()
}

func TestClientReportsResetInsideContent(t *testing.T) {
	c := connect(t, ClientOptions{})
	c.begin(get)
	c.peer.want(wantGet).send("HTTP/1.1 200 OK\nContent-Length: 5\n\nabc")
	c.peer.reset()
	c.wantFailure(message.BodyCut)
}

// What follows a response unasked could pass for the answer to the next
// request (response splitting).
func TestClientDoesNotReuseAConnectionWithUnaskedBytes(t *testing.T) {
	for _, response := range []string{
		"HTTP/1.1 200 OK\nContent-Length: 1\n\nab",
		"HTTP/1.1 204 No Content\n\nHTTP/1.1 200 OK\n",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\na\n0\n\nHTTP/1.1 200 OK\n\n",
	} {
		c := connect(t, ClientOptions{})
		c.begin(get)
		c.peer.want(wantGet).send(response)
		c.wait().wantReusable(false)
		if c.err != nil {
			t.Errorf("%q: %v", response, c.err)
		}
	}
}

func TestClientPassesInterimResponsesOn(t *testing.T) {
	c := connect(t, ClientOptions{})
	c.begin(get)
	c.peer.want(wantGet)
	c.peer.send("HTTP/1.1 103 Early Hints\nLink: <a>\n\nHTTP/1.1 102 Processing\n\n").send("HTTP/1.1 200 OK\nB: 1\nContent-Length: 2\n\nok")
	c.wantAnswer(200, "ok").wantReusable(true)
	if got := strings.Join(c.interim, "; "); got != "103 Link: <a>; 102 " {
		t.Errorf("interim responses are %q", got)
	}
}
