package certificate

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// watching is a directory of files with a Watcher, which a test looks through
// whenever it likes.
type watching struct {
	*Watcher
	t   *testing.T
	dir string
}

func newWatching(t *testing.T, names ...string) *watching {
	t.Helper()
	w := &watching{&Watcher{}, t, t.TempDir()}
	for _, name := range names {
		w.write(name, "first")
	}
	w.Use(w.now(names...))
	return w
}

func (w *watching) path(name string) string { return filepath.Join(w.dir, name) }

func (w *watching) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watching) now(names ...string) []File {
	var paths []string
	for _, name := range names {
		paths = append(paths, w.path(name))
	}
	return FilesOf(paths...)
}

// sees looks as often as there are names, and checks what is reported.
func (w *watching) sees(names ...string) {
	w.t.Helper()
	var got []string
	for range names {
		name := ""
		if path := w.look(); path != "" {
			name = filepath.Base(path)
		}
		got = append(got, name)
	}
	if !slices.Equal(got, names) {
		w.t.Errorf("looks reported %q, want %q", got, names)
	}
}

func TestWatcherReportsAChangeOnceItRests(t *testing.T) {
	w := newWatching(t, "cert.pem", "key.pem")
	w.sees("", "")
	w.write("cert.pem", "second")
	w.sees("") // it may not be complete
	w.write("key.pem", "second")
	w.sees("", "key.pem", "", "") // both have changed: one report is enough
	w.write("cert.pem", "third, which nobody can use")
	w.sees("", "cert.pem", "", "")
	w.Use(w.now("cert.pem", "key.pem"))
	w.sees("", "")
}

func TestWatcherNoticesWhatIsPutInPlace(t *testing.T) {
	w := newWatching(t, "cert.pem")
	modified := time.Now().Add(-time.Hour)
	if err := os.Chtimes(w.path("cert.pem"), modified, modified); err != nil {
		t.Fatal(err)
	}
	w.Use(w.now("cert.pem"))
	w.sees("")
	// Another file of the same size and time.
	w.write("new", "other")
	if err := os.Chtimes(w.path("new"), modified, modified); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(w.path("cert.pem")); err != nil {
		t.Fatal(err)
	}
	w.sees("", "") // a file that is gone is no reason to do anything
	if err := os.Rename(w.path("new"), w.path("cert.pem")); err != nil {
		t.Fatal(err)
	}
	w.sees("", "cert.pem", "")
}

func TestWatcherFollowsLinks(t *testing.T) {
	w := newWatching(t, "old", "new")
	for i, target := range []string{"old", "new"} {
		os.Remove(w.path("link"))
		if err := os.Symlink(target, w.path("link")); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			w.Use(w.now("link"))
		}
	}
	w.sees("", "link", "")
}

func TestWatcherMissesNothingBetweenReadingAndUse(t *testing.T) {
	w := newWatching(t, "cert.pem")
	files := w.now("cert.pem")
	w.write("cert.pem", "second")
	w.Use(files)
	w.sees("", "cert.pem", "")
}

func TestWatcherLooksFromTimeToTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cert.pem")
	synctest.Test(t, func(t *testing.T) {
		reports := make(chan string, 1)
		w := NewWatcher(func(path string) { reports <- path })
		defer w.Close()
		w.Use(FilesOf(path))
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if got := <-reports; got != path || time.Since(began) != 2*lookEvery {
			t.Errorf("got %q after %v", got, time.Since(began))
		}
	})
}

func TestFilesOfTakesPathsAlone(t *testing.T) {
	t.Setenv("HOME", "/home/ann")
	leaf := newLeaf(t, nil, newECDSA(t), "a.test")
	var got []string
	for _, f := range FilesOf("", " ", certPEM(leaf), "~/cert.pem", " /etc/key.pem\n", "nonsense of no kind") {
		got = append(got, f.Path)
	}
	if want := []string{"/home/ann/cert.pem", "/etc/key.pem"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
