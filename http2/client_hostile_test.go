package http2

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	wire "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// playing is a peer that writes whatever frames a test wants: play is called for
// each connection once the first frames have been exchanged, and the connection
// stays open until its other end closes it.
func playing(t *testing.T, play func(p *attacker)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(patience))
				io.ReadFull(conn, make([]byte, len(wire.ClientPreface)))
				p := &attacker{Framer: wire.NewFramer(conn, conn), t: t, conn: conn}
				p.encoder = hpack.NewEncoder(&p.block)
				p.AllowIllegalWrites = true
				play(p)
				io.Copy(io.Discard, conn)
			}()
		}
	}()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// polite begins as HTTP/2 does, and plays for each request.
func polite(play func(p *attacker, id uint32)) func(p *attacker) {
	return func(p *attacker) {
		p.WriteSettings()
		for {
			f, err := p.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := f.(*wire.HeadersFrame); ok {
				play(p, h.StreamID)
			}
		}
	}
}

// outcome is what an exchange has come to.
type outcome struct {
	status  int
	content string
	length  int64
	trailer string // its last value
	err     error
	unsent  string // content of the request that is there after an error
}

// failure returns the UpstreamError that the exchange ended with.
func (o *outcome) failure(t *testing.T) *message.UpstreamError {
	t.Helper()
	e, ok := errors.AsType[*message.UpstreamError](o.err)
	if !ok {
		t.Errorf("error %v, status %d, content %q", o.err, o.status, o.content)
		return &message.UpstreamError{}
	}
	return e
}

// ask sends n exchanges to a peer, one after the other, over one connection; it
// returns the outcome of the last.
func ask(t *testing.T, to netip.AddrPort, o *ClientOptions, n int, fill func(x *message.Exchange)) (got outcome) {
	t.Helper()
	l := looptest.New(t)
	o.Peer = to.String()
	looptest.Do(t, l, func() {
		raw, err := l.Dial(loop.Addr{TCP: to}, &loop.DialOptions{Timeout: patience})
		if err != nil {
			t.Error(err)
			return
		}
		c := NewClient(raw, o, func() {}, func() {})
		x := &message.Exchange{Loop: l}
		for range n {
			x.Reset()
			x.Request.Method, x.Request.Scheme, x.Request.Host, x.Request.Path = "GET", "http", "a.test", "/"
			if fill != nil {
				fill(x)
			}
			got = exchangeOver(c, x)
		}
		c.Close()
		for !c.closed {
			l.Yield()
		}
	})
	return got
}

func exchangeOver(c *Client, x *message.Exchange) (o outcome) {
	if o.err = c.RoundTrip(x, func() {}); o.err == nil {
		o.status, o.length = x.Response.Status, x.Response.Length
		var view []byte
		for o.err == nil {
			o.content += string(view)
			view, o.err = x.Response.Body.Next()
		}
		if o.err == io.EOF {
			o.err = nil
		}
		for _, f := range x.Response.Trailer.Fields() {
			o.trailer = f.Value
		}
	}
	x.Response.Body.Close()
	if e, ok := errors.AsType[*message.UpstreamError](o.err); ok && !e.Consumed {
		view, _ := x.Request.Body.Next()
		o.unsent = string(view)
	}
	x.Request.Body.Close()
	x.Settle()
	x.End()
	return o
}

var ok200 = []string{":status", "200"}

// Whatever a peer sends that is no response is an error of that exchange, and not
// a response, nor a wait for ever.
func TestResponsesThatAreNoneFailTheirExchange(t *testing.T) {
	with := func(more ...string) []string { return append(append([]string{}, ok200...), more...) }
	head := func(fields ...string) func(*attacker, uint32) {
		return func(p *attacker, id uint32) { p.open(id, true, fields...) }
	}
	for name, play := range map[string]func(p *attacker, id uint32){
		"content ahead of the head": func(p *attacker, id uint32) {
			p.WriteData(id, false, []byte("early"))
			p.open(id, true, ok200...)
		},
		"content without a head":      func(p *attacker, id uint32) { p.WriteData(id, true, []byte("all")) },
		"an empty end without a head": func(p *attacker, id uint32) { p.WriteData(id, true, nil) },
		"more content than its length": func(p *attacker, id uint32) {
			p.open(id, false, with("content-length", "2")...)
			p.WriteData(id, true, []byte("abc"))
		},
		"less content than its length": func(p *attacker, id uint32) {
			p.open(id, false, with("content-length", "4")...)
			p.WriteData(id, true, []byte("abc"))
		},
		"a length without content": head(with("content-length", "4")...),
		"lengths that differ":      head(with("content-length", "0", "content-length", "1")...),
		"content of 204": func(p *attacker, id uint32) {
			p.open(id, false, ":status", "204")
			p.WriteData(id, true, []byte("abc"))
		},
		"content of 304": func(p *attacker, id uint32) {
			p.open(id, false, ":status", "304")
			p.WriteData(id, true, []byte("abc"))
		},
		"no status":                   head("a", "b"),
		"status twice":                head(":status", "200", ":status", "200"),
		"status behind a field":       head("a", "b", ":status", "200"),
		"status of two digits":        head(":status", "20"),
		"status of four digits":       head(":status", "2000"),
		"status that is no number":    head(":status", "2x0"),
		"status below 100":            head(":status", "099"),
		"101":                         head(":status", "101"),
		"an interim end":              head(":status", "103"),
		"fields of a request":         head(":status", "200", ":path", "/"),
		"unknown pseudo-header field": head(":status", "200", ":more", "x"),
		"connection":                  head(with("connection", "close")...),
		"transfer-encoding":           head(with("transfer-encoding", "chunked")...),
		"capital letters":             head(with("Large", "x")...),
		"space in a name":             head(with("a b", "x")...),
		"empty name":                  head(with("", "x")...),
		"line in a value":             head(with("a", "b\r\nc: d")...),
		"NUL in a value":              head(with("a", "b\x00")...),
		"a large head":                head(with("a", strings.Repeat("x", 10<<10))...),
		"a head of many fields":       head(with(strings.Fields(strings.Repeat("a b ", 101))...)...),
		"endless interims": func(p *attacker, id uint32) {
			for range maxInterim + 1 {
				p.open(id, false, ":status", "103")
			}
		},
		"trailers with a status":   func(p *attacker, id uint32) { p.open(id, false, ok200...); p.open(id, true, ok200...) },
		"trailers that do not end": func(p *attacker, id uint32) { p.open(id, false, ok200...); p.open(id, false, "a", "b") },
		"malformed trailers":       func(p *attacker, id uint32) { p.open(id, false, ok200...); p.open(id, true, "A", "b") },
		"trailers ahead of the rest": func(p *attacker, id uint32) {
			p.open(id, false, with("content-length", "4")...)
			p.open(id, true, "a", "b")
		},
		"a window of 0":           func(p *attacker, id uint32) { p.WriteRawFrame(wire.FrameWindowUpdate, 0, id, make([]byte, 4)) },
		"a window that overflows": func(p *attacker, id uint32) { p.WriteWindowUpdate(id, mostWindow) },
		"more than the window": func(p *attacker, id uint32) {
			p.open(id, false, ok200...)
			for range mostStreamWindow/leastMaxFrame + 1 {
				p.WriteData(id, false, make([]byte, leastMaxFrame))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			// Without a time limit: it must not be what ends the exchange.
			got := ask(t, playing(t, polite(play)), &ClientOptions{Limits: Limits{Head: 8 << 10}}, 1, nil)
			if e := got.failure(t); e.Failure != message.BadResponse {
				t.Errorf("failure %v: %v", e.Failure, e)
			}
		})
	}
}

// What a peer does that HTTP/2 does not allow at all ends the connection, and
// with it the exchange.
func TestPeersThatBreakTheProtocolLoseTheirConnection(t *testing.T) {
	for name, c := range map[string]struct {
		code wire.ErrCode
		play func(p *attacker, id uint32)
	}{
		"PUSH_PROMISE": {wire.ErrCodeProtocol, func(p *attacker, id uint32) {
			p.WritePushPromise(wire.PushPromiseParam{StreamID: id, PromiseID: 2, BlockFragment: p.fields(usual...), EndHeaders: true})
		}},
		"a response on a stream of its own": {wire.ErrCodeProtocol, func(p *attacker, id uint32) { p.open(2, true, ok200...) }},
		"a response to no request":          {wire.ErrCodeProtocol, func(p *attacker, id uint32) { p.open(id+2, true, ok200...) }},
		"content of no response":            {wire.ErrCodeProtocol, func(p *attacker, id uint32) { p.WriteData(id+2, true, []byte("x")) }},
		"a window of 0":                     {wire.ErrCodeProtocol, func(p *attacker, id uint32) { p.WriteRawFrame(wire.FrameWindowUpdate, 0, 0, make([]byte, 4)) }},
		"a window that overflows":           {wire.ErrCodeFlowControl, func(p *attacker, id uint32) { p.WriteWindowUpdate(0, mostWindow) }},
		"an initial window out of bounds": {wire.ErrCodeFlowControl, func(p *attacker, id uint32) {
			p.WriteSettings(wire.Setting{ID: wire.SettingInitialWindowSize, Val: 1 << 31})
		}},
		"push allowed":              {wire.ErrCodeProtocol, func(p *attacker, id uint32) { p.WriteSettings(wire.Setting{ID: wire.SettingEnablePush, Val: 1}) }},
		"frames that are too small": {wire.ErrCodeProtocol, func(p *attacker, id uint32) { p.WriteSettings(wire.Setting{ID: wire.SettingMaxFrameSize, Val: 1}) }},
		"a frame that is too large": {wire.ErrCodeFrameSize, func(p *attacker, id uint32) { p.WriteData(id, false, make([]byte, leastMaxFrame+1)) }},
		"a header that cannot be decoded": {wire.ErrCodeCompression, func(p *attacker, id uint32) {
			p.WriteHeaders(wire.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, EndHeaders: true})
		}},
		"CONTINUATION without end": {wire.ErrCodeEnhanceYourCalm, func(p *attacker, id uint32) {
			p.WriteHeaders(wire.HeadersFrameParam{StreamID: id, BlockFragment: p.fields(ok200...)})
			for range maxContinuations + 1 {
				p.WriteContinuation(id, false, p.fields("a", "b"))
			}
		}},
		"something else inside a section": {wire.ErrCodeProtocol, func(p *attacker, id uint32) {
			p.WriteHeaders(wire.HeadersFrameParam{StreamID: id, BlockFragment: p.fields(ok200...)})
			p.WritePing(false, [8]byte{})
		}},
		"PRIORITY_UPDATE": {wire.ErrCodeProtocol, func(p *attacker, id uint32) { p.WriteRawFrame(0x10, 0, 0, []byte{0, 0, 0, 1}) }},
		"a flood of PING": {wire.ErrCodeEnhanceYourCalm, func(p *attacker, id uint32) {
			for range 10 * mostDebt {
				p.WritePing(false, [8]byte{})
			}
		}},
		"a flood of SETTINGS": {wire.ErrCodeEnhanceYourCalm, func(p *attacker, id uint32) {
			for range 10 * mostDebt {
				p.WriteSettings()
			}
		}},
		"a flood of empty DATA": {wire.ErrCodeEnhanceYourCalm, func(p *attacker, id uint32) {
			p.open(id, false, ok200...)
			for range 10 * mostDebt {
				p.WriteData(id, false, nil)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			code := make(chan wire.ErrCode, 1)
			to := playing(t, func(p *attacker) {
				polite(func(p *attacker, id uint32) {
					// The other side may close while this one writes.
					go c.play(p, id)
					code <- p.ending()
				})(p)
			})
			got := ask(t, to, &ClientOptions{}, 1, nil)
			if got.err == nil {
				t.Errorf("status %d, content %q", got.status, got.content)
			}
			if got := <-code; got != c.code {
				t.Errorf("the connection ends with %v, want %v", got, c.code)
			}
		})
	}
}

// A peer that answers in another protocol is not waited for.
func TestPeerThatDoesNotSpeakHTTP2FailsAtOnce(t *testing.T) {
	got := ask(t, playing(t, func(p *attacker) {
		io.WriteString(p.conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
	}), &ClientOptions{}, 1, nil)
	if e := got.failure(t); e.Failure != message.ConnectionLost {
		t.Errorf("failure %v", e)
	}
}

// What a peer did nothing with can be sent again, whatever the method (RFC 9113
// section 8.7), and its content is there again.
func TestRefusedRequestsMayBeSentAgain(t *testing.T) {
	post := func(x *message.Exchange) {
		x.Request.Method, x.Request.Length = "POST", 5
		x.Request.Body = x.BytesBody([]byte("hello"))
	}
	for name, c := range map[string]struct {
		sent bool
		play func(p *attacker, id uint32)
	}{
		"REFUSED_STREAM":    {false, func(p *attacker, id uint32) { p.WriteRSTStream(id, wire.ErrCodeRefusedStream) }},
		"GOAWAY below it":   {false, func(p *attacker, id uint32) { p.WriteGoAway(0, wire.ErrCodeNo, nil) }},
		"GOAWAY above it":   {true, func(p *attacker, id uint32) { p.WriteGoAway(id, wire.ErrCodeNo, nil); p.conn.Close() }},
		"any other reset":   {true, func(p *attacker, id uint32) { p.WriteRSTStream(id, wire.ErrCodeInternal) }},
		"a lost connection": {true, func(p *attacker, id uint32) { p.conn.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			to := playing(t, polite(func(p *attacker, id uint32) {
				// When the content is there.
				for f, err := p.ReadFrame(); ; f, err = p.ReadFrame() {
					if err != nil {
						return
					}
					if d, ok := f.(*wire.DataFrame); ok && d.StreamEnded() {
						break
					}
				}
				c.play(p, id)
			}))
			got := ask(t, to, &ClientOptions{}, 1, post)
			e := got.failure(t)
			if e.Failure != message.ConnectionLost || e.Sent != c.sent || e.Received || e.Consumed {
				t.Errorf("%+v", e)
			}
			if got.unsent != "hello" {
				t.Errorf("the content that is left is %q", got.unsent)
			}
		})
	}
}

// An answer that comes before the request is complete stands, also when the peer
// then wants no more of the request (RFC 9113 section 8.1).
func TestAnswerAheadOfTheRequestsEndIsWhole(t *testing.T) {
	to := playing(t, polite(func(p *attacker, id uint32) {
		p.open(id, false, ":status", "413")
		p.WriteData(id, false, []byte("too large"))
		p.open(id, true, "sum", "9")
		p.WriteRSTStream(id, wire.ErrCodeNo)
	}))
	got := ask(t, to, &ClientOptions{}, 1, func(x *message.Exchange) {
		x.Request.Method, x.Request.Length, x.Request.Body = "POST", message.UnknownLength, &endless{x: x}
	})
	if got.err != nil || got.status != 413 || got.content != "too large" || got.trailer != "9" {
		t.Errorf("%+v", got)
	}
}

// endless is content without end.
type endless struct {
	x      *message.Exchange
	closed bool
}

func (e *endless) Next() ([]byte, error) {
	e.x.Loop.Yield()
	if e.closed {
		return nil, errClosed
	}
	return make([]byte, 1000), nil
}

func (e *endless) Close() { e.closed = true }

// The windows follow the peer's settings, below zero too (RFC 9113 section
// 6.9.2): what it lets in is sent and no byte more.
func TestUploadKeepsToWindowsThatShrink(t *testing.T) {
	const size = 100_000
	to := playing(t, func(p *attacker) {
		p.WriteSettings(wire.Setting{ID: wire.SettingInitialWindowSize, Val: 20_000})
		id, got, granted := uint32(0), 0, 20_000
		read := func(until int) {
			for got < until {
				f, err := p.ReadFrame()
				if err != nil {
					p.t.Error(err)
					return
				}
				switch f := f.(type) {
				case *wire.HeadersFrame:
					id = f.StreamID
				case *wire.DataFrame:
					if got += len(f.Data()); got > granted {
						p.t.Errorf("%d bytes came where %d may", got, granted)
					}
				}
			}
		}
		settled := false
		for id == 0 || !settled {
			f, err := p.ReadFrame()
			if err != nil {
				p.t.Error(err)
				return
			}
			s, ok := f.(*wire.SettingsFrame)
			settled = settled || ok && s.IsAck()
			if h, ok := f.(*wire.HeadersFrame); ok {
				id = h.StreamID
			}
		}
		p.open(id, true, ok200...)
		p.WriteWindowUpdate(0, 10*size)
		read(20_000)
		// It is used up: now it is 15,000 below zero, and then 1,000 above.
		p.WriteSettings(wire.Setting{ID: wire.SettingInitialWindowSize, Val: 5_000})
		p.WriteWindowUpdate(id, 16_000)
		granted += 1_000
		read(granted)
		p.WriteSettings(wire.Setting{ID: wire.SettingInitialWindowSize, Val: 0})
		p.WriteSettings(wire.Setting{ID: wire.SettingInitialWindowSize, Val: size})
		granted += size - 5_000
		read(size)
		p.open(id, true, ok200...)
	})
	first := true // tells when the settings are known
	got := ask(t, to, &ClientOptions{IdleTimeout: time.Hour}, 2, func(x *message.Exchange) {
		if first {
			first = false
			return
		}
		x.Request.Method, x.Request.Length = "PUT", size
		x.Request.Body = x.BytesBody(make([]byte, size))
	})
	if got.err != nil || got.status != 200 {
		t.Errorf("%+v", got)
	}
}

// Peers send small frames besides their answers, and a good one may go on for as
// long as it answers.
func TestUsefulPeersAreLeftTheirPings(t *testing.T) {
	to := playing(t, polite(func(p *attacker, id uint32) {
		p.WritePing(false, [8]byte{})
		p.WriteWindowUpdate(0, 1)
		p.open(id, true, ok200...)
	}))
	if got := ask(t, to, &ClientOptions{IdleTimeout: time.Hour}, 3*mostDebt, nil); got.err != nil || got.status != 200 {
		t.Errorf("%+v", got)
	}
}

// HEAD and 304 tell a length without content.
func TestLengthsWithoutContent(t *testing.T) {
	for _, c := range []struct{ method, status string }{{"HEAD", "200"}, {"GET", "304"}} {
		to := playing(t, polite(func(p *attacker, id uint32) { p.open(id, true, ":status", c.status, "content-length", "7") }))
		got := ask(t, to, &ClientOptions{}, 1, func(x *message.Exchange) { x.Request.Method = c.method })
		if got.err != nil || got.length != 7 || got.content != "" {
			t.Errorf("%v: %+v", c, got)
		}
	}
}

// A head that drips in interim responses is passed on; the trailers come with the
// end.
func TestTrailersOfAPeerWithoutFraming(t *testing.T) {
	to := playing(t, polite(func(p *attacker, id uint32) {
		p.open(id, false, ":status", "103", "link", "</a>")
		p.open(id, false, ok200...)
		p.open(id, true, "sum", "1", "content-length", "7")
	}))
	var seen []string
	got := ask(t, to, &ClientOptions{}, 1, func(x *message.Exchange) {
		x.SetInterim(func(status int, h *message.Header) error {
			seen = append(seen, h.Get("link"))
			return nil
		})
	})
	if got.err != nil || got.status != 200 || got.trailer != "1" || len(seen) != 1 || seen[0] != "</a>" {
		t.Errorf("%+v, interim %q", got, seen)
	}
}
