//go:build poison

package loop_test

import (
	"bytes"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

func TestPoisonShowsAViewThatWasKept(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		buffer := l.Buffer(100)
		kept := buffer[copy(buffer, "x"):][:4]
		copy(kept, "name")
		l.Release(buffer)
		if want := []byte{0xDB, 0xDB, 0xDB, 0xDB}; !bytes.Equal(kept, want) {
			t.Errorf("the view still reads %q", kept)
		}

		near, far := l.NewPipe(100)
		l.Await(func() { far.Write([]byte("name")); far.Close() })
		view, _ := near.Next()
		near.Next()
		if want := []byte{0xDB, 0xDB, 0xDB, 0xDB}; !bytes.Equal(view, want) {
			t.Errorf("the view of a pipe still reads %q", view)
		}
		near.Close()
	})
}

func TestPoisonFindsABufferThatIsReleasedTwice(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		buffer := l.Buffer(100)
		l.Release(buffer)
		if !panics(func() { l.Release(buffer) }) {
			t.Error("nobody noticed")
		}
		l.Buffer(100) // makes up for the second release
	})
}

func TestPoisonFindsACallFromAnotherGoroutine(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		near, far := looptest.Both(t, l)
		var timer loop.Timer
		for name, f := range map[string]func(){
			"buffer": func() { l.Buffer(100) },
			"go":     func() { l.Go(&counter{}) },
			"arm":    func() { l.Arm(&timer, time.Second) },
			"read":   func() { near.TryRead(make([]byte, 1)) },
			"write":  func() { near.Write([]byte("x")) },
			"close":  func() { near.Close() },
		} {
			noticed := false
			l.Await(func() { noticed = panics(f) })
			if !noticed {
				t.Errorf("nobody noticed %s", name)
			}
		}
		near.Close()
		far.Close()
	})
}
