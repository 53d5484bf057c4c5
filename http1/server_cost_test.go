//go:build !race

// Under the race detector everything costs more.

package http1

import (
	"io"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"pingap/loop"
	"pingap/message"
)

// fixed answers with a few bytes and allocates nothing.
type fixed struct{ body message.BytesBody }

func (f *fixed) Serve(x *message.Exchange) error {
	f.body.Data = answer
	x.Response.Status = 200
	x.Response.Header.Add("Content-Type", "text/plain")
	x.Response.Length, x.Response.Body = int64(len(answer)), &f.body
	return nil
}

var answer = []byte("pong")

// exchanger returns what carries one exchange over a connection to s.
func exchanger(c *client) func() {
	request := []byte(wire(typicalHead))
	buf := make([]byte, 4096)
	return func() {
		if _, err := c.conn.Write(request); err != nil {
			c.t.Fatal(err)
		}
		if n, err := c.conn.Read(buf); err != nil || string(buf[n-4:n]) != "pong" {
			c.t.Fatalf("%q, %v", buf[:n], err)
		}
	}
}

func TestServingARequestTakesNoMemory(t *testing.T) {
	exchange := exchanger(serve(t, &Server{Handler: &fixed{}, KeepAliveRequests: 1 << 30}).dial())
	for range 100 {
		exchange()
	}
	if n := testing.AllocsPerRun(1000, exchange); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEchoingContentTakesNoMemory(t *testing.T) {
	c := serve(t, &Server{KeepAliveRequests: 1 << 30, Handler: message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 200
		x.Response.Length, x.Response.Body = x.Request.Length, x.Request.Body
		return nil
	})}).dial()
	request := []byte(wire("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n"))
	buf := make([]byte, 4096)
	exchange := func() {
		c.conn.Write(request)
		for n := 0; n < 5 || string(buf[n-5:n]) != "0\r\n\r\n"; {
			m, err := c.conn.Read(buf[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += m
		}
	}
	for range 100 {
		exchange()
	}
	if n := testing.AllocsPerRun(1000, exchange); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// An idle connection is its loop.Conn and a serverConn.
func TestIdleConnectionIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(serverConn{}) + unsafe.Sizeof(loop.Conn{}); size > 700 {
		t.Errorf("%d bytes: serverConn %d, loop.Conn %d", size, unsafe.Sizeof(serverConn{}), unsafe.Sizeof(loop.Conn{}))
	}
}

func TestIdleConnectionsHoldNeitherBufferNorCoroutine(t *testing.T) {
	s := serve(t, &Server{Handler: &fixed{}})
	for range 50 {
		exchanger(s.dial())()
	}
	var stats loop.Stats
	for range 500 {
		done := make(chan bool)
		s.loop.Post(func() { stats = s.loop.Stats(); close(done) })
		<-done
		if stats.Buffers == 0 && stats.Coroutines == 0 {
			break
		}
		time.Sleep(time.Millisecond) // sleep: between two looks, a bounded number of times
	}
	if stats.Conns != 50 || stats.Buffers != 0 || stats.Coroutines != 0 {
		t.Errorf("%+v", stats)
	}
}

func BenchmarkServer(b *testing.B) {
	exchange := exchanger(serve(b, &Server{Handler: &fixed{}, KeepAliveRequests: 1 << 30}).dial())
	b.ReportAllocs()
	for b.Loop() {
		exchange()
	}
}

// Pipelined requests show what serving costs beside the system calls.
func BenchmarkServerPipelined(b *testing.B) {
	const depth = 64
	c := serve(b, &Server{Handler: &fixed{}, KeepAliveRequests: 1 << 30}).dial()
	var requests []byte
	for range depth {
		requests = append(requests, wire(typicalHead)...)
	}
	c.conn.Write([]byte(wire(typicalHead)))
	buf := make([]byte, 1<<20)
	size, err := c.conn.Read(buf)
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	b.ReportAllocs()
	for n := 0; n < b.N; n += depth {
		if _, err := c.conn.Write(requests); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c.conn, buf[:depth*size]); err != nil {
			b.Fatal(err)
		}
	}
}
