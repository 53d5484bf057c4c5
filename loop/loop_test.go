package loop_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

// echo serves a connection by sending back what comes.
type echo struct{ c *loop.Conn }

func (e *echo) ConnEvent(c *loop.Conn, ev loop.Event) {
	if ev == loop.Readable {
		c.SetWatcher(nil)
		c.Loop().Start(e)
	}
}

func (e *echo) Run() {
	defer e.c.Close()
	buffer := e.c.Loop().Buffer(16 << 10)
	defer e.c.Loop().Release(buffer)
	for {
		n, err := e.c.Read(buffer)
		if err != nil {
			return
		}
		if _, err := e.c.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestEchoOverManyConnectionsReturnsWhatWasSent(t *testing.T) {
	l := looptest.New(t)
	addr := looptest.Listen(t, l, func(c *loop.Conn) { c.SetWatcher(&echo{c}) })
	done := make(chan error, 50)
	for i := range 50 {
		go func() {
			c, err := net.Dial("tcp", addr.String())
			if err != nil {
				done <- err
				return
			}
			defer c.Close()
			want := bytes.Repeat([]byte{byte(i)}, 300_000)
			go func() { c.Write(want); c.(*net.TCPConn).CloseWrite() }()
			got, err := io.ReadAll(c)
			if err == nil && !bytes.Equal(got, want) {
				t.Errorf("connection %d: %d bytes came back, %d sent, or others", i, len(got), len(want))
			}
			done <- err
		}()
	}
	for range 50 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestSleepLastsAtLeastItsTime(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		begin := time.Now()
		if err := l.Sleep(30 * time.Millisecond); err != nil {
			t.Error(err)
		}
		if d := time.Since(begin); d < 30*time.Millisecond {
			t.Errorf("slept %v", d)
		}
	})
}

func TestAwaitReturnsAfterItsFunction(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		ran := false
		l.Await(func() { ran = true })
		if !ran {
			t.Error("Await returned before its function ran")
		}
	})
}

func TestPairCarriesBytesBothWays(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		defer near.Close()
		near.Append([]byte("hel"))
		near.Write([]byte("lo"))
		got := make([]byte, 5)
		l.Await(func() { io.ReadFull(far, got); far.Write([]byte("world")); far.Close() })
		if string(got) != "hello" {
			t.Errorf("far end got %q", got)
		}
		buffer := make([]byte, 100)
		n, err := near.Read(buffer)
		if string(buffer[:n]) != "world" || err != nil {
			t.Errorf("near end got %q, %v", buffer[:n], err)
		}
		if _, err := near.Read(buffer); err != io.EOF {
			t.Errorf("want EOF, got %v", err)
		}
	})
}
