// Package looptest gives tests a running loop and connections on it, and fails
// those that leave coroutines, connections or buffers behind.
package looptest

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"pingap/loop"
)

// limit is how long a test's coroutine may take: long enough for a loaded
// machine, short enough to see which test hangs.
const limit = 60 * time.Second

// Run calls f in a coroutine of a fresh loop, ends the loop when f has
// returned, and fails the test if f left something behind on it. f reports
// failures by t.Error, since t.Fatal ends the loop's goroutine under it; Run
// makes up for that, but then cannot check for leaks.
func Run(t testing.TB, f func(l *loop.Loop)) {
	t.Helper()
	l := New(t)
	finished := make(chan string, 1)
	l.Post(func() {
		l.Go(loop.TaskFunc(func() {
			f(l)
			finished <- leaks(l)
		}))
	})
	select {
	case left := <-finished:
		if left != "" {
			t.Errorf("left behind on the loop: %s", left)
		}
	case <-l.Done():
		if !t.Failed() {
			t.Error("the loop ended before the test")
		}
	case <-time.After(limit):
		t.Fatalf("the test's coroutine did not end within %v", limit)
	}
}

// leaks lets the loop settle and describes it if there is still something
// besides the asking coroutine.
func leaks(l *loop.Loop) string {
	for range 100 {
		if s := l.Stats(); s.Conns == 0 && s.Coroutines == 1 && s.Buffers == 0 {
			return ""
		}
		l.Sleep(10 * time.Millisecond)
	}
	var left strings.Builder
	l.Dump(&left, 20)
	return left.String()
}

// New starts a loop that ends with the test. A panic on it fails the test.
func New(t testing.TB) *loop.Loop {
	t.Helper()
	return Start(t, loop.Options{})
}

// Start is New with options; OnPanic is the test's.
func Start(t testing.TB, o loop.Options) *loop.Loop {
	t.Helper()
	if o.OnPanic == nil {
		o.OnPanic = func(value any, stack []byte) { t.Errorf("panic on the loop: %v\n%s", value, stack) }
	}
	l, err := loop.New(o)
	if err != nil {
		t.Fatal(err)
	}
	go l.Run()
	t.Cleanup(func() {
		l.Stop()
		<-l.Done()
	})
	return l
}

// Do runs f in a coroutine of l and waits, on an ordinary goroutine, until it
// has returned.
func Do(t testing.TB, l *loop.Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	l.Post(func() {
		l.Go(loop.TaskFunc(func() {
			defer close(done)
			f()
		}))
	})
	select {
	case <-done:
	case <-l.Done():
		t.Fatal("the loop ended under the test")
	case <-time.After(limit):
		t.Fatalf("the test's coroutine did not end within %v", limit)
	}
}

// Listen makes l accept on a loopback port until the test ends, and returns
// its address. It may be called from any goroutine but the loop's.
func Listen(t testing.TB, l *loop.Loop, accept func(*loop.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := loop.Listen(Loopback, loop.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var a *loop.Acceptor
	Do(t, l, func() {
		if a, err = l.Accept(ln, accept, nil); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		// Registered after the loop's own end, so it runs before that.
		closed := make(chan struct{})
		if l.Post(func() { a.Close(); close(closed) }) {
			select {
			case <-closed:
			case <-l.Done():
			}
		}
		ln.Close()
	})
	return ln.Addr().TCP
}
