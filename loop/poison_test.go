//go:build poison

package loop_test

import (
	"bytes"
	"testing"

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
