package loop_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
)

func TestPostStormRunsEachPostOnceInOrderAndLeavesTurnsToSockets(t *testing.T) {
	const (
		posters = 8
		pings   = 200
	)
	l := looptest.New(t)
	var over atomic.Bool
	var storm sync.WaitGroup
	posted, last := [posters]int{}, [posters]int{}
	for p := range posters {
		storm.Go(func() {
			for i := 1; !over.Load(); i++ {
				posted[p] = i
				if !l.Post(func() {
					if last[p] != i-1 {
						t.Errorf("poster %d: post %d ran after %d", p, i, last[p])
					}
					last[p] = i
				}) {
					t.Error("a running loop took no post")
				}
			}
		})
	}
	looptest.Do(t, l, func() {
		near, far := looptest.Both(t, l)
		l.Go(&echo{far})
		for range pings {
			near.Write([]byte("ping"))
			if _, err := near.Read(make([]byte, 10)); err != nil {
				t.Error(err)
			}
		}
		over.Store(true)
		near.Close()
	})
	storm.Wait()
	looptest.Do(t, l, func() {}) // all posts have run before this
	if posted != last {
		t.Errorf("of %v posts %v ran", posted, last)
	}
}

// Posts race with the loop's end: each either runs or is refused.
func TestPostsAtTheEndOfALoopRunOrAreRefused(t *testing.T) {
	for range 20 {
		l, err := loop.New(loop.Options{})
		if err != nil {
			t.Fatal(err)
		}
		go l.Run()
		taken, ran := [4]int{}, 0
		var storm sync.WaitGroup
		for p := range taken {
			storm.Go(func() {
				for l.Post(func() { ran++ }) {
					taken[p]++
					runtime.Gosched()
				}
			})
		}
		l.Stop()
		storm.Wait()
		<-l.Done()
		if sum := taken[0] + taken[1] + taken[2] + taken[3]; sum != ran {
			t.Errorf("%d posts were taken, %d ran", sum, ran)
		}
	}
}

// What a fast stream may move between two turns of anybody else.
const share = 256 << 10

func TestAFastStreamLeavesTurnsToOthers(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		const size = 256 << 20
		stream, source := looptest.Both(t, l)
		moved, ended := 0, 0
		l.Go(loop.TaskFunc(func() { // sends
			block := make([]byte, 1<<20)
			for range size / len(block) {
				if _, err := source.Write(block); err != nil {
					t.Error(err)
				}
			}
			ended++
		}))
		l.Go(loop.TaskFunc(func() { // receives
			buffer := l.Buffer(64 << 10)
			defer l.Release(buffer)
			for moved < size {
				n, err := stream.Read(buffer)
				if err != nil {
					t.Error(err)
					break
				}
				moved += n
			}
			ended++
		}))
		near, far := looptest.Both(t, l)
		l.Go(&echo{far})
		worst, pings := 0, 0
		for ended < 2 {
			before := moved
			near.Write([]byte("ping"))
			if _, err := near.Read(make([]byte, 10)); err != nil {
				t.Error(err)
			}
			worst = max(worst, moved-before)
			pings++
		}
		// There and back are a few turns; in each the stream gets its share
		// and what one read takes beyond it.
		if limit := 4 * (share + 64<<10); worst > limit {
			t.Errorf("%d bytes of a stream passed during one ping, want at most %d", worst, limit)
		}
		if pings < size/(4*share) {
			t.Errorf("%d pings were answered during a stream of %d bytes", pings, size)
		}
		for _, c := range []*loop.Conn{stream, source, near} {
			c.Close()
		}
	})
}

func TestCoroutinesThatWakeEachOtherDoNotShutOutSockets(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		var a, b *loop.Coroutine
		over := false
		a = l.Go(loop.TaskFunc(func() {
			for !over {
				b.Wake()
				l.Park()
			}
			b.Wake()
		}))
		b = l.Go(loop.TaskFunc(func() {
			for !over {
				a.Wake()
				l.Park()
			}
			a.Wake()
		}))
		near, far := looptest.Both(t, l)
		l.Go(&echo{far})
		near.Write([]byte("ping"))
		if _, err := near.Read(make([]byte, 10)); err != nil {
			t.Error(err)
		}
		l.Sleep(time.Millisecond) // timers neither
		over = true
		near.Close()
	})
}
