package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// pidFile holds the number of the process that serves. It is opened while the
// process may, and written when it serves: until then the number of the process
// that it replaces is the right one. Methods of nil do nothing.
type pidFile struct {
	path    string
	file    *os.File
	created bool // it was not there before
}

// pidPaths are where a daemon writes its number that nobody has told where to.
var pidPaths = []string{"/run/pingap.pid", "/var/run/pingap.pid", "/tmp/pingap.pid"}

// pidPath returns where the number is to be written: as configured, or for a
// daemon the first of pidPaths whose directory it may write to; "" for nowhere.
func pidPath(configured string, daemon bool) string {
	if configured != "" || !daemon {
		return configured
	}
	for _, path := range pidPaths {
		if unix.Access(filepath.Dir(path), unix.W_OK) == nil {
			return path
		}
	}
	return ""
}

// openPidFile opens the file, and gives it to the identity that will write it.
func openPidFile(path string, i *identity) (*pidFile, error) {
	if path == "" {
		return nil, nil
	}
	p := &pidFile{path: path}
	if err := p.open(i); err != nil {
		return nil, fmt.Errorf("cannot write the pid file: %w", err)
	}
	return p, nil
}

func (p *pidFile) open(i *identity) error {
	if err := os.MkdirAll(filepath.Dir(p.path), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	_, err := os.Lstat(p.path)
	p.created = errors.Is(err, fs.ErrNotExist)
	// A link could lead to a file that the process may write and nobody meant.
	if p.file, err = os.OpenFile(p.path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o644); err != nil {
		return err
	}
	if err := i.own(p.file); err != nil {
		p.file.Close()
		return err
	}
	return nil
}

// write writes the number of a process.
func (p *pidFile) write(pid int) error {
	if p == nil {
		return nil
	}
	if err := p.replace(strconv.Itoa(pid) + "\n"); err != nil {
		return fmt.Errorf("cannot write the pid file: %w", err)
	}
	return nil
}

// replace puts a text in the place of what was there, which may have been longer.
// Whoever reads meanwhile finds a number, perhaps with empty lines behind it, but
// never digits of two.
func (p *pidFile) replace(text string) error {
	now, err := p.file.Stat()
	if err != nil {
		return err
	}
	rest := max(0, int(now.Size())-len(text))
	if _, err := p.file.WriteAt([]byte(text+strings.Repeat("\n", rest)), 0); err != nil {
		return err
	}
	return p.file.Truncate(int64(len(text)))
}

// remove ends the file, unless another process has written its number there.
// Where the process may not remove it any more, it empties it. After close it
// does nothing.
func (p *pidFile) remove() {
	if p == nil || p.file == nil {
		return
	}
	defer p.close()
	text, err := os.ReadFile(p.path)
	if err != nil || strings.TrimSpace(string(text)) != strconv.Itoa(os.Getpid()) {
		return
	}
	if err := os.Remove(p.path); err != nil {
		p.file.Truncate(0)
	}
}

// abandon leaves things as they were before the file was opened.
func (p *pidFile) abandon() {
	if p != nil && p.file != nil && p.created {
		os.Remove(p.path)
	}
	p.close()
}

// close leaves the file as it is, such as to the process that has taken this
// one's place.
func (p *pidFile) close() {
	if p != nil && p.file != nil {
		p.file.Close()
		p.file = nil
	}
}
