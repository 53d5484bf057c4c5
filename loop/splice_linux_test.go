package loop_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pingap/loop"
	"pingap/loop/looptest"
)

// relay is two connections of a loop, between which bytes are spliced, with
// their far ends.
type relay struct {
	src, dst         *loop.Conn
	source, receiver net.Conn
}

func newRelay(t *testing.T, l *loop.Loop) *relay {
	r := &relay{}
	r.src, r.source = looptest.Pair(t, l)
	r.dst, r.receiver = looptest.Pair(t, l)
	return r
}

func (r *relay) close() {
	r.src.Abort()
	r.dst.Abort()
}

// receive reads what arrives up to the end, on a goroutine.
func (r *relay) receive() <-chan []byte {
	got := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(r.receiver)
		got <- all
	}()
	return got
}

func TestSpliceMovesAllBytesBehindWhatIsPending(t *testing.T) {
	data := randomBytes(10 << 20)
	looptest.Run(t, func(l *loop.Loop) {
		for _, n := range []int64{0, 1, 5 << 20, int64(len(data)), -1} {
			r := newRelay(t, l)
			got := r.receive()
			sent := make(chan error, 1)
			go func() {
				_, err := r.source.Write(data)
				r.source.(*net.TCPConn).CloseWrite()
				sent <- err
			}()
			r.dst.Append([]byte("head"))
			want := n
			if n < 0 {
				want = int64(len(data))
			}
			if moved, err := l.Splice(r.dst, r.src, n, loop.SpliceLimits{}); moved != want || err != nil {
				t.Errorf("moved %d of %d: %v", moved, want, err)
			}
			r.dst.Write([]byte("tail"))
			r.dst.Close()
			r.src.Abort()
			l.Await(func() { <-sent })
			var all []byte
			l.Await(func() { all = <-got })
			if !bytes.Equal(all, slicesJoin("head", data[:want], "tail")) {
				t.Errorf("%d: %d bytes arrived that are not those sent", n, len(all))
			}
		}
	})
}

func slicesJoin(head string, body []byte, tail string) []byte {
	return append(append([]byte(head), body...), tail...)
}

func TestSpliceTellsAnEndThatComesTooEarly(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		r := newRelay(t, l)
		defer r.close()
		l.Await(func() { r.source.Write([]byte("four")); r.source.Close() })
		if moved, err := l.Splice(r.dst, r.src, 5, loop.SpliceLimits{}); moved != 4 || err != io.ErrUnexpectedEOF {
			t.Errorf("moved %d, %v, want 4 and an unexpected end", moved, err)
		}
	})
}

func TestSpliceEndsWithAResetOfEitherSide(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		r := newRelay(t, l)
		l.Await(func() { r.source.(*net.TCPConn).SetLinger(0); r.source.Close() })
		if _, err := l.Splice(r.dst, r.src, -1, loop.SpliceLimits{}); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("source resets: %v", err)
		}
		r.close()

		r = newRelay(t, l)
		go func() {
			r.receiver.Read(make([]byte, 1))
			r.receiver.(*net.TCPConn).SetLinger(0)
			r.receiver.Close()
		}()
		go func() {
			for b := make([]byte, 64<<10); ; {
				if _, err := r.source.Write(b); err != nil {
					return
				}
			}
		}()
		if moved, err := l.Splice(r.dst, r.src, -1, loop.SpliceLimits{}); !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.EPIPE) || moved == 0 {
			t.Errorf("receiver resets: moved %d, %v", moved, err)
		}
		r.close()
	})
}

func TestSpliceKeepsTheDeadlinesOfBothSides(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		r := newRelay(t, l)
		r.src.SetReadDeadlineAt(l.Now() + int64(20*time.Millisecond))
		if _, err := l.Splice(r.dst, r.src, -1, loop.SpliceLimits{}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("silent source: %v", err)
		}
		r.close()

		r = newRelay(t, l)
		ended := make(chan struct{})
		go func() {
			io.Copy(r.source, zeros{})
			close(ended)
		}()
		r.dst.SetWriteDeadlineAt(l.Now() + int64(200*time.Millisecond))
		if _, err := l.Splice(r.dst, r.src, -1, loop.SpliceLimits{}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("receiver that does not read: %v", err)
		}
		r.close()
		l.Await(func() { <-ended })
	})
}

func TestSpliceIsCanceled(t *testing.T) {
	gone := errors.New("gone")
	looptest.Run(t, func(l *loop.Loop) {
		r := newRelay(t, l)
		ended := make(chan struct{})
		go func() {
			io.Copy(r.source, zeros{})
			close(ended)
		}()
		var moved int64
		var err error
		done := false
		co := l.Go(loop.TaskFunc(func() {
			moved, err = l.Splice(r.dst, r.src, -1, loop.SpliceLimits{})
			done = true
		}))
		for !r.dst.Stuck() {
			l.Sleep(time.Millisecond)
		}
		co.Cancel(gone)
		for !done {
			l.Yield()
		}
		if !errors.Is(err, gone) || moved == 0 {
			t.Errorf("moved %d, %v", moved, err)
		}
		r.close()
		l.Await(func() { <-ended })
	})
}

func TestASilentSpliceHoldsNoPipe(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		before := descriptors(t)
		var relays []*relay
		ended := 0
		for range 5 {
			r := newRelay(t, l)
			relays = append(relays, r)
			l.Go(loop.TaskFunc(func() {
				l.Splice(r.dst, r.src, -1, loop.SpliceLimits{})
				ended++
			}))
		}
		for _, r := range relays {
			got := make([]byte, 4)
			l.Await(func() { r.source.Write([]byte("ping")); io.ReadFull(r.receiver, got) })
		}
		l.Sleep(time.Millisecond)
		if pipes := descriptors(t) - before - 4*len(relays); pipes > 2 {
			t.Errorf("five splices, one after the other, hold %d descriptors of pipes, want those of one", pipes)
		}
		for _, r := range relays {
			r.close()
		}
		for ended < len(relays) {
			l.Yield()
		}
	})
}

func TestSpliceSaysWhenItHasNoPipe(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		r := newRelay(t, l)
		defer r.close()
		l.Await(func() { r.source.Write([]byte("data")) })
		restore := withoutDescriptors(t)
		moved, err := l.Splice(r.dst, r.src, 4, loop.SpliceLimits{})
		restore()
		if moved != 0 || !errors.Is(err, errors.ErrUnsupported) || !errors.Is(err, unix.EMFILE) {
			t.Errorf("moved %d, %v", moved, err)
		}
		buffer := make([]byte, 10)
		if n, err := r.src.Read(buffer); string(buffer[:n]) != "data" || err != nil {
			t.Errorf("then read %q, %v: nothing must be lost", buffer[:n], err)
		}
	})
}
