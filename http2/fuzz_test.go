package http2

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	wire "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// Whatever is taken for a request must be one that HTTP/1.1 can say in one way
// only.
func FuzzSection(f *testing.F) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, pairs := range [][]string{
		usual,
		append(append([]string{}, usual...), "cookie", "a=b", "cookie", "c=d", "content-length", "5"),
		{":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/", ":authority", "a"},
	} {
		block.Reset()
		for i := 0; i < len(pairs); i += 2 {
			encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
		}
		f.Add(bytes.Clone(block.Bytes()))
	}
	f.Fuzz(func(t *testing.T, section []byte) {
		b := newBlock(Limits{Head: 4 << 10, Fields: 20})
		e := &exchange{}
		e.x.Reset()
		if err := b.decode(section, &e.x.Request.Header); err != nil || b.malformed != "" {
			return
		}
		c := &serverConn{}
		c.block = b
		refusal, ok := e.fill(c, true)
		if !ok || refusal != nil {
			return
		}
		req := &e.x.Request
		for _, s := range []string{req.Method, req.Host, req.Path, req.Query} {
			if strings.ContainsAny(s, "\r\n\x00 ") {
				t.Fatalf("%q holds what ends a line or a word", s)
			}
		}
		for _, field := range req.Header.Fields() {
			if strings.ContainsAny(field.Value, "\r\n\x00") || strings.ContainsAny(field.Name, "\r\n\x00 :") {
				t.Fatalf("field %q: %q", field.Name, field.Value)
			}
		}
	})
}

// What is encoded here, the decoder of x/net reads as it was.
func FuzzEncode(f *testing.F) {
	f.Add("Content-Type", "text/html", 200, int64(5))
	f.Add("x-own", "", 418, int64(1<<40))
	f.Fuzz(func(t *testing.T, name, value string, status int, length int64) {
		if status < 100 || status > 999 || length < 0 || name == "" {
			return
		}
		b := appendStatus(nil, status)
		b = appendField(b, name, value)
		b = appendLength(b, length)
		fields, err := hpack.NewDecoder(4096, nil).DecodeFull(b)
		if err != nil || len(fields) != 3 {
			t.Fatalf("%d fields, %v", len(fields), err)
		}
		if fields[1].Name != string(asciiLower(name)) || fields[1].Value != value {
			t.Fatalf("%q: %q became %q: %q", name, value, fields[1].Name, fields[1].Value)
		}
	})
}

func asciiLower(s string) []byte {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

func FuzzPriority(f *testing.F) {
	f.Add("u=5, i")
	f.Add("i=?0,u=9, u=1")
	f.Fuzz(func(t *testing.T, value string) {
		if p := parsePriority(value); p.urgency > 7 {
			t.Fatalf("%q has urgency %d", value, p.urgency)
		}
	})
}

// Whatever comes, the connection ends or goes on, and nothing is left.
func FuzzConnection(f *testing.F) {
	var frames bytes.Buffer
	framer := wire.NewFramer(&frames, nil)
	framer.WriteSettings(wire.Setting{ID: wire.SettingInitialWindowSize, Val: 10})
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(usual); i += 2 {
		encoder.WriteField(hpack.HeaderField{Name: usual[i], Value: usual[i+1]})
	}
	framer.WriteHeaders(wire.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	framer.WriteData(1, false, []byte("hello"))
	framer.WriteWindowUpdate(1, 100)
	framer.WritePing(false, [8]byte{})
	framer.WriteRSTStream(1, wire.ErrCodeCancel)
	f.Add(frames.Bytes())
	addr := serve(f, &Server{Handler: message.HandlerFunc(echo), KeepAliveRequests: 1 << 30})
	f.Fuzz(func(t *testing.T, frames []byte) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		go func() {
			io.WriteString(conn, wire.ClientPreface)
			conn.Write(frames)
			conn.(*net.TCPConn).CloseWrite()
		}()
		if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Fatal(err)
		}
	})
}

// Whatever a peer sends, an exchange with it comes to an end.
func FuzzPeer(f *testing.F) {
	var frames bytes.Buffer
	framer := wire.NewFramer(&frames, nil)
	framer.WriteSettings(wire.Setting{ID: wire.SettingMaxConcurrentStreams, Val: 10})
	framer.WriteHeaders(wire.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x08, 3, '1', '0', '3'}, EndHeaders: true})
	framer.WriteHeaders(wire.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}, EndHeaders: true})
	framer.WriteData(1, false, []byte("hello"))
	framer.WriteHeaders(wire.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0, 1, 'a', 1, 'b'}, EndHeaders: true, EndStream: true})
	framer.WriteGoAway(1, wire.ErrCodeNo, nil)
	f.Add(frames.Bytes())
	l := looptest.New(f)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { ln.Close() })
	to := ln.Addr().(*net.TCPAddr).AddrPort()
	f.Fuzz(func(t *testing.T, frames []byte) {
		go func() {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			conn.Write(frames)
			conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, conn)
		}()
		looptest.Do(t, l, func() {
			raw, err := l.Dial(loop.Addr{TCP: to}, &loop.DialOptions{Timeout: patience})
			if err != nil {
				t.Error(err)
				return
			}
			// The limits of time are what a peer that is only silent comes to.
			c := NewClient(raw, &ClientOptions{ReadTimeout: patience, WriteTimeout: patience}, func() {}, func() {})
			x := &message.Exchange{Loop: l}
			x.Reset()
			x.Request.Method, x.Request.Host, x.Request.Path = "POST", "a.test", "/"
			x.Request.Length, x.Request.Body = 5, x.BytesBody([]byte("hello"))
			began := l.Now()
			exchangeOver(c, x)
			if l.Now()-began >= int64(patience) {
				t.Error("the exchange ended with its time limit only")
			}
			for c.Close(); !c.closed; {
				l.Yield()
			}
		})
	})
}
