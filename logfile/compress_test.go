package logfile

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// files writes files that are so many days old.
func files(t *testing.T, now time.Time, days map[string]int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, age := range days {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Repeat(name+"\n", 1000)), 0o640); err != nil {
			t.Fatal(err)
		}
		written := now.AddDate(0, 0, -age)
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Once every old file of the directory was compressed, logs or not; and the end
// of the name was replaced, so that the second day met the file of the first.
func TestOldFilesOfTheSeriesAloneAreCompressed(t *testing.T) {
	now := time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)
	days := map[string]int{
		"a.log.2026-08-08": 12, "a.log.2026-08-09": 11, "a.log.2026-08-19": 1, "a.log.2026-08-20": 30,
		"a.log.1": 30, "b.log.2026-08-08": 12, "a.log.2026-08-01.gz": 19, "a.log": 30, "precious": 400, "2026-08-08": 30,
	}
	for algorithm, extension := range extensions {
		dir := files(t, now, days)
		c := Compression{Algorithm: algorithm, Age: 7 * 24 * time.Hour}
		done, err := c.Compress(Series{filepath.Join(dir, "a.log"), Daily}, now)
		if err != nil || len(done) != 2 {
			t.Errorf("%v, %v", done, err)
		}
		var want []string
		for name := range days {
			if name == "a.log.2026-08-08" || name == "a.log.2026-08-09" {
				name += extension
			}
			want = append(want, name)
		}
		slices.Sort(want)
		if got := list(t, dir); !slices.Equal(got, want) {
			t.Errorf("%s leaves %v, want %v", algorithm, got, want)
		}
		path := filepath.Join(dir, "a.log.2026-08-09"+extension)
		if got := expand(t, path); got != strings.Repeat("a.log.2026-08-09\n", 1000) {
			t.Errorf("%s holds %d bytes", path, len(got))
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o640 || !info.ModTime().Equal(now.AddDate(0, 0, -11)) {
			t.Errorf("%s has mode %v and is of %v", path, info.Mode(), info.ModTime())
		}
		if again, err := c.Compress(Series{filepath.Join(dir, "a.log"), Daily}, now); len(again) > 0 || err != nil {
			t.Errorf("again: %v, %v", again, err)
		}
	}
}

func expand(t *testing.T, path string) string {
	t.Helper()
	compressed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		r, err := gzip.NewReader(bytes.NewReader(compressed))
		if err != nil {
			t.Fatal(err)
		}
		return readAll(t, r)
	}
	r, err := zstd.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return readAll(t, r)
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFilesOfADirectoryAreCompressedByTheirPeriod(t *testing.T) {
	now := time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)
	dir := files(t, now, map[string]int{"2026-08-08": 12, "2026-08-08-11": 12, "other": 12})
	done, err := Compression{Algorithm: "gzip", Level: 99}.Compress(Series{dir, Daily}, now)
	if err != nil || len(done) != 1 || filepath.Base(done[0]) != "2026-08-08.gz" {
		t.Errorf("%v, %v", done, err)
	}
}

func TestCompressedFileThatIsThereIsNotReplaced(t *testing.T) {
	now := time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)
	dir := files(t, now, map[string]int{"a.2026-08-08": 12, "a.2026-08-08.zst": 12, "a.2026-08-09": 11})
	done, err := Compression{Algorithm: "zstd"}.Compress(Series{filepath.Join(dir, "a"), Daily}, now)
	if len(done) != 1 || err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("%v, %v", done, err)
	}
	if got := list(t, dir); !slices.Equal(got, []string{"a.2026-08-08", "a.2026-08-08.zst", "a.2026-08-09.zst"}) {
		t.Errorf("there are %v", got)
	}
}

func TestNothingIsLeftOfACompressionThatFails(t *testing.T) {
	now := time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)
	dir := files(t, now, map[string]int{"a.2026-08-08": 12})
	if done, err := (Compression{Algorithm: "rar"}).Compress(Series{filepath.Join(dir, "a"), Daily}, now); len(done) > 0 || err == nil {
		t.Errorf("%v, %v", done, err)
	}
	if got := list(t, dir); !slices.Equal(got, []string{"a.2026-08-08"}) {
		t.Errorf("there are %v", got)
	}
	if done, err := (Compression{}).Compress(Series{"/nowhere/a", Daily}, now); done != nil || err != nil {
		t.Errorf("%v, %v", done, err)
	}
	if done, err := (Compression{}).Compress(Series{filepath.Join(dir, "a"), Never}, now); done != nil || err != nil {
		t.Errorf("%v, %v", done, err)
	}
}
