package loop_test

import (
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

func TestStopBeforeRunEndsItAtOnce(t *testing.T) {
	l, err := loop.New(loop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l.Stop()
	l.Stop()
	l.Run()
	if l.Post(func() {}) {
		t.Error("a loop that has ended took a post")
	}
}

func TestCloseReleasesALoopThatNeverRan(t *testing.T) {
	l, err := loop.New(loop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ran := false
	l.Post(func() { ran = true })
	l.Close()
	<-l.Done()
	if !ran {
		t.Error("a post that was taken did not run")
	}
}

// A loop may give a connection to another that is just ending.
func TestConnectionThatIsAttachedByTheLastPostIsClosed(t *testing.T) {
	first := looptest.New(t)
	second, err := loop.New(loop.Options{ID: 1})
	if err != nil {
		t.Fatal(err)
	}
	var near, far *loop.Conn
	looptest.Do(t, first, func() {
		near, far = looptest.Both(t, first)
		if err := near.Detach(); err != nil {
			t.Error(err)
		}
	})
	second.Post(func() {
		second.Go(loop.TaskFunc(func() {
			second.Park() // until the loop ends
			second.Post(func() { second.Attach(near) })
		}))
		second.Stop()
	})
	second.Run()
	looptest.Do(t, first, func() {
		defer far.Close()
		far.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := far.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the other end sees %v, want the end", err)
		}
	})
}

func TestAwaitAfterStopReturnsAndItsCoroutineEnds(t *testing.T) {
	l := looptest.New(t)
	ended := make(chan error, 2)
	release := make(chan struct{})
	parked := make(chan struct{})
	l.Post(func() {
		l.Go(loop.TaskFunc(func() { // is in Await when the loop stops
			l.Await(func() { close(parked); <-release })
			ended <- l.Sleep(time.Hour)
		}))
		l.Go(loop.TaskFunc(func() { // goes there to clean up
			err := l.Park()
			l.Await(func() { close(release) })
			ended <- err
		}))
	})
	<-parked
	l.Stop()
	<-l.Done()
	for range 2 {
		select {
		case err := <-ended:
			if err != loop.ErrStopped {
				t.Errorf("got %v, want ErrStopped", err)
			}
		default:
			t.Fatal("a coroutine did not come to its end")
		}
	}
}

// A loop is stopped while it has one of everything. Each coroutine must come to
// its end with an error; TestMain looks for what is left open.
func TestStopWithEverythingInFlight(t *testing.T) {
	l := looptest.New(t)
	path := filepath.Join(t.TempDir(), "full")
	ended := make(chan string, 20)
	release := make(chan struct{})
	tasks := map[string]func() error{}
	started := 0
	looptest.Do(t, l, func() {
		ln, err := loop.Listen(looptest.Loopback, loop.ListenOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { ln.Close() })
		full, err := loop.Listen(loop.Addr{Path: path}, loop.ListenOptions{Backlog: 1})
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { full.Close() })
		for range 2 { // the backlog and one more
			if _, err := l.Dial(full.Addr(), nil); err != nil {
				t.Error(err)
			}
		}
		idle, idleToo := looptest.Both(t, l)
		idle.SetIdleTimeout(time.Hour)
		idle.SetWatcher(&echo{idle})
		idleToo.Append([]byte("corked"))
		stuck, _ := looptest.Both(t, l)
		silent, _ := looptest.Both(t, l)
		from, _ := looptest.Both(t, l)
		to, _ := looptest.Both(t, l)
		pipe, far := l.NewPipe(100)
		go io.Copy(io.Discard, far)
		if _, err := l.Accept(ln, func(*loop.Conn) {}, nil); err != nil {
			t.Error(err)
		}
		tasks = map[string]func() error{
			"read":   func() error { _, err := silent.Read(make([]byte, 1)); return err },
			"write":  func() error { _, err := stuck.Write(make([]byte, 64<<20)); return err },
			"splice": func() error { _, err := l.Splice(to, from, -1, loop.SpliceLimits{}); return ignoreUnsupported(err) },
			"dial":   func() error { _, err := l.Dial(full.Addr(), nil); return err },
			"sleep":  func() error { return l.Sleep(time.Hour) },
			"park":   l.Park,
			"yield": func() error {
				for l.Current().Canceled() == nil {
					l.Yield()
				}
				return l.Park()
			},
			"await": func() error { l.Await(func() { <-release }); return l.Park() },
			"pipe":  func() error { _, err := pipe.Next(); pipe.CloseWithError(err); return err },
		}
		for name, task := range tasks {
			l.Go(loop.TaskFunc(func() {
				started++
				if err := task(); !errors.Is(err, loop.ErrStopped) {
					t.Errorf("%s: got %v, want ErrStopped", name, err)
				}
				ended <- name
			}))
		}
		for started < len(tasks) {
			l.Yield()
		}
		l.Sleep(20 * time.Millisecond)
	})
	l.Stop()
	close(release)
	<-l.Done()
	if len(ended) != len(tasks) {
		t.Errorf("%d of %d coroutines came to their end", len(ended), len(tasks))
	}
}

// ignoreUnsupported is for systems without Splice, where it does not wait.
func ignoreUnsupported(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return loop.ErrStopped
	}
	return err
}

func TestGoexitInACoroutineLeavesNothingOpen(t *testing.T) {
	l, err := loop.New(loop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	other := make(chan error, 1)
	l.Post(func() {
		l.Go(loop.TaskFunc(func() { other <- l.Park() }))
		l.Go(loop.TaskFunc(runtime.Goexit))
	})
	go l.Run()
	<-l.Done()
	if err := <-other; err != loop.ErrStopped {
		t.Errorf("another coroutine got %v, want ErrStopped", err)
	}
}
