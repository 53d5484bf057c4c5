package loop_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

// randomBytes returns n bytes that are the same in each run.
func randomBytes(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(data)
	return data
}

func TestPipeCarriesBytesBothWays(t *testing.T) {
	want := randomBytes(1 << 20)
	for _, limit := range []int{1, 7, 4096, 64 << 10} {
		size := len(want)
		if limit < 10 {
			size = 1000 // a byte at a time is slow
		}
		want := want[:size]
		looptest.Run(t, func(l *loop.Loop) {
			near, far := l.NewPipe(limit)
			go func() { // the far end echoes
				io.Copy(far, far)
				far.CloseWrite()
			}()
			l.Go(loop.TaskFunc(func() {
				rng := rand.New(rand.NewPCG(1, 2))
				for rest := want; len(rest) > 0; {
					n := min(len(rest), 1+rng.IntN(100_000))
					if _, err := near.Write(rest[:n]); err != nil {
						t.Error(err)
					}
					rest = rest[n:]
				}
				near.CloseWrite()
			}))
			var got []byte
			for {
				view, err := near.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Error(err)
					break
				}
				got = append(got, view...)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("limit %d: %d bytes came back that are not the %d sent", limit, len(got), len(want))
			}
			near.Close()
		})
	}
}

func TestPipeHoldsNoMoreThanItsLimit(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		const limit = 1000
		near, far := l.NewPipe(limit)
		near.SetWriteDeadlineAt(l.Now() + int64(time.Millisecond))
		if n, err := near.Write(make([]byte, 5*limit)); n != limit || err != os.ErrDeadlineExceeded {
			t.Errorf("wrote %d bytes, %v into a pipe that nobody reads, want %d and the deadline", n, err, limit)
		}
		wrote := make(chan int)
		go func() {
			n, _ := far.Write(make([]byte, 5*limit))
			wrote <- n
		}()
		view, err := near.Next()
		if len(view) > limit || err != nil {
			t.Errorf("a view of %d bytes, %v", len(view), err)
		}
		near.Close()
		if n := <-wrote; n > 2*limit {
			t.Errorf("%d bytes went into a pipe of %d of which one view was read", n, limit)
		}
	})
}

func TestPipeEndsWithWhatItsEndsSay(t *testing.T) {
	broken := errors.New("broken")
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct {
			name        string
			close       func(near *loop.Pipe, far *loop.FarEnd)
			read, write error // what the other end gets
			byFar       bool
		}{
			{"near closes", func(near *loop.Pipe, _ *loop.FarEnd) { near.Close(); near.Close() }, io.EOF, io.ErrClosedPipe, false},
			{"near fails", func(near *loop.Pipe, _ *loop.FarEnd) { near.CloseWithError(broken) }, broken, broken, false},
			{"far closes", func(_ *loop.Pipe, far *loop.FarEnd) { far.Close(); far.Close() }, io.EOF, io.ErrClosedPipe, true},
			{"far fails", func(_ *loop.Pipe, far *loop.FarEnd) { far.CloseWithError(broken) }, broken, broken, true},
		} {
			near, far := l.NewPipe(100)
			near.Write([]byte("near"))
			l.Await(func() { far.Write([]byte("far")) })
			c.close(near, far)
			var got [100]byte
			var n int
			var readErr, writeErr error
			if c.byFar {
				view, err := near.Next()
				n = copy(got[:], view)
				if err != nil {
					t.Errorf("%s: reading what had been written: %v", c.name, err)
				}
				_, readErr = near.Next()
				_, writeErr = near.Write(got[:])
			} else {
				l.Await(func() {
					n, _ = far.Read(got[:])
					_, readErr = far.Read(got[:])
					_, writeErr = far.Write(got[:])
				})
			}
			if want := map[bool]string{true: "far", false: "near"}[c.byFar]; string(got[:n]) != want {
				t.Errorf("%s: the other end read %q first, want %q", c.name, got[:n], want)
			}
			if readErr != c.read || writeErr != c.write {
				t.Errorf("%s: the other end got %v and %v, want %v and %v", c.name, readErr, writeErr, c.read, c.write)
			}
			near.Close()
		}
	})
}

func TestPipeParkEndsByDeadlineCancelAndClose(t *testing.T) {
	gone := errors.New("gone")
	looptest.Run(t, func(l *loop.Loop) {
		near, far := l.NewPipe(10)
		near.SetReadDeadlineAt(l.Now() + int64(20*time.Millisecond))
		if _, err := near.Next(); err != os.ErrDeadlineExceeded {
			t.Errorf("at the deadline: %v", err)
		}
		near.SetReadDeadlineAt(0)
		ended := 0
		reader := l.Go(loop.TaskFunc(func() {
			if _, err := near.Next(); err != gone {
				t.Errorf("when canceled: %v", err)
			}
			ended++
		}))
		l.Yield()
		reader.Cancel(gone)
		l.Yield()
		l.Go(loop.TaskFunc(func() {
			if _, err := near.Next(); err != io.ErrClosedPipe {
				t.Errorf("when closed by its own side: %v", err)
			}
			ended++
		}))
		l.Yield()
		near.Close()
		for ended < 2 {
			l.Yield()
		}
		far.Close()
	})
}

func TestFarEndsDoNotOutliveTheirLoop(t *testing.T) {
	l := looptest.New(t)
	ended := make(chan error, 2)
	looptest.Do(t, l, func() {
		_, far := l.NewPipe(10)
		go func() {
			_, err := far.Write(make([]byte, 100))
			ended <- err
		}()
		go func() {
			_, err := far.Read(make([]byte, 100))
			ended <- err
		}()
	})
	l.Stop()
	for range 2 {
		if err := <-ended; err != loop.ErrStopped {
			t.Errorf("want ErrStopped, got %v", err)
		}
	}
}

func BenchmarkPipe(b *testing.B) {
	data := make([]byte, 16<<10)
	b.SetBytes(int64(len(data)))
	l := looptest.New(b)
	looptest.Do(b, l, func() {
		near, far := l.NewPipe(64 << 10)
		done := make(chan struct{})
		go func() { io.Copy(io.Discard, far); close(done) }()
		for b.Loop() {
			near.Write(data)
		}
		near.Close()
		l.Await(func() { <-done })
	})
}
