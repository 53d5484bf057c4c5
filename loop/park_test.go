package loop

import (
	"errors"
	"testing"
)

// A coroutine that waits for others in spite of being canceled must not keep the
// loop busy: they may take their time.
func TestParkThroughWaitsForWakeThoughCanceled(t *testing.T) {
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wakes := 0
	var co *Coroutine
	l.Go(TaskFunc(func() {
		co = l.Current()
		for {
			l.ParkThrough()
			if wakes++; wakes == 2 {
				return
			}
		}
	}))
	l.runReady()
	co.Cancel(errors.New("gone"))
	l.runReady()
	if wakes != 1 || l.ready.len() != 0 {
		t.Fatalf("woken %d times by Cancel, and ready is %d", wakes, l.ready.len())
	}
	co.Wake()
	l.runReady()
	if wakes != 2 {
		t.Errorf("woken %d times", wakes)
	}
}
