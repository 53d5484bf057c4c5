package http1

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
)

// testServer is a Server on a loop of its own.
type testServer struct {
	*Server
	t    testing.TB
	loop *loop.Loop
	addr string
}

// serve starts s; a nil Handler is echo.
func serve(t testing.TB, s *Server) *testServer {
	t.Helper()
	return serveOn(t, s, loop.Options{})
}

// serveOn is serve with options of the loop.
func serveOn(t testing.TB, s *Server, o loop.Options) *testServer {
	t.Helper()
	if s.Handler == nil {
		s.Handler = message.HandlerFunc(echo)
	}
	l := looptest.Start(t, o)
	t.Cleanup(func() {
		// Runs before the loop ends: nothing may be left when all
		// connections are closed.
		s.Close()
		looptest.Do(t, l, func() {
			for range 500 {
				if stats := l.Stats(); stats.Conns == 0 && stats.Coroutines == 1 && stats.Buffers == 0 {
					return
				}
				l.Sleep(10 * time.Millisecond)
			}
			t.Errorf("left behind on the loop: %+v", l.Stats())
		})
		if open, active := s.Open(), s.Active(); open != 0 || active != 0 {
			t.Errorf("%d connections and %d exchanges are still counted", open, active)
		}
	})
	return &testServer{Server: s, t: t, loop: l, addr: listen(t, l, s)}
}

// echo answers with the request's content, or with "METHOD path" when there is
// none.
func echo(x *message.Exchange) error {
	r := &x.Response
	r.Status = 200
	r.Header.Add("Date", "now")
	if x.Request.Length == 0 {
		text(x, x.Request.Method+" "+x.Request.Path)
		return nil
	}
	r.Length, r.Body = x.Request.Length, x.Request.Body
	return nil
}

// text makes s the response's content.
func text(x *message.Exchange, s string) {
	if x.Response.Status == 0 {
		x.Response.Status = 200
	}
	x.Response.Length = int64(len(s))
	x.Response.Body = &message.BytesBody{Data: []byte(s)}
}

// client is the far end of a conversation.
type client struct {
	t    testing.TB
	conn *net.TCPConn
}

const patience = 20 * time.Second

// dial connects to the server for the length of its test.
func (s *testServer) dial() *client {
	s.t.Helper()
	return s.dialIn(s.t)
}

// dialIn is dial for a test inside the server's.
func (s *testServer) dialIn(t testing.TB) *client {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &client{t: t, conn: conn.(*net.TCPConn)}
}

// send sends raw bytes; \n stands for CRLF.
func (c *client) send(lines string) *client {
	c.t.Helper()
	return c.sendRaw(strings.ReplaceAll(lines, "\n", "\r\n"))
}

func (c *client) sendRaw(raw string) *client {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, raw); err != nil {
		c.t.Fatalf("send: %v", err)
	}
	return c
}

// want reads just as many bytes as want has and compares; \n stands for CRLF.
func (c *client) want(want string) *client {
	c.t.Helper()
	want = strings.ReplaceAll(want, "\n", "\r\n")
	got := make([]byte, len(want))
	n, err := io.ReadFull(c.conn, got)
	if string(got[:n]) != want {
		c.t.Fatalf("got %q (%v), want %q", got[:n], err, want)
	}
	return c
}

// wantEnd expects the server to close without another byte.
func (c *client) wantEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.conn); err != nil || len(rest) > 0 {
		c.t.Fatalf("got %q and %v, want the end", rest, err)
	}
}

// all reads up to the end.
func (c *client) all() string {
	c.t.Helper()
	all, err := io.ReadAll(c.conn)
	if err != nil {
		c.t.Fatalf("read: %v after %q", err, all)
	}
	return string(all)
}

// line reads a line.
func (c *client) line() string {
	c.t.Helper()
	var line []byte
	for one := make([]byte, 1); ; line = append(line, one[0]) {
		if _, err := c.conn.Read(one); err != nil {
			c.t.Fatalf("read: %v after %q", err, line)
		}
		if one[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r")
		}
	}
}

// restOfMessage reads the rest of a head and content of its length.
func (c *client) restOfMessage() string {
	c.t.Helper()
	length := 0
	for {
		line := c.line()
		if line == "" {
			break
		}
		fmt.Sscanf(line, "Content-Length: %d", &length)
	}
	content := make([]byte, length)
	if _, err := io.ReadFull(c.conn, content); err != nil {
		c.t.Fatal(err)
	}
	return string(content)
}

// chunkedContent reads chunked content without extensions and trailers.
func (c *client) chunkedContent() (content string) {
	c.t.Helper()
	for {
		var size int
		if _, err := fmt.Sscanf(c.line(), "%x", &size); err != nil {
			c.t.Fatal(err)
		}
		chunk := make([]byte, size)
		if _, err := io.ReadFull(c.conn, chunk); err != nil {
			c.t.Fatal(err)
		}
		content += string(chunk)
		c.want("\n")
		if size == 0 {
			return content
		}
	}
}

// wantSilence expects that nothing comes for a moment.
func (c *client) wantSilence() *client {
	c.t.Helper()
	return c.wantSilenceFor(50 * time.Millisecond)
}

// wantSilenceFor expects that nothing comes for so long.
func (c *client) wantSilenceFor(d time.Duration) *client {
	c.t.Helper()
	c.conn.SetReadDeadline(time.Now().Add(d))
	var one [1]byte
	n, err := c.conn.Read(one[:])
	if ne, ok := err.(net.Error); n > 0 || !ok || !ne.Timeout() {
		c.t.Fatalf("got %q and %v, want silence", one[:n], err)
	}
	c.conn.SetReadDeadline(time.Now().Add(patience))
	return c
}

// chunkReader reads chunked content without extensions and trailers.
type chunkReader struct {
	c    *client
	left int
}

func (r *chunkReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		if _, err := fmt.Sscanf(r.c.line(), "%x", &r.left); err != nil {
			return 0, err
		}
		if r.left == 0 {
			r.c.want("\n")
			return 0, io.EOF
		}
	}
	n, err := r.c.conn.Read(p[:min(len(p), r.left)])
	if r.left -= n; r.left == 0 {
		r.c.want("\n")
	}
	return n, err
}

// pattern is content in which every place looks different.
func pattern(at int) byte { return byte(at) ^ byte(at>>8) ^ byte(at>>16) }

// sendPattern sends size bytes of the pattern in pieces of many sizes. What it
// sends in chunks ends ahead of the trailers.
func sendPattern(w io.Writer, size int, chunked bool) error {
	piece := make([]byte, 0, 100_000)
	for at, step := 0, 1; at < size; step = step*7%99_991 + 1 {
		piece = piece[:min(step, size-at)]
		for i := range piece {
			piece[i] = pattern(at + i)
		}
		at += len(piece)
		out := piece
		if chunked {
			out = fmt.Appendf(nil, "%x\r\n%s\r\n", len(piece), piece)
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
	}
	if chunked {
		_, err := io.WriteString(w, "0\r\n")
		return err
	}
	return nil
}

// checkPattern reads size bytes of the pattern.
func checkPattern(r io.Reader, size int) error {
	buf := make([]byte, 64<<10)
	for at := 0; at < size; {
		n, err := r.Read(buf[:min(len(buf), size-at)])
		for i, b := range buf[:n] {
			if b != pattern(at+i) {
				return fmt.Errorf("byte %d is wrong", at+i)
			}
		}
		if at += n; err != nil && at < size {
			return fmt.Errorf("%w after %d bytes", err, at)
		}
	}
	return nil
}

// listen makes s serve on l; it returns where.
func listen(t testing.TB, l *loop.Loop, s *Server) string {
	t.Helper()
	accept := s.Acceptor(l)
	return looptest.Listen(t, l, func(c *loop.Conn) { accept(c, nil) }).String()
}
