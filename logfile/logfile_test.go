package logfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFilesRollByPeriod(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	now := time.Date(2026, 8, 8, 23, 59, 0, 0, time.UTC)
	f, err := open(Series{path, Daily}, func() time.Time { return now }, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Write([]byte("one\n"))
	now = now.Add(time.Minute)
	f.Write([]byte("two\n"))
	for name, want := range map[string]string{path + ".2026-08-08": "one\n", path + ".2026-08-09": "two\n"} {
		if got, err := os.ReadFile(name); string(got) != want {
			t.Errorf("%s holds %q (%v), want %q", name, got, err, want)
		}
	}
}

// A directory that cannot be written to at midnight must not cost a day's log.
func TestLinesGoOnIntoTheOldFileWhileANewOneCannotBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	now := time.Date(2026, 8, 8, 23, 59, 0, 0, time.UTC)
	var told []error
	f, err := open(Series{path, Daily}, func() time.Time { return now }, func(err error) { told = append(told, err) })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := func(line string) {
		if n, err := f.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("%q: %d bytes written, %v", line, n, err)
		}
	}
	write("one\n")
	now = now.Add(time.Minute)
	inTheWay := path + ".2026-08-09"
	if err := os.Mkdir(inTheWay, 0o755); err != nil {
		t.Fatal(err)
	}
	write("two\n")
	write("three\n")
	if len(told) != 1 || !strings.Contains(told[0].Error(), "lines go on into "+path+".2026-08-08") {
		t.Errorf("reported: %v", told)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	write("four\n")
	for name, want := range map[string]string{path + ".2026-08-08": "one\ntwo\nthree\n", inTheWay: "four\n"} {
		if got, err := os.ReadFile(name); string(got) != want {
			t.Errorf("%s holds %q (%v), want %q", name, got, err, want)
		}
	}
}

// A write that was cut short must not let the next line begin in its middle, nor
// when the file is opened again in between; another file begins with a line.
func TestLineAfterAShortWriteBeginsAnew(t *testing.T) {
	for _, c := range []struct {
		between func(path string, f *File) error
		want    string
	}{
		{func(string, *File) error { return nil }, "cut off he\nwhole\n"},
		{func(_ string, f *File) error { return f.Reopen() }, "cut off he\nwhole\n"},
		{func(path string, f *File) error { return errors.Join(os.Rename(path, path+".1"), f.Reopen()) }, "whole\n"},
	} {
		path := filepath.Join(t.TempDir(), "a.log")
		f, err := open(Series{path, Never}, time.Now, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte("cut off he"))
		if err := c.between(path, f); err != nil {
			t.Error(err)
		}
		f.Write([]byte("whole\n"))
		f.Close()
		if text, _ := os.ReadFile(path); string(text) != c.want {
			t.Errorf("file holds %q, want %q", text, c.want)
		}
	}
}

func TestDirectoryAloneNamesFilesByTheirPeriod(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 8, 8, 23, 59, 0, 0, time.UTC)
	for path, want := range map[string]string{dir: "2026-08-08-23", dir + "/new/": "new/2026-08-08-23"} {
		f, err := open(Series{path, Hourly}, func() time.Time { return now }, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if _, err := os.Stat(filepath.Join(dir, want)); err != nil {
			t.Error(err)
		}
	}
}

func TestUnknownPeriodIsExplained(t *testing.T) {
	if r, err := parseRolling("Hourly"); r != Hourly || err != nil {
		t.Errorf("%q, %v", r, err)
	}
	if _, err := parseRolling("weekly"); err == nil || !strings.Contains(err.Error(), "daily, hourly, minutely or never") {
		t.Errorf("error %v", err)
	}
}
