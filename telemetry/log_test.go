package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pingap/logfile"
)

func lines(t *testing.T, o LogOptions, write func(*slog.Logger)) string {
	t.Helper()
	var out bytes.Buffer
	o.Stderr = &out
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	write(l.Logger)
	l.Close()
	return out.String()
}

func TestLineForPeople(t *testing.T) {
	got := lines(t, LogOptions{}, func(l *slog.Logger) {
		l.With("server", "web").WithGroup("up").Warn("connection refused", "peer", "10.0.0.1:80", "why", "no route", "empty", "")
	})
	_, rest, _ := strings.Cut(got, " ")
	if want := "WARN  connection refused server=web up.peer=10.0.0.1:80 up.why=\"no route\"\n"; rest != want {
		t.Errorf("line is %q, want %q", rest, want)
	}
}

func TestNothingThatIsLoggedForgesALine(t *testing.T) {
	got := lines(t, LogOptions{}, func(l *slog.Logger) {
		l.Error("path \n2026 INFO forged\x1b[2J", "agent", "x\ny", "more", "a=b \u2028")
	})
	if strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\x1b\u2028") {
		t.Errorf("log holds %q", got)
	}
}

func TestStackStandsBelowItsLine(t *testing.T) {
	got := lines(t, LogOptions{}, func(l *slog.Logger) { l.Error("panic", "stack", "goroutine 1\nmain.f()\n") })
	if !strings.HasSuffix(got, "ERROR panic\ngoroutine 1\nmain.f()\n") {
		t.Errorf("log holds %q", got)
	}
}

func TestLevelsCanChangeWhileRunning(t *testing.T) {
	var out bytes.Buffer
	l, err := Open(LogOptions{Stderr: &out, Level: "WARN"})
	if err != nil {
		t.Fatal(err)
	}
	l.Logger.Info("unheard")
	l.Level.Set(slog.LevelDebug)
	l.Logger.Debug("heard")
	l.Close()
	if got := out.String(); strings.Contains(got, "unheard") || !strings.Contains(got, "DEBUG heard") {
		t.Errorf("log holds %q", got)
	}
	if got := lines(t, LogOptions{Level: "off"}, func(l *slog.Logger) { l.Error("x") }); got != "" {
		t.Errorf("off logs %q", got)
	}
}

func TestJSON(t *testing.T) {
	got := lines(t, LogOptions{JSON: true}, func(l *slog.Logger) { l.Info("hello", "n", 1, "took", 900*time.Microsecond) })
	var record map[string]any
	if err := json.Unmarshal([]byte(got), &record); err != nil || record["msg"] != "hello" || record["n"] != 1.0 || record["took"] != "900µs" {
		t.Errorf("record %q, %v", got, err)
	}
}

func TestReopenFollowsAFileThatWasMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "pingap.log")
	l, err := Open(LogOptions{Target: path + "?rolling=never", Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	l.Logger.Info("first")
	for !written(path) {
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	l.Logger.Info("second")
	if l.Output(io.Discard) == io.Discard {
		t.Error("other logs do not go to the file")
	}
	l.Close()
	for name, want := range map[string]string{path + ".1": "first", path: "second"} {
		if text, err := os.ReadFile(name); !strings.Contains(string(text), want) || bytes.Count(text, []byte("\n")) != 1 {
			t.Errorf("%s holds %q, %v", name, text, err)
		}
	}
}

// written reports whether something is in the file.
func written(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}

func TestRecordsAreGatheredForAFileAndWrittenInTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pingap.log")
	l, err := Open(LogOptions{Target: path + "?rolling=never", Gather: 8 << 10})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	l.Logger.Info("late")
	for !written(path) {
	}
	if took := time.Since(began); took < gatherTime/2 {
		t.Errorf("a record was written after %v", took)
	}
	for range 9 {
		l.Logger.Info(strings.Repeat("x", 1<<10))
	}
	l.Close()
	if text, _ := os.ReadFile(path); bytes.Count(text, []byte("\n")) != 10 {
		t.Errorf("the file holds %d records", bytes.Count(text, []byte("\n")))
	}
}

// stuck is a terminal that takes nothing until it is released.
type stuck struct {
	release chan struct{}
	bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.release
	return s.Buffer.Write(p)
}

// An event loop that logs must not wait for whoever reads the log.
func TestOutputThatStandsStillDropsRecordsAndSaysHowMany(t *testing.T) {
	out := &stuck{release: make(chan struct{})}
	l, err := Open(LogOptions{Stderr: out})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 * queueLength {
		l.Logger.Info("hello") // would hang if it ever had to wait
	}
	close(out.release)
	l.Close()
	text := out.String()
	dropped := missing(text)
	if kept := strings.Count(text, "hello"); dropped == 0 || kept+dropped != 3*queueLength {
		t.Errorf("%d records are written and %d called dropped, of %d", kept, dropped, 3*queueLength)
	}
}

// missing is how many records the log says it does not have.
func missing(text string) (all int) {
	for _, after := range strings.Split(text, "... ")[1:] {
		n := 0
		fmt.Sscanf(after, "%d", &n)
		all += n
	}
	return all
}

// narrow is a sink that has room for a number of bytes.
type narrow struct {
	room int
	bytes.Buffer
}

func (s *narrow) Reopen() error { return nil }
func (s *narrow) Close() error  { return nil }

func (s *narrow) Write(p []byte) (int, error) {
	n := min(s.room, len(p))
	s.room -= n
	s.Buffer.Write(p[:n])
	if n < len(p) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

func TestRecordsThatCannotBeWrittenAreCountedUntilThatCanBeSaid(t *testing.T) {
	s := &narrow{}
	o := &output{w: s, note: Target{}.note}
	write := func(room int, records ...string) {
		s.room = room
		var b batch
		for _, r := range records {
			b.add([]byte(r))
		}
		o.write(&b)
	}
	write(8, "one\n", "two\n", "three\n", "stack\nof 2 lines\n")
	write(20, "four\n") // no room for the number either
	o.dropped.Store(7)
	write(80, "five\n") // for the one number, not for the other
	write(1000, "six\n")
	write(1000, "seven\n")
	for _, want := range []string{
		"one\ntwo\n... 2 log records co", "... 3 log records could not be written: no space left on device\n",
		"... 1 log records could not be written: no space left on device\n",
		"... 7 log records were dropped: they came faster than they could be written\nsix\nseven\n",
	} {
		if !strings.Contains(s.String(), want) {
			t.Errorf("%q is missing in the log: %s", want, s.String())
		}
	}
}

// An access log counts its lines itself, since a chunk of them is no record: it
// hears what has been written.
func TestOtherLogsHearWhatHasBeenWritten(t *testing.T) {
	s := &narrow{room: 10}
	l := &Log{target: Target{Series: logfile.Series{Path: "a.log"}}, out: newOutput(s, 0, Target{}.note)}
	defer l.Close()
	out := l.Output(nil)
	for _, c := range []struct {
		lines string
		want  int
	}{{"one\ntwo\n", 8}, {"three\nfour\n", 2}, {"five\n", 0}} {
		if n, err := io.WriteString(out, c.lines); n != c.want || (err == nil) != (n == len(c.lines)) {
			t.Errorf("of %q %d bytes are written, %v; want %d", c.lines, n, err, c.want)
		}
	}
}

func TestWrongLevelAndPathAreExplained(t *testing.T) {
	if _, err := Open(LogOptions{Level: "loud"}); err == nil || !strings.Contains(err.Error(), "debug, info, warn") {
		t.Errorf("error %v", err)
	}
	if _, err := Open(LogOptions{Target: t.TempDir() + "?rolling=never"}); err == nil {
		t.Error("a directory was taken for a log file")
	}
}
