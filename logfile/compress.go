package logfile

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Compression says how old files of logs are compressed.
type Compression struct {
	// Algorithm is gzip or zstd.
	Algorithm string
	// Level is from 1 to 9 for gzip and to 22 for zstd; 0 is the best for
	// gzip, and 9 for zstd.
	Level int
	// Age is how long a file has not been written before it is compressed.
	Age time.Duration
}

// extensions are added to the whole name: two days of one log must not become
// one file.
var extensions = map[string]string{"gzip": ".gz", "zstd": ".zst"}

// Compress compresses those files of the series that are old enough, and
// removes the originals. Files that are not of the series are left alone, as is
// the present one. It goes on after an error, and returns what it has
// compressed and all errors.
func (c Compression) Compress(s Series, now time.Time) (done []string, err error) {
	names, err := s.old(now)
	if err != nil {
		return nil, fmt.Errorf("compress old logs: %w", err)
	}
	var failed []error
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() || now.Sub(info.ModTime()) < c.Age {
			continue
		}
		if err := c.compress(name, info); err != nil {
			failed = append(failed, fmt.Errorf("compress %s: %w", name, err))
			continue
		}
		done = append(done, name+extensions[c.Algorithm])
	}
	return done, errors.Join(failed...)
}

// old returns the files of the series but the present one.
func (s Series) old(now time.Time) (names []string, err error) {
	if s.Rolling == Never {
		return nil, nil
	}
	directory, prefix, layout := filepath.Dir(s.Path), filepath.Base(s.Path), string(s.Rolling)
	if s.isDirectory() {
		directory, prefix, layout = filepath.Clean(s.Path), "", layout[1:]
	}
	entries, err := os.ReadDir(directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	present := s.name(now)
	for _, e := range entries {
		period, ok := strings.CutPrefix(e.Name(), prefix)
		name := filepath.Join(directory, e.Name())
		if _, err := time.Parse(layout, period); ok && err == nil && name != present {
			names = append(names, name)
		}
	}
	return names, nil
}

// compress replaces a file by its compressed form, which appears when it is
// whole.
func (c Compression) compress(name string, info fs.FileInfo) (err error) {
	from, err := os.Open(name)
	if err != nil {
		return err
	}
	defer from.Close()
	target := name + extensions[c.Algorithm]
	if _, err := os.Lstat(target); err == nil {
		return fmt.Errorf("%s is there already; remove one of both", target)
	}
	to, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(target)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name()) // when it has not been renamed
	err = c.copy(to, from)
	err = errors.Join(err, to.Chmod(info.Mode().Perm()), to.Sync(), to.Close())
	if err == nil {
		err = os.Chtimes(to.Name(), time.Time{}, info.ModTime())
	}
	if err == nil {
		err = os.Rename(to.Name(), target)
	}
	if err == nil {
		err = os.Remove(name)
	}
	return err
}

func (c Compression) copy(to io.Writer, from io.Reader) error {
	w, err := c.writer(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, from)
	return errors.Join(err, w.Close())
}

// writer compresses what is written to it. Levels beyond what an algorithm has
// are its highest.
func (c Compression) writer(to io.Writer) (io.WriteCloser, error) {
	switch c.Algorithm {
	case "gzip":
		level := min(c.Level, gzip.BestCompression)
		if level <= 0 {
			level = gzip.BestCompression
		}
		return gzip.NewWriterLevel(to, level)
	case "zstd":
		level := min(c.Level, 22)
		if level <= 0 {
			level = 9
		}
		return zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithEncoderConcurrency(1))
	}
	return nil, fmt.Errorf("%q is no way to compress logs; use gzip or zstd", c.Algorithm)
}
