package accesslog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// file is a log file that begins anew for each period. It belongs to the
// writer.
type file struct {
	path    string
	rolling Rolling
	now     func() time.Time
	failed  func(error) // hears, once a period, that its file cannot be opened
	current *os.File
	name    string
	missed  string // name of the last file that could not be opened
	cut     bool   // the last write ended within a line
}

func openFile(path string, rolling Rolling, now func() time.Time, failed func(error)) (*file, error) {
	f := &file{path: path, rolling: rolling, now: now, failed: failed}
	if err := f.reopen(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *file) nameNow() string {
	if f.rolling == Never {
		return f.path
	}
	return f.path + f.now().UTC().Format(string(f.rolling))
}

// reopen opens the file of this moment; if that fails the present one stays.
func (f *file) reopen() error {
	name := f.nameNow()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("open access log: %w", explain(name, err))
	}
	opened, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("open access log: %w", explain(name, err))
	}
	if f.current != nil {
		f.current.Close()
	}
	f.current, f.name, f.cut = opened, name, false
	return nil
}

func explain(name string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w; the proxy runs as user %d: give it the right to write %s", err, os.Geteuid(), filepath.Dir(name))
}

// roll begins the file of a new period. While that cannot be opened the lines
// go on into the old one: better there than nowhere.
func (f *file) roll() {
	if f.rolling == Never {
		return
	}
	name := f.nameNow()
	if name == f.name {
		return
	}
	if err := f.reopen(); err != nil && f.missed != name {
		f.missed = name
		f.failed(fmt.Errorf("%w; lines go on into %s", err, f.name))
	}
}

// Write writes whole lines. After a write that was cut short, the next begins
// on a line of its own.
func (f *file) Write(lines []byte) (int, error) {
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

func (f *file) Close() error { return f.current.Close() }
