package loop_test

import (
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
)

// rush uses many buffers of each size and many coroutines at a time.
func rush(l *loop.Loop) {
	const many = 500
	var buffers [][]byte
	for _, size := range []int{4 << 10, 16 << 10, 64 << 10, 256 << 10} {
		for range (8 << 20) / size {
			buffers = append(buffers, l.Buffer(size))
		}
	}
	for _, b := range buffers {
		l.Release(b)
	}
	parked := make([]*loop.Coroutine, many)
	for i := range parked {
		parked[i] = l.Go(loop.TaskFunc(func() { l.Park() }))
	}
	l.Yield()
	for _, co := range parked {
		co.Wake()
	}
	l.Yield()
}

func TestWhatARushLeavesIsGivenBackWhenNobodyNeedsIt(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		rush(l)
		if l.Kept() < 32<<20 || l.Stats().Pooled < 400 {
			t.Errorf("%d bytes and %d coroutines are kept after a rush", l.Kept(), l.Stats().Pooled)
		}
		l.DropSurplus() // begins to count
		rush(l)
		l.DropSurplus()
		if l.Kept() < 32<<20 || l.Stats().Pooled < 400 {
			t.Errorf("%d bytes and %d coroutines are kept of what has been needed lately", l.Kept(), l.Stats().Pooled)
		}
		l.DropSurplus()
		if l.Kept() > 4<<20 || l.Stats().Pooled > 64 {
			t.Errorf("%d bytes and %d coroutines are kept that nobody has needed", l.Kept(), l.Stats().Pooled)
		}
		rush(l) // what is left is as good as new
	})
}
