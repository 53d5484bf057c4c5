package server

import (
	"fmt"
	"runtime"
	"sync"

	"pingap/loop"
)

// Loops are the event loops of the process.
type Loops struct {
	all     []*loop.Loop
	running sync.WaitGroup
}

// StartLoops starts n loops, each on a goroutine of its own. onPanic hears of
// panics that a loop has recovered; it is called on that loop.
func StartLoops(n int, onPanic func(value any, stack []byte)) (*Loops, error) {
	// One processor more than there are loops, so that ordinary goroutines
	// get on while all loops are busy.
	if runtime.GOMAXPROCS(0) < n+1 {
		runtime.GOMAXPROCS(n + 1)
	}
	ls := &Loops{}
	for i := range n {
		l, err := loop.New(loop.Options{ID: i, OnPanic: onPanic})
		if err != nil {
			ls.Stop()
			return nil, fmt.Errorf("start event loop %d of %d: %w", i+1, n, err)
		}
		ls.all = append(ls.all, l)
		ls.running.Go(l.Run)
	}
	return ls, nil
}

// All returns the loops; the index of each is its ID.
func (ls *Loops) All() []*loop.Loop { return ls.all }

// On runs f on each of the first n loops, all at the same time, and waits until
// it has returned on all of them. f must not park.
func (ls *Loops) On(n int, f func(l *loop.Loop)) {
	var wait sync.WaitGroup
	for _, l := range ls.all[:min(n, len(ls.all))] {
		wait.Add(1)
		posted := l.Post(func() {
			defer wait.Done()
			f(l)
		})
		if !posted {
			wait.Done()
		}
	}
	wait.Wait()
}

// Stop ends the loops and with them whatever still runs there.
func (ls *Loops) Stop() {
	for _, l := range ls.all {
		l.Stop()
	}
	ls.running.Wait()
}
