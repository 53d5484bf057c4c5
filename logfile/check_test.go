package logfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entries returns what is in a directory.
func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestCheckSaysWhatOpenWouldAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "there.log"), []byte("kept\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := os.Stat("/proc/self")
	hasProc := err == nil // where nobody may write, not even root
	for _, c := range []struct{ path, wrong string }{
		{filepath.Join(dir, "there.log"), ""},
		{filepath.Join(dir, "new.log"), ""},
		{filepath.Join(dir, "a", "b", "new.log"), ""},
		{dir, "is a directory"},
		{filepath.Join(dir, "there.log", "new.log"), "not a directory"},
		{"/proc/nodir/x.log", "/proc/nodir: "},
		{"/proc/x.log", "/proc/x.log: "},
	} {
		inProc := strings.HasPrefix(c.path, "/proc")
		if inProc && !hasProc {
			continue
		}
		err := Series{Path: c.path}.Check()
		if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: %v, want one with %q", c.path, err, c.wrong)
		}
		if left := entries(t, dir); len(left) != 1 || left[0] != "there.log" {
			t.Fatalf("%s: there are %v", c.path, left)
		}
		if !inProc {
			continue
		}
		if opened, err := Open(Series{Path: c.path}, nil); err == nil {
			opened.Close()
			t.Errorf("%s can be opened", c.path)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "there.log")); string(text) != "kept\n" {
		t.Errorf("the log holds %q, %v", text, err)
	}
}
