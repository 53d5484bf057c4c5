package http2

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	wire "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"pingap/loop"
	"pingap/message"
)

// attacker is a client that writes whatever frames a test wants.
type attacker struct {
	*wire.Framer
	t       *testing.T
	conn    net.Conn
	block   bytes.Buffer
	encoder *hpack.Encoder
}

// attack connects to a server and exchanges the first frames with it.
func attack(t *testing.T, s *Server) *attacker {
	t.Helper()
	return attackAt(t, serve(t, s))
}

func attackAt(t *testing.T, addr string) *attacker {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	a := &attacker{Framer: wire.NewFramer(conn, conn), t: t, conn: conn}
	a.encoder = hpack.NewEncoder(&a.block)
	a.AllowIllegalWrites = true
	if _, err := io.WriteString(conn, wire.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := a.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return a
}

// fields encodes a header section.
func (a *attacker) fields(pairs ...string) []byte {
	a.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		a.encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return a.block.Bytes()
}

// usual are the fields of an ordinary request.
var usual = []string{":method", "GET", ":scheme", "http", ":authority", "a.test", ":path", "/"}

// open sends a request.
func (a *attacker) open(id uint32, end bool, pairs ...string) error {
	return a.WriteHeaders(wire.HeadersFrameParam{StreamID: id, BlockFragment: a.fields(pairs...), EndStream: end, EndHeaders: true})
}

// ending waits for the end of the connection and returns the code of GOAWAY.
func (a *attacker) ending() (code wire.ErrCode) {
	a.t.Helper()
	return a.endingAfter(nil)
}

// endingAfter is ending, and tells each reset of a stream that comes before.
func (a *attacker) endingAfter(resets chan<- struct{}) (code wire.ErrCode) {
	a.t.Helper()
	code = 0xffff
	for {
		f, err := a.ReadFrame()
		if _, ok := f.(*wire.RSTStreamFrame); ok && resets != nil {
			resets <- struct{}{}
		}
		if err != nil {
			if errors.Is(err, io.EOF) || strings.Contains(err.Error(), "reset") {
				return code
			}
			a.t.Errorf("the connection is not ended: %v", err)
			return code
		}
		if g, ok := f.(*wire.GoAwayFrame); ok && g.ErrCode != wire.ErrCodeNo {
			code = g.ErrCode
		}
	}
}

// outcome waits for what becomes of a stream: its status, or the code of
// RST_STREAM.
func (a *attacker) outcome(id uint32) (status string, code wire.ErrCode) {
	a.t.Helper()
	decoder := hpack.NewDecoder(4096, nil)
	for {
		f, err := a.ReadFrame()
		if err != nil {
			a.t.Errorf("stream %d: %v", id, err)
			return "", 0
		}
		switch f := f.(type) {
		case *wire.HeadersFrame:
			fields, err := decoder.DecodeFull(f.HeaderBlockFragment())
			if err != nil {
				a.t.Error(err)
			}
			if f.StreamID == id {
				return fields[0].Value, 0
			}
		case *wire.RSTStreamFrame:
			if f.StreamID == id {
				return "", f.ErrCode
			}
		case *wire.GoAwayFrame:
			a.t.Errorf("stream %d: the connection is ended: %v %s", id, f.ErrCode, f.DebugData())
			return "", 0
		}
	}
}

func TestFloodsEndTheConnection(t *testing.T) {
	for name, once := range map[string]func(a *attacker, n int) error{
		"rapid reset": func(a *attacker, n int) error {
			a.open(uint32(2*n+1), false, usual...)
			return a.WriteRSTStream(uint32(2*n+1), wire.ErrCodeCancel)
		},
		"made-up requests": func(a *attacker, n int) error { return a.open(uint32(2*n+1), true, ":nonsense", "x") },
		"SETTINGS":         func(a *attacker, n int) error { return a.WriteSettings() },
		"PING":             func(a *attacker, n int) error { return a.WritePing(false, [8]byte{byte(n)}) },
		"empty DATA": func(a *attacker, n int) error {
			if n == 0 {
				return a.open(1, false, usual...)
			}
			return a.WriteData(1, false, nil)
		},
		"PRIORITY": func(a *attacker, n int) error {
			return a.WritePriority(uint32(2*n+1), wire.PriorityParam{Weight: 1})
		},
		"tiny windows": func(a *attacker, n int) error { return a.WriteWindowUpdate(0, 1) },
		"unknown":      func(a *attacker, n int) error { return a.WriteRawFrame(0x77, 0, 0, nil) },
		"CONTINUATION": func(a *attacker, n int) error {
			if n == 0 {
				return a.WriteHeaders(wire.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields(usual...)})
			}
			return a.WriteContinuation(1, false, nil)
		},
		"large CONTINUATION": func(a *attacker, n int) error {
			if n == 0 {
				return a.WriteHeaders(wire.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields(usual...)})
			}
			return a.WriteContinuation(1, false, a.fields("x", strings.Repeat("y", 10_000)))
		},
		"header bombs": func(a *attacker, n int) error {
			bomb := append([]string{}, usual...)
			for range 50 { // less than ends it at once
				bomb = append(bomb, "bomb", strings.Repeat("x", 3000))
			}
			return a.open(uint32(2*n+1), true, bomb...)
		},
		"too many settings": func(a *attacker, n int) error {
			return a.WriteSettings(make([]wire.Setting, 1000)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var entered atomic.Int64
			a := attack(t, &Server{KeepAliveRequests: 1 << 30, Handler: message.HandlerFunc(func(x *message.Exchange) error {
				entered.Add(1)
				return x.Loop.Sleep(time.Hour)
			})})
			go func() {
				// Until it cannot go on: far beyond what may be owed.
				for n := range 200_000 {
					if once(a, n) != nil {
						return
					}
				}
			}()
			if code := a.ending(); code != wire.ErrCodeEnhanceYourCalm && code != 0xffff {
				t.Errorf("ended with %v", code)
			}
			if n := entered.Load(); n > mostDebt {
				t.Errorf("%d exchanges have begun", n)
			}
		})
	}
}

func TestMalformedRequestsAreResetAndHarmNoOthers(t *testing.T) {
	a := attack(t, &Server{KeepAliveRequests: 1 << 30, Handler: message.HandlerFunc(echo)})
	with := func(more ...string) []string { return append(append([]string{}, usual...), more...) }
	id := uint32(1)
	for name, fields := range map[string][]string{
		"no method":                 {":scheme", "http", ":authority", "a", ":path", "/"},
		"no scheme":                 {":method", "GET", ":authority", "a", ":path", "/"},
		"no path":                   {":method", "GET", ":scheme", "http", ":authority", "a"},
		"empty path":                {":method", "GET", ":scheme", "http", ":authority", "a", ":path", ""},
		"method twice":              {":method", "GET", ":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/"},
		"method that is none":       {":method", "G T", ":scheme", "http", ":authority", "a", ":path", "/"},
		"status":                    with(":status", "200"),
		"unknown pseudo":            {":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/", ":more", "x"},
		"pseudo after regular":      {":method", "GET", ":scheme", "http", "a", "b", ":path", "/"},
		"protocol without CONNECT":  {":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/", ":protocol", "websocket"},
		"CONNECT with path":         {":method", "CONNECT", ":authority", "a:1", ":path", "/"},
		"CONNECT without authority": {":method", "CONNECT"},
		"connection":                with("connection", "close"),
		"keep-alive":                with("keep-alive", "5"),
		"transfer-encoding":         with("transfer-encoding", "chunked"),
		"upgrade":                   with("upgrade", "h2c"),
		"proxy-connection":          with("proxy-connection", "x"),
		"te":                        with("te", "gzip"),
		"capital letters":           with("Large", "x"),
		"space in a name":           with("a b", "x"),
		"empty name":                with("", "x"),
		"line in a value":           with("a", "b\r\nc: d"),
		"NUL in a value":            with("a", "b\x00"),
		"blank before a value":      with("a", " b"),
		"length without content":    with("content-length", "5"),
		"lengths that differ":       with("content-length", "0", "content-length", "5"),
		"length that is no number":  with("content-length", "+0"),
		"line in the path":          {":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/\r\nx: y"},
	} {
		if err := a.open(id, true, fields...); err != nil {
			t.Fatal(err)
		}
		if status, code := a.outcome(id); code != wire.ErrCodeProtocol {
			t.Errorf("%s: status %q, code %v", name, status, code)
		}
		id += 2
		if err := a.open(id, true, usual...); err != nil {
			t.Fatal(err)
		}
		if status, code := a.outcome(id); status != "200" {
			t.Errorf("after %s: status %q, code %v", name, status, code)
		}
		id += 2
	}
}

func TestRequestsThatTwoCouldReadDifferentlyAreRefused(t *testing.T) {
	a := attack(t, &Server{Handler: message.HandlerFunc(echo)})
	id := uint32(1)
	for name, c := range map[string]struct {
		fields []string
		want   string
	}{
		"host that differs":       {append(append([]string{}, usual...), "host", "b.test"), "400"},
		"host twice":              {append(append([]string{}, usual...), "host", "a.test", "host", "a.test"), "400"},
		"host that is the same":   {append(append([]string{}, usual...), "host", "A.test"), "200"},
		"host alone":              {[]string{":method", "GET", ":scheme", "http", ":path", "/", "host", "a"}, "200"},
		"no host":                 {[]string{":method", "GET", ":scheme", "http", ":path", "/"}, "400"},
		"user in the authority":   {[]string{":method", "GET", ":scheme", "http", ":authority", "u@a", ":path", "/"}, "400"},
		"fragment":                {[]string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/#x"}, "400"},
		"space in the path":       {[]string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/ HTTP/1.1"}, "400"},
		"path that is an address": {[]string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", "http://b/"}, "400"},
		"asterisk":                {[]string{":method", "OPTIONS", ":scheme", "http", ":authority", "a", ":path", "*"}, "200"},
	} {
		if err := a.open(id, true, c.fields...); err != nil {
			t.Fatal(err)
		}
		if status, code := a.outcome(id); status != c.want {
			t.Errorf("%s: status %q, code %v, want %s", name, status, code, c.want)
		}
		id += 2
	}
}

// A field in the dynamic table, named again and again in a byte each.
func TestHeaderBombIsRefusedAndNotUnpacked(t *testing.T) {
	a := attack(t, &Server{Handler: message.HandlerFunc(echo), Limits: Limits{Head: 16 << 10, Fields: 50}})
	bomb := func(times int) []string {
		fields := append([]string{}, usual...)
		for range times {
			fields = append(fields, "bomb", strings.Repeat("x", 3000))
		}
		return fields
	}
	if err := a.open(1, true, bomb(20)...); err != nil {
		t.Fatal(err)
	}
	if status, code := a.outcome(1); status != "431" {
		t.Errorf("status %q, code %v", status, code)
	}
	if err := a.open(3, true, usual...); err != nil {
		t.Fatal(err)
	}
	if status, _ := a.outcome(3); status != "200" {
		t.Errorf("after it: status %q", status)
	}
	if err := a.open(5, true, bomb(1000)...); err != nil {
		t.Fatal(err)
	}
	if code := a.ending(); code != wire.ErrCodeEnhanceYourCalm {
		t.Errorf("ended with %v", code)
	}
}

func TestWindowsThatOverflowEndTheirStreamOrConnection(t *testing.T) {
	a := attack(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error { return x.Loop.Sleep(time.Hour) })})
	a.open(1, false, usual...)
	a.WriteWindowUpdate(1, mostWindow)
	if _, code := a.outcome(1); code != wire.ErrCodeFlowControl {
		t.Errorf("the stream is reset with %v", code)
	}
	a.WriteWindowUpdate(0, mostWindow)
	if code := a.ending(); code != wire.ErrCodeFlowControl {
		t.Errorf("the connection ends with %v", code)
	}
}

func TestMoreContentThanTheWindowLetsInResetsTheStream(t *testing.T) {
	a := attack(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error { return x.Loop.Sleep(time.Hour) })})
	a.open(1, false, ":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/")
	chunk := make([]byte, leastMaxFrame)
	for range 256<<10/len(chunk) + 1 {
		if err := a.WriteData(1, false, chunk); err != nil {
			t.Fatal(err)
		}
	}
	if _, code := a.outcome(1); code != wire.ErrCodeFlowControl {
		t.Errorf("the stream is reset with %v", code)
	}
}

func TestContentThatDiffersFromItsLengthResetsTheStream(t *testing.T) {
	for _, size := range []int{4, 6} {
		a := attack(t, &Server{Handler: message.HandlerFunc(func(x *message.Exchange) error {
			for {
				if _, err := x.Request.Body.Next(); err != nil {
					return err
				}
			}
		})})
		a.open(1, false, ":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/", "content-length", "5")
		a.WriteData(1, true, make([]byte, size))
		if _, code := a.outcome(1); code != wire.ErrCodeProtocol {
			t.Errorf("%d bytes: code %v", size, code)
		}
	}
}

func TestStreamsBeyondTheLimitAreRefused(t *testing.T) {
	release := make(chan struct{})
	a := attack(t, &Server{MaxStreams: 3, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Loop.Await(func() { <-release })
		return echo(x)
	})})
	for i := range 4 {
		a.open(uint32(2*i+1), true, usual...)
	}
	if _, code := a.outcome(7); code != wire.ErrCodeRefusedStream {
		t.Errorf("code %v", code)
	}
	close(release)
}

// A client may open another stream as soon as one has ended for it: what is still
// done for that is not its business. But there is a bound.
func TestStreamsWhoseAnswerWasGivenDoNotCount(t *testing.T) {
	const most = 3
	var held []*message.Exchange // by their loop alone
	release := func() {
		for _, x := range held {
			x.Release()
		}
		held = nil
	}
	loops := make(chan *loop.Loop, 100)
	a := attack(t, &Server{MaxStreams: most, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		loops <- x.Loop
		if x.Request.Method == "DELETE" {
			release()
		} else {
			x.Hold()
			held = append(held, x)
		}
		x.Response.Status = 204
		return nil
	})})
	id := uint32(1)
	ask := func(method, want string) {
		t.Helper()
		a.open(id, true, append([]string{":method", method}, usual[2:]...)...)
		if status, code := a.outcome(id); status != want || want == "" && code != wire.ErrCodeRefusedStream {
			t.Errorf("stream %d: status %q, code %v, want %q", id, status, code, want)
		}
		id += 2
	}
	for range 2*most - 1 {
		ask("GET", "204")
	}
	ask("DELETE", "204")
	for range 2 * most {
		ask("GET", "204")
	}
	ask("GET", "")
	(<-loops).Post(release)
}

// A stream that its client has reset still counts as long as its exchange runs.
func TestResetStreamsCountUntilTheirExchangesEnd(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{})
	defer close(release)
	a := attack(t, &Server{MaxStreams: 3, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		entered <- struct{}{}
		x.Loop.Await(func() { <-release })
		return echo(x)
	})})
	for i := range 4 {
		a.open(uint32(2*i+1), true, usual...)
		if i < 3 {
			<-entered
			a.WriteRSTStream(uint32(2*i+1), wire.ErrCodeCancel)
		}
	}
	if _, code := a.outcome(7); code != wire.ErrCodeRefusedStream {
		t.Errorf("code %v", code)
	}
}

func TestClientThatTakesNothingLosesItsStream(t *testing.T) {
	a := attack(t, &Server{Timeouts: Timeouts{Write: 30 * time.Millisecond}, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status, x.Response.Length = 200, 1<<20
		x.Response.Body = x.BytesBody(make([]byte, 1<<20))
		return nil
	})})
	a.WriteSettings(wire.Setting{ID: wire.SettingInitialWindowSize, Val: 0})
	a.open(1, true, usual...)
	if status, _ := a.outcome(1); status != "200" {
		t.Errorf("status %q", status)
	}
	if _, code := a.outcome(1); code != wire.ErrCodeInternal {
		t.Errorf("code %v", code)
	}
}
