package loop_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/loop/looptest"
)

// segments returns how many TCP segments with data a connection has sent. Nagle's
// algorithm is off, so small writes leave as one segment for each system call.
func segments(t *testing.T, c *loop.Conn) int {
	t.Helper()
	info, err := unix.GetsockoptTCPInfo(c.FD(), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		t.Error(err)
		return 0
	}
	return int(info.Data_segs_out)
}

func TestCorkedOutputLeavesInOneSystemCall(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		near.SetWatcher(appender(func() {
			near.Append([]byte("from a watcher, "))
			near.Append([]byte("in two pieces"))
		}))
		piece := []byte("some bytes")
		for _, c := range []struct {
			name  string
			write func()
			want  int
		}{
			{"appends, sent when the coroutine parks", func() {
				for range 20 {
					near.Append(piece)
				}
				l.Yield()
			}, 1},
			{"appends, sent when the coroutine ends", func() {
				l.Go(loop.TaskFunc(func() {
					near.Append(piece)
					near.Append(piece)
				}))
				l.Yield()
			}, 1},
			{"appends and a head with its body", func() {
				near.Append(piece)
				near.Append(piece)
				near.Writev(piece, piece)
			}, 1},
			{"appends in a callback", func() {
				far.Write(piece)
				buffer := make([]byte, 100)
				if n, err := far.Read(buffer); string(buffer[:n]) != "from a watcher, in two pieces" {
					t.Errorf("the watcher wrote %q, %v", buffer[:n], err)
				}
			}, 1},
			{"writes, each for itself", func() {
				near.Write(piece)
				near.Write(piece)
			}, 2},
		} {
			before := segments(t, near)
			c.write()
			if n := segments(t, near) - before; n != c.want {
				t.Errorf("%s: %d system calls, want %d", c.name, n, c.want)
			}
			drain(l, far)
		}
		near.Close()
		far.Close()
	})
}

// appender is a watcher that answers, once.
type appender func()

func (f appender) ConnEvent(c *loop.Conn, e loop.Event) {
	if e == loop.Readable {
		c.SetWatcher(nil)
		f()
	}
}

// drain reads what has come.
func drain(l *loop.Loop, c *loop.Conn) {
	l.Yield() // the events of what was written last
	for buffer := make([]byte, 1000); ; {
		if _, err := c.TryRead(buffer); err != nil {
			return
		}
	}
}
