package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"pingap/logfile"
	"pingap/loop/looptest"
)

// disk is an output that stands still until it is released.
type disk struct {
	release chan struct{} // closed: it goes on
	writing chan struct{} // gets one value per write that has begun
	err     error

	mu      sync.Mutex
	written bytes.Buffer
}

func newDisk() *disk {
	return &disk{release: make(chan struct{}), writing: make(chan struct{}, 1000)}
}

func (d *disk) Write(p []byte) (int, error) {
	d.writing <- struct{}{}
	<-d.release
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return 0, d.err
	}
	return d.written.Write(p)
}

func (d *disk) Close() error { return nil }

func (d *disk) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.written.String()
}

// notes keeps what is logged.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
	some chan struct{}
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case n.some <- struct{}{}:
	default:
	}
	return n.text.Write(p)
}

func newNotes() (*notes, *slog.Logger) {
	n := &notes{some: make(chan struct{}, 1)}
	return n, slog.New(slog.NewTextHandler(n, nil))
}

var target = Target{Capacity: 2 * chunkSize, FlushTimeout: time.Hour}

func tiny(t testing.TB) *Format {
	f, err := Compile("tiny")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestStalledDiskDropsAndCountsAndNeverBlocks(t *testing.T) {
	n, logger := newNotes()
	d := newDisk()
	l := looptest.New(t)
	log := newLog("test", d, target, logger)
	sent := 0
	looptest.Do(t, l, func() {
		lane := log.Lane(l, tiny(t))
		x := example(l)
		// The disk stands still while this coroutine writes far more than
		// may wait for it; it would hang if it ever had to wait.
		for range 20_000 {
			lane.Record(x)
			sent++
		}
		lane.Flush()
	})
	dropped, _ := log.Dropped()
	if dropped == 0 {
		t.Error("no line was dropped although the disk stood still")
	}
	<-n.some // the log says so
	close(d.release)
	log.Close(time.Minute)
	if lines := strings.Count(d.text(), "\n"); lines+int(dropped) != sent {
		t.Errorf("%d lines written and %d dropped of %d", lines, dropped, sent)
	}
	if said := fmt.Sprintf("lines are missing\" log=test dropped=%d lost=0", dropped); !strings.Contains(n.text.String(), said) {
		t.Errorf("the log does not say %q: %s", said, n.text.String())
	}
}

// Once each flush took the place of a whole chunk, and the queue was full after
// 40 lines.
func TestLinesThatComeOneByOneFillTheQueueByTheirBytes(t *testing.T) {
	_, logger := newNotes()
	d := newDisk()
	l := looptest.New(t)
	log := newLog("test", d, target, logger)
	recorded := 0
	looptest.Do(t, l, func() {
		lane := log.Lane(l, tiny(t))
		for dropped := int64(0); dropped == 0; dropped, _ = log.Dropped() {
			lane.Record(example(l))
			lane.Flush()
			recorded++
		}
	})
	waiting := log.queue.bytes
	line := waiting / (recorded - 1)
	if waiting > target.Capacity || waiting+line < target.Capacity {
		t.Errorf("the first line is dropped when %d bytes wait, of %d that may", waiting, target.Capacity)
	}
	close(d.release)
	log.Close(time.Minute)
	if lines := strings.Count(d.text(), "\n"); lines != recorded-1 || log.queue.bytes != 0 {
		t.Errorf("%d lines are written of %d, and %d bytes count as waiting", lines, recorded-1, log.queue.bytes)
	}
}

func TestQueueTakesNoMoreMemoryThanTwiceWhatWaits(t *testing.T) {
	q := newQueue(64 * chunkSize)
	for size := 1; ; size = size*7%chunkSize + 1 {
		c := &chunk{bytes: make([]byte, size, chunkSize), lines: 1}
		if _, err := q.put(c, false); err != nil {
			break
		}
	}
	memory, bytes := 0, 0
	for c := q.first; c != nil; c = c.next {
		memory += cap(c.bytes)
		bytes += len(c.bytes)
	}
	if bytes != q.bytes || memory >= 2*bytes+chunkSize {
		t.Errorf("%d bytes wait in %d bytes of memory; %d are counted", bytes, memory, q.bytes)
	}
}

func TestLineThatIsLongerThanTheQueueIsTakenWhenNothingWaits(t *testing.T) {
	q := newQueue(chunkSize)
	long := func() *chunk { return &chunk{bytes: make([]byte, 3*chunkSize), lines: 1} }
	if rest, err := q.put(long(), false); rest != nil || err != nil {
		t.Errorf("it is not taken: %v", err)
	}
	if _, err := q.put(long(), false); err != errFull {
		t.Errorf("a second one: %v", err)
	}
}

func TestCloseWritesEveryFlushedLine(t *testing.T) {
	_, logger := newNotes()
	path := filepath.Join(t.TempDir(), "deep", "access.log")
	log, err := Open(Target{Series: logfile.Series{Path: path}, Capacity: defaultCapacity, FlushTimeout: time.Hour}, io.Discard, logger)
	if err != nil {
		t.Fatal(err)
	}
	l := looptest.New(t)
	looptest.Do(t, l, func() {
		lane := log.Lane(l, tiny(t))
		for range 5000 {
			lane.Record(example(l))
		}
		lane.Flush()
	})
	log.Close(time.Minute)
	text, err := os.ReadFile(path)
	if err != nil || bytes.Count(text, []byte("\n")) != 5000 {
		t.Errorf("%d lines, %v", bytes.Count(text, []byte("\n")), err)
	}
}

func TestLinesAreFlushedInTime(t *testing.T) {
	_, logger := newNotes()
	d := newDisk()
	close(d.release)
	log := newLog("test", d, Target{Capacity: defaultCapacity, FlushTimeout: 10 * time.Millisecond}, logger)
	l := looptest.New(t)
	looptest.Do(t, l, func() { log.Lane(l, tiny(t)).Record(example(l)) })
	<-d.writing // nothing but the timer sends the line
	log.Close(time.Minute)
}

func TestLinesThatCannotBeWrittenAreCounted(t *testing.T) {
	n, logger := newNotes()
	d := newDisk()
	d.err = errors.New("no space left on device")
	close(d.release)
	log := newLog("test", d, target, logger)
	l := looptest.New(t)
	looptest.Do(t, l, func() {
		lane := log.Lane(l, tiny(t))
		lane.Record(example(l))
		lane.Record(example(l))
		lane.Flush()
	})
	log.Close(time.Minute)
	if _, lost := log.Dropped(); lost != 2 {
		t.Errorf("%d lines are counted as lost, want 2", lost)
	}
	if !strings.Contains(n.text.String(), "no space left on device") {
		t.Errorf("the log says: %s", n.text.String())
	}
}

func TestCloseGivesUpOnADiskThatStandsStill(t *testing.T) {
	_, logger := newNotes()
	d := newDisk()
	l := looptest.New(t)
	log := newLog("test", d, target, logger)
	looptest.Do(t, l, func() {
		lane := log.Lane(l, tiny(t))
		lane.Record(example(l))
		lane.Flush()
	})
	<-d.writing
	log.Close(time.Millisecond) // returns
	close(d.release)
	<-log.done
}

// At the end every lane hands over its last lines at once, and there may be
// more lanes than the queue has room for.
func TestClosedLanesLoseNothingToAFullQueue(t *testing.T) {
	_, logger := newNotes()
	d := newDisk()
	l := looptest.New(t)
	log := newLog("test", d, target, logger)
	const lanes = 20
	looptest.Do(t, l, func() {
		for range lanes {
			lane := log.Lane(l, tiny(t))
			lane.Record(example(l))
			lane.Close()
		}
	})
	close(d.release)
	log.Close(time.Minute)
	if dropped, lost := log.Dropped(); strings.Count(d.text(), "\n") != lanes || dropped+lost > 0 {
		t.Errorf("%d lines are written, %d dropped and %d lost of %d", strings.Count(d.text(), "\n"), dropped, lost, lanes)
	}
}

// An exchange that does not end in time ends after the log has been closed.
func TestLinesThatComeAfterTheEndAreDroppedAndCounted(t *testing.T) {
	n, logger := newNotes()
	d := newDisk()
	close(d.release)
	l := looptest.New(t)
	log := newLog("test", d, target, logger)
	looptest.Do(t, l, func() {
		lane := log.Lane(l, tiny(t))
		lane.Record(example(l))
		lane.Close()
		log.Close(time.Minute)
		lane.Record(example(l))
		lane.Flush()
		lane.Record(example(l))
		lane.Close()
	})
	if dropped, _ := log.Dropped(); dropped != 2 || strings.Count(d.text(), "\n") != 1 {
		t.Errorf("%d lines are written and %d dropped, want 1 and 2", strings.Count(d.text(), "\n"), dropped)
	}
	if said := n.text.String(); !strings.Contains(said, "the log has been closed") || strings.Contains(said, "too slow") {
		t.Errorf("the log says: %s", said)
	}
}

func TestNumberOfMissingLinesIsSaidWhenThereIsRoomAgain(t *testing.T) {
	n, logger := newNotes()
	d := newDisk()
	d.err = errors.New("no space left on device")
	close(d.release)
	l := looptest.New(t)
	log := newLog("test", d, target, logger)
	record := func(lines int) {
		looptest.Do(t, l, func() {
			lane := log.Lane(l, tiny(t))
			for range lines {
				lane.Record(example(l))
			}
			lane.Flush()
		})
	}
	record(11)
	<-n.some // they are lost
	d.mu.Lock()
	d.err = nil
	d.mu.Unlock()
	record(1)
	<-n.some // while the log is open
	log.Close(time.Minute)
	if said := n.text.String(); strings.Count(said, "lines are missing") != 1 || !strings.Contains(said, "dropped=0 lost=11") {
		t.Errorf("the log says: %s", said)
	}
}

// shortDisk takes a few bytes of each write.
type shortDisk struct{ room int }

func (d shortDisk) Write(p []byte) (int, error) { return d.room, io.ErrShortWrite }
func (d shortDisk) Close() error                { return nil }

func TestOnlyLinesThatAreNotWrittenWholeCountAsLost(t *testing.T) {
	_, logger := newNotes()
	l := looptest.New(t)
	var line []byte
	looptest.Do(t, l, func() { line = append(tiny(t).Append(nil, example(l)), '\n') })
	log := newLog("test", shortDisk{2*len(line) + 1}, target, logger)
	looptest.Do(t, l, func() {
		lane := log.Lane(l, tiny(t))
		for range 5 {
			lane.Record(example(l))
		}
		lane.Flush()
	})
	log.Close(time.Minute)
	if _, lost := log.Dropped(); lost != 3 {
		t.Errorf("%d lines are counted as lost, want 3", lost)
	}
}

func TestMemoryOfARareLongLineIsNotKept(t *testing.T) {
	_, logger := newNotes()
	l := looptest.New(t)
	log := newLog("test", keepOpen{io.Discard}, target, logger)
	looptest.Do(t, l, func() {
		lane := log.Lane(l, tiny(t))
		x := example(l)
		x.Request.Path = strings.Repeat("/long", chunkSize)
		lane.Record(x)
		lane.Flush()
	})
	log.Close(time.Minute)
	close(log.spare)
	for c := range log.spare {
		if cap(c.bytes) > 2*chunkSize {
			t.Errorf("a chunk of %d bytes is kept", cap(c.bytes))
		}
	}
}

func TestReopenFollowsAFileThatWasMovedAway(t *testing.T) {
	_, logger := newNotes()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	log, err := Open(Target{Series: logfile.Series{Path: path}, Capacity: defaultCapacity, FlushTimeout: time.Hour}, io.Discard, logger)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	log.Reopen()
	for end := time.Now().Add(time.Minute); ; runtime.Gosched() { // the writer opens it at its own time
		if _, err := os.Stat(path); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the file is not opened again")
		}
	}
	l := looptest.New(t)
	looptest.Do(t, l, func() {
		lane := log.Lane(l, tiny(t))
		lane.Record(example(l))
		lane.Flush()
	})
	log.Close(time.Minute)
	if text, _ := os.ReadFile(path); !bytes.HasPrefix(text, []byte("POST ")) {
		t.Errorf("the new file holds %q", text)
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	_, logger := newNotes()
	d := newDisk()
	close(d.release)
	l := looptest.New(t)
	log := newLog("test", io.WriteCloser(keepOpen{io.Discard}), Target{Capacity: defaultCapacity, FlushTimeout: time.Hour}, logger)
	looptest.Do(t, l, func() {
		lane := log.Lane(l, tiny(t))
		x := example(l)
		for range 10_000 {
			lane.Record(x)
		}
		if n := testing.AllocsPerRun(100, func() { lane.Record(x) }); n > 0 {
			t.Errorf("%v allocations a line", n)
		}
		lane.Flush()
	})
	log.Close(time.Minute)
}

func BenchmarkRecord(b *testing.B) {
	_, logger := newNotes()
	l := looptest.New(b)
	log := newLog("test", keepOpen{io.Discard}, Target{Capacity: defaultCapacity, FlushTimeout: time.Hour}, logger)
	looptest.Do(b, l, func() {
		var lane *Lane = log.Lane(l, tiny(b))
		x := example(l)
		for b.Loop() {
			lane.Record(x)
		}
		lane.Flush()
	})
	log.Close(time.Minute)
}
