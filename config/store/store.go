// Package store is where configurations are kept: a file, or a directory of
// files. An Origin is opened once from what the user named, and loaded as often
// as needed.
package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pingap/config"
)

// Bounds of what is read, far beyond any real configuration.
const (
	maxFile  = 64 << 20
	maxFiles = 100_000
)

// extension is that of configuration files in a directory.
const extension = ".toml"

// Origin is where a configuration comes from.
type Origin struct {
	path      string
	directory bool
}

// Open decides once what a path is: one that exists speaks for itself. It reads
// no configuration.
func Open(path string) (*Origin, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("configuration %s does not exist; name a file, or a directory of %s files", path, extension)
	case err != nil:
		return nil, explain(path, err)
	case info.IsDir():
		return &Origin{path: path, directory: true}, nil
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("configuration %s is neither a file nor a directory", path)
	}
	return &Origin{path: path}, nil
}

// String returns the path.
func (o *Origin) String() string { return o.path }

// Load reads the configuration. An error means that something could not be
// read at all; what is wrong with the texts is in the problems. files are those
// that were read.
func (o *Origin) Load() (c *config.Config, problems config.Problems, files []string, err error) {
	files = []string{o.path}
	if o.directory {
		if files, err = list(o.path); err != nil {
			return nil, nil, nil, err
		}
	}
	root := &config.Node{Kind: config.Table}
	for _, file := range files {
		text, err := read(file)
		if err != nil {
			return nil, nil, nil, err
		}
		problems = append(problems, config.ParseTOML(root, file, text)...)
	}
	c, more := config.Decode(root)
	return c, append(problems, more...), files, nil
}

// list finds the files of a directory and those below it, in the order of
// their names. Names that begin with a dot are passed over, as shells do.
func list(directory string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return explain(path, err)
		}
		if path != directory && strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.IsDir() && filepath.Ext(path) == extension {
			files = append(files, path)
		}
		if len(files) > maxFiles {
			return fmt.Errorf("configuration %s holds more than %d files", directory, maxFiles)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("configuration %s holds no %s files", directory, extension)
	}
	slices.Sort(files)
	return files, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, explain(path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, explain(path, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("configuration %s is larger than %d MiB", path, maxFile>>20)
	}
	return text, nil
}

// explain adds to an error of the file system what helps to repair it.
func explain(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("read configuration: %w", err)
	}
	owner := ""
	if info, statErr := os.Stat(path); statErr == nil {
		owner = fmt.Sprintf(" (%s, mode %04o)", ownerOf(info), info.Mode().Perm())
	}
	return fmt.Errorf("read configuration %s: permission denied%s; the proxy runs as user %d: chown the file to it, or chmod it to be readable",
		path, owner, os.Geteuid())
}
