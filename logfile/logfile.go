// Package logfile is what the files of all logs have in common: each File may
// begin anew for every period, goes on where it can when it cannot, and its old
// files can be compressed.
package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pingap/config"
)

// Rolling is the period of a log file, as the layout of its suffix in UTC; ""
// is one file for ever.
type Rolling string

// The periods of log files.
const (
	Never    Rolling = ""
	Daily    Rolling = ".2006-01-02"
	Hourly   Rolling = ".2006-01-02-15"
	Minutely Rolling = ".2006-01-02-15-04"
)

var rollings = map[string]Rolling{"never": Never, "daily": Daily, "hourly": Hourly, "minutely": Minutely}

func parseRolling(value string) (Rolling, error) {
	rolling, ok := rollings[strings.ToLower(value)]
	if !ok {
		return Never, fmt.Errorf("rolling is %q; it is daily, hourly, minutely or never", value)
	}
	return rolling, nil
}

// Series is the files of one log: where they are, and when a new one begins.
type Series struct {
	// Path of the file, to whose name the period is added. When it is a
	// directory, or ends in a slash, the period alone is the name.
	Path    string
	Rolling Rolling
}

// ParseSeries reads the target of a log: a path, in which ~ is the home directory,
// and behind a "?" how its files roll, daily unless told otherwise. Other options
// are returned.
func ParseSeries(target string) (s Series, others url.Values, err error) {
	path, query, _ := strings.Cut(target, "?")
	if others, err = url.ParseQuery(query); err != nil {
		return s, nil, fmt.Errorf("options of the log %q: %w", target, err)
	}
	s.Rolling = Daily
	if s.Path, err = config.ExpandHome(path); err != nil {
		return s, nil, err
	}
	if values := others["rolling"]; len(values) > 0 {
		s.Rolling, err = parseRolling(values[len(values)-1])
		delete(others, "rolling")
	}
	return s, others, err
}

// name returns the path of the file at a moment.
func (s Series) name(now time.Time) string {
	if s.Rolling == Never {
		return s.Path
	}
	period := now.UTC().Format(string(s.Rolling))
	if s.isDirectory() {
		return filepath.Join(s.Path, period[1:])
	}
	return s.Path + period
}

func (s Series) isDirectory() bool {
	info, err := os.Stat(s.Path)
	return strings.HasSuffix(s.Path, "/") || err == nil && info.IsDir()
}

// File is the file of a log at present. Its methods must not be called at the
// same time.
type File struct {
	series  Series
	now     func() time.Time
	failed  func(error) // hears, once a period, that its file cannot be opened
	current *os.File
	name    string
	missed  string // name of the last file that could not be opened
	cut     bool   // the last write ended within a line
}

// Open opens the file of this moment, and makes directories that are missing.
// failed hears later, once a period, when the next file cannot be opened.
func Open(s Series, failed func(error)) (*File, error) { return open(s, time.Now, failed) }

func open(s Series, now func() time.Time, failed func(error)) (*File, error) {
	f := &File{series: s, now: now, failed: failed}
	if err := f.Reopen(); err != nil {
		return nil, err
	}
	return f, nil
}

// Reopen opens the file anew, after it has been moved away; if that fails the
// present one stays in use.
func (f *File) Reopen() error {
	name := f.series.name(f.now())
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("open log: %w", explain(name, err))
	}
	opened, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("open log: %w", explain(name, err))
	}
	if f.current != nil {
		f.cut = f.cut && sameFile(f.current, opened)
		f.current.Close()
	}
	f.current, f.name = opened, name
	return nil
}

// sameFile reports whether both are one file: opened anew it still ends where it
// did.
func sameFile(a, b *os.File) bool {
	one, err := a.Stat()
	two, err2 := b.Stat()
	return err == nil && err2 == nil && os.SameFile(one, two)
}

func explain(name string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w; the proxy runs as user %d: give it the right to write %s", err, os.Geteuid(), filepath.Dir(name))
}

// roll begins the file of a new period. While that cannot be opened the lines
// go on into the old one: better there than nowhere.
func (f *File) roll() {
	if f.series.Rolling == Never {
		return
	}
	name := f.series.name(f.now())
	if name == f.name {
		return
	}
	if err := f.Reopen(); err != nil && f.missed != name {
		f.missed = name
		f.failed(fmt.Errorf("%w; lines go on into %s", err, f.name))
	}
}

// Write writes whole lines. After a write that was cut short, the next begins
// on a line of its own.
func (f *File) Write(lines []byte) (int, error) {
	f.roll()
	if f.cut {
		if _, err := f.current.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		f.cut = false
	}
	n, err := f.current.Write(lines)
	f.cut = n > 0 && lines[n-1] != '\n'
	return n, err
}

// Close closes the file.
func (f *File) Close() error { return f.current.Close() }
