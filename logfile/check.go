package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Check returns why the file of this moment could not be opened, or nil. It
// leaves nothing behind: where there is no such file yet it tries another name,
// since a process may begin the file at this very moment and would lose it.
func (s Series) Check() error {
	name := s.name(time.Now())
	// A pipe that nobody reads is not waited for.
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
	if err == nil {
		file.Close()
	} else if errors.Is(err, fs.ErrNotExist) {
		err = couldBegin(name)
	}
	if err != nil {
		return fmt.Errorf("open log: %w", explain(name, err))
	}
	return nil
}

// couldBegin returns why a file could not be made, with the directories above it.
func couldBegin(name string) error {
	dir := filepath.Dir(name)
	if _, err := os.Stat(dir); err == nil {
		probe, err := os.CreateTemp(dir, probeName)
		if err != nil {
			return as(name, err)
		}
		probe.Close()
		return os.Remove(probe.Name())
	}
	missing := dir
	for {
		above := filepath.Dir(missing)
		if _, err := os.Stat(above); err == nil || above == missing {
			break
		}
		missing = above
	}
	probe, err := os.MkdirTemp(filepath.Dir(missing), probeName)
	if err != nil {
		return as(missing, err)
	}
	return os.Remove(probe)
}

// probeName is what stands in for a file or directory that is tried.
const probeName = ".pingap-check-*"

// as is the error that there would have been under the real name.
func as(name string, err error) error {
	var at *fs.PathError
	if !errors.As(err, &at) {
		return err
	}
	return &fs.PathError{Op: at.Op, Path: name, Err: at.Err}
}
