package fronts_test

import (
	"sync"
	"testing"

	"pingap/leaktest"
	"pingap/loop"
	"pingap/loop/fronts"
	"pingap/loop/looptest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// part is a server's part without a protocol.
type part struct {
	loop   *loop.Loop
	counts fronts.Counts
	told   int
}

func (p *part) Home() *loop.Loop      { return p.loop }
func (p *part) Tally() *fronts.Counts { return &p.counts }

func TestEachLoopHasOneFront(t *testing.T) {
	first, second := looptest.New(t), looptest.New(t)
	var set fronts.Set[*part]
	made := 0
	on := func(l *loop.Loop) *part {
		return set.On(l, func() *part { made++; return &part{loop: l} })
	}
	a, b := on(first), on(second)
	if on(first) != a || on(second) != b || a == b || made != 2 {
		t.Errorf("%d fronts were made for two loops", made)
	}
}

func TestFrontsAreAddedUpAndToldOnTheirLoops(t *testing.T) {
	loops := []*loop.Loop{looptest.New(t), looptest.New(t)}
	var set fronts.Set[*part]
	var begun sync.WaitGroup
	for i, l := range loops {
		begun.Go(func() {
			looptest.Do(t, l, func() {
				p := set.On(l, func() *part { return &part{loop: l} })
				p.counts.Open.Add(int64(10 * (i + 1)))
				p.counts.Active.Add(int64(i + 1))
			})
		})
	}
	begun.Wait()
	if set.Open() != 30 || set.Active() != 3 {
		t.Errorf("%d open, %d active, want 30 and 3", set.Open(), set.Active())
	}
	set.Each(func(p *part) { p.told++ })
	for _, l := range loops {
		looptest.Do(t, l, func() {
			if p := set.On(l, nil); p.told != 1 {
				t.Errorf("a front was told %d times", p.told)
			}
		})
	}
}
