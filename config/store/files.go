package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// files keeps a configuration in a file, or in the files of a directory.
type files struct {
	path      string
	directory bool
	limit     int64 // of all files together, in bytes
}

func (f *files) close() error { return nil }

// title returns the path of a text.
func (f *files) title(key string) string {
	if f.directory {
		return filepath.Join(f.path, filepath.FromSlash(key))
	}
	return f.path
}

func (f *files) read(ctx context.Context) ([]text, error) {
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		return nil, empty(fmt.Sprintf("the configuration %s does not exist; name a file, or a directory of %s files", f.path, extension))
	}
	if f.directory {
		unlock, err := lockToRead(ctx, f.path)
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	return f.readLocked()
}

// readLocked is read where nobody saves meanwhile.
func (f *files) readLocked() (texts []text, err error) {
	keys := []string{filepath.Base(f.path)}
	var begun journal
	if f.directory {
		if begun, err = readJournal(f.path); err != nil {
			return nil, err
		}
		if keys, err = f.list(begun); err != nil {
			return nil, err
		}
	}
	left := f.limit
	source := begun.source(f)
	for _, key := range keys {
		data, err := read(source(key), left)
		if err != nil {
			return nil, err
		}
		if left -= int64(len(data)); left < 0 {
			return nil, fmt.Errorf("read the configuration: with %s it is larger than %d MiB", f.title(key), f.limit>>20)
		}
		texts = append(texts, text{key: key, data: string(data)})
	}
	return texts, nil
}

// list returns the keys of the files that count: those of one format, as they
// are when what the journal holds has been done.
func (f *files) list(begun journal) ([]string, error) {
	found, err := walk(f.path)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, begun.leaves())
	found = append(found, begun.Puts...)
	slices.Sort(found)
	found = slices.Compact(found)
	for _, format := range formats {
		keys := slices.DeleteFunc(slices.Clone(found), func(key string) bool { return !strings.HasSuffix(key, format.extension) })
		if len(keys) > 0 {
			return keys, nil
		}
	}
	return nil, empty(fmt.Sprintf("the configuration %s is a directory without %s files", f.path, extensions()))
}

// extensions lists those of all formats.
func extensions() string {
	var all []string
	for _, format := range formats {
		all = append(all, format.extension)
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

// walk finds the files of a configuration in a directory and below it. Names
// that begin with a dot do not count: editors and volumes of containers keep
// other versions there.
func walk(directory string) ([]string, error) {
	var keys []string
	// The file system of a directory follows it when it is a link.
	err := fs.WalkDir(os.DirFS(directory), ".", func(key string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && errors.Is(err, fs.ErrNotExist) && key != ".":
			return nil // deleted while this went on
		case err != nil:
			return explain(filepath.Join(directory, filepath.FromSlash(key)), err)
		case key != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && isConfiguration(key):
			if keys = append(keys, key); len(keys) > maxFiles {
				return fmt.Errorf("the configuration %s has more than %d files", directory, maxFiles)
			}
		}
		return nil
	})
	return keys, err
}

// isConfiguration reports whether a file has the name of one that counts.
func isConfiguration(name string) bool {
	return slices.ContainsFunc(formats, func(f format) bool { return strings.HasSuffix(name, f.extension) })
}

// read returns a file, or more than limit bytes of it.
func read(path string, limit int64) ([]byte, error) {
	// What is no file, such as a pipe, might keep the reader waiting for ever.
	info, err := os.Stat(path)
	if err != nil {
		return nil, explain(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read the configuration: %s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, explain(path, err)
	}
	defer f.Close()
	var text bytes.Buffer
	text.Grow(int(min(info.Size(), limit)) + bytes.MinRead)
	if _, err := text.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, explain(path, err)
	}
	return text.Bytes(), nil
}

// home is the directory that is locked while something is saved.
func (f *files) home() string {
	if f.directory {
		return f.path
	}
	return filepath.Dir(resolve(f.path))
}

func (f *files) commit(ctx context.Context, s *save) error {
	home := f.home()
	if err := makeDirectory(home); err != nil {
		return explainSave(home, err)
	}
	unlock, err := lockToSave(ctx, home)
	if err != nil {
		return err
	}
	defer unlock()
	if f.directory {
		if err := f.recover(); err != nil {
			return explainSave(home, err)
		}
	}
	if err := f.unmoved(s); err != nil {
		return err
	}
	remembered, err := f.remember(s.records)
	if err == nil {
		err = f.apply(s.changes)
	}
	if err != nil && !errors.Is(err, errUnplaced) {
		for _, path := range remembered {
			os.Remove(path)
		}
		return err
	}
	if len(s.records) > 0 {
		f.forget()
	}
	return err
}

// unmoved returns errMoved when the files are not those that a save begins with.
func (f *files) unmoved(s *save) error {
	if s.seen != nil {
		now, err := f.readLocked()
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrEmpty) {
			return err
		}
		if !slices.Equal(now, s.seen) {
			return errMoved
		}
		return nil
	}
	for _, c := range s.changes {
		if err := f.unchanged(c); err != nil {
			return err
		}
	}
	return nil
}

// unchanged returns errMoved when a file is not what a change begins with.
func (f *files) unchanged(c change) error {
	data, err := read(f.title(c.was.key), f.limit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if c.exists {
			return errMoved
		}
		return nil
	case err != nil:
		return err
	case !c.exists || string(data) != c.was.data:
		return errMoved
	}
	return nil
}

// errUnplaced tells that a save has happened, as the journal says, but that
// files could not be given their names.
var errUnplaced = errors.New("the configuration has been saved, but not all of its files could be put in place; the next save tries again")

// apply makes changes, all or none.
func (f *files) apply(changes []change) error {
	if len(changes) == 1 && !changes[0].keep && (changes[0].is != "" || !f.directory) {
		key := changes[0].was.key
		return explainSave(f.title(key), writeFile(f.title(key), changes[0].is))
	}
	var j journal
	for i, c := range changes {
		path := f.title(c.was.key)
		if err := j.add(c, path); err != nil {
			for _, c := range changes[:i] {
				os.Remove(temporary(resolve(f.title(c.was.key))))
			}
			return explainSave(path, err)
		}
	}
	if err := j.write(f.path); err != nil {
		os.Remove(filepath.Join(f.path, journalName)) // it may have its name all the same
		for _, c := range changes {
			os.Remove(temporary(resolve(f.title(c.was.key))))
		}
		return explainSave(f.path, err)
	}
	if err := f.recover(); err != nil {
		return fmt.Errorf("%w: %w", errUnplaced, explainSave(f.path, err))
	}
	return nil
}
