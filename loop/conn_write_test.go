package loop_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

func TestSlowReaderStopsTheWriterWithinBounds(t *testing.T) {
	piece := randomBytes(10_000)
	const pieces = 2000
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		ended := false
		l.Go(loop.TaskFunc(func() {
			for range pieces {
				if _, err := near.Append(piece); err != nil {
					t.Error(err)
				}
			}
			near.CloseWrite()
			ended = true
		}))
		for !near.Stuck() {
			l.Sleep(time.Millisecond)
		}
		if near.Pending() > 64<<10 || l.Stats().Buffers > 1 {
			t.Errorf("%d bytes in %d buffers wait for a peer that does not read", near.Pending(), l.Stats().Buffers)
		}
		var got []byte
		l.Await(func() { got, _ = io.ReadAll(far) })
		if !bytes.Equal(got, bytes.Repeat(piece, pieces)) {
			t.Errorf("%d bytes arrived that are not those written", len(got))
		}
		if !ended {
			t.Error("the writer has not come to its end")
		}
		near.Close()
	})
}

func TestOutputLeavesInOrderWhateverMethodWroteIt(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		got := make(chan []byte)
		go func() {
			all, _ := io.ReadAll(far)
			got <- all
		}()
		data := randomBytes(20 << 20)
		rest := data
		take := func(n int) []byte {
			n = min(n, len(rest))
			var p []byte
			p, rest = rest[:n], rest[n:]
			return p
		}
		for i := 0; len(rest) > 0; i++ {
			switch size := i * 7919 % 150_000; i % 5 {
			case 0:
				near.Append(take(size))
			case 1:
				near.Write(take(size))
			case 2:
				near.Writev(take(size), take(size/3))
			case 3:
				near.SetOutput(append(near.Output(size), take(size)...))
			case 4:
				near.Append(take(size % 1000))
				l.Yield()
			}
		}
		if err := near.Flush(); err != nil {
			t.Error(err)
		}
		near.Close()
		var all []byte
		l.Await(func() { all = <-got })
		if !bytes.Equal(all, data) {
			t.Errorf("%d bytes arrived that are not the %d written", len(all), len(data))
		}
	})
}

// A connection stays usable for output while another coroutine drains it: that
// is how TLS writes.
func TestOutputGrowsWhileAnotherCoroutineFlushes(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Pair(t, l)
		var want []byte
		add := func(n int) {
			p := randomBytes(n)
			want = append(want, p...)
			near.SetOutput(append(near.Output(n), p...))
		}
		add(16 << 20)
		flushed := false
		l.Go(loop.TaskFunc(func() {
			if err := near.Flush(); err != nil {
				t.Error(err)
			}
			flushed = true
		}))
		for !near.Stuck() {
			l.Sleep(time.Millisecond)
		}
		add(1000)
		add(100_000)
		var got []byte
		l.Await(func() {
			got = make([]byte, len(want))
			io.ReadFull(far, got)
		})
		for !flushed {
			l.Sleep(time.Millisecond)
		}
		if !bytes.Equal(got, want) {
			t.Error("what arrived is not what was written")
		}
		near.Close()
	})
}

// marked is a layer that marks the end.
type marked struct{ conn *loop.Conn }

const endMark = "<end>"

func (m marked) Open(p []byte) (int, error) { return m.conn.TryReadRaw(p) }
func (m marked) Seal(p []byte) error        { m.conn.AppendRaw(p); return nil }
func (m marked) SealEnd() error             { m.conn.AppendRaw([]byte(endMark)); return nil }

// A Write that gives others a turn may find its connection closed by one of them: it
// has failed then, and no layer says that this is the end.
func TestAWriteThatIsCutInItsMiddleFails(t *testing.T) {
	const size = 64 << 20
	for name, end := range map[string]func(*loop.Conn){"close": func(c *loop.Conn) { c.Close() }, "abort": (*loop.Conn).Abort} {
		for _, layered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, layer %v", name, layered), func(t *testing.T) {
				var far net.Conn
				looptest.Run(t, func(l *loop.Loop) {
					var near *loop.Conn
					near, far = looptest.Pair(t, l)
					if layered {
						near.SetLayer(marked{near})
					}
					read := make(chan []byte)
					go func() {
						all, _ := io.ReadAll(far)
						read <- all
					}()
					var sent int
					var err error
					done := false
					l.Go(loop.TaskFunc(func() {
						sent, err = near.Write(make([]byte, size))
						done = true
					}))
					l.Yield()
					for near.Stuck() { // until it has yielded instead of waiting
						l.Yield()
					}
					if done {
						t.Fatal("all has been written at once")
					}
					end(near)
					for !done {
						l.Yield()
					}
					if err == nil || sent >= size {
						t.Errorf("%d bytes of %d are written (%v)", sent, size, err)
					}
					var got []byte
					l.Await(func() { got = <-read })
					if bytes.HasSuffix(got, []byte(endMark)) {
						t.Error("the peer is told that it has all")
					}
				})
			})
		}
	}
}
