package leaktest

import (
	"iter"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

// short is enough for things that are known to stay.
const short = 20 * time.Millisecond

func TestSettleFindsAGoroutineThatStays(t *testing.T) {
	before := take()
	stay := make(chan struct{})
	defer close(stay)
	go func() { <-stay }()
	wantOne(t, settle(before, short), "TestSettleFindsAGoroutineThatStays")
}

func TestSettleFindsACoroutineThatStays(t *testing.T) {
	before := take()
	next, stop := iter.Pull(func(yield func(int) bool) { yield(1) })
	defer stop()
	next()
	wantOne(t, settle(before, short), "[coroutine]")
}

func TestSettleFindsADescriptorThatStays(t *testing.T) {
	before := take()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	wantOne(t, settle(before, short), os.DevNull)
}

func TestSettleWaitsForWhatIsEnding(t *testing.T) {
	before := take()
	// sleep: a goroutine that ends a little late
	go func() { <-time.After(short) }()
	if left := settle(before, grace); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

func TestReportFailsTheRunOnlyWhenSomethingIsLeft(t *testing.T) {
	var text strings.Builder
	if code := report(&text, nil); code != 0 || text.Len() != 0 {
		t.Errorf("nothing left: code %d, %q", code, text.String())
	}
	if code := report(&text, []string{"goroutine 7", "goroutine 8"}); code != 1 || !strings.Contains(text.String(), "goroutine 8") {
		t.Errorf("two left: code %d, %q", code, text.String())
	}
}

func wantOne(t *testing.T, left []string, with string) {
	t.Helper()
	if len(left) != 1 || !strings.Contains(left[0], with) {
		t.Errorf("left: %q, want one that holds %q", left, with)
	}
}
