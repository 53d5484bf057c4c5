// Package store is where configurations are kept: a file, or a directory of
// files. An Origin is opened once from what the user named, and loaded as often
// as needed.
package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pingap/config"
)

const (
	// maxSize bounds a configuration, all its files together.
	maxSize = 64 << 20
	// maxFiles bounds their number.
	maxFiles = 100_000
	// extension is that of the files which count in a directory.
	extension = ".toml"
)

// Origin is where a configuration comes from.
type Origin struct {
	path      string
	directory bool
	limit     int64 // of all files together, in bytes
}

// Open decides what a path is, here and nowhere else: one that exists speaks
// for itself. It reads no configuration.
func Open(path string) (*Origin, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the configuration %s does not exist; name a file, or a directory of %s files", path, extension)
	case err != nil:
		return nil, explain(path, err)
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, fmt.Errorf("the configuration %s is neither a file nor a directory", path)
	}
	return &Origin{path: path, directory: info.IsDir(), limit: maxSize}, nil
}

// String returns the path.
func (o *Origin) String() string { return o.path }

// Load reads the configuration. The error says that something could not be
// read at all; what is wrong with the texts is in the problems, which name each
// file by its path.
func (o *Origin) Load() (*config.Config, config.Problems, error) {
	files := []string{o.path}
	if o.directory {
		var err error
		if files, err = list(o.path); err != nil {
			return nil, nil, err
		}
	}
	var document config.Document
	left := o.limit
	for _, file := range files {
		text, err := read(file, left)
		if err != nil {
			return nil, nil, err
		}
		if left -= int64(len(text)); left < 0 {
			return nil, nil, fmt.Errorf("read the configuration: with %s it is larger than %d MiB", file, o.limit>>20)
		}
		document.AddTOML(file, text)
	}
	c, problems := document.Decode()
	return c, problems, nil
}

// list finds the files in a directory and below it, in the order of their
// names. Names that begin with a dot do not count: editors and volumes of
// containers keep other versions there.
func list(directory string) ([]string, error) {
	var files []string
	// The file system of a directory follows it when it is a link.
	err := fs.WalkDir(os.DirFS(directory), ".", func(name string, entry fs.DirEntry, err error) error {
		path := filepath.Join(directory, filepath.FromSlash(name))
		switch {
		case err != nil:
			return explain(path, err)
		case name != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && strings.HasSuffix(name, extension):
			if files = append(files, path); len(files) > maxFiles {
				return fmt.Errorf("the configuration %s has more than %d files", directory, maxFiles)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("the configuration %s is a directory without %s files", directory, extension)
	}
	return files, nil
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
