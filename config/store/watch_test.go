package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// patience bounds how long tests wait for what must happen.
const patience = 20 * time.Second

// watched is a watch of a test.
type watched struct {
	*Store
	signals <-chan struct{}
	told    chan string
	seen    string // revision
}

// watch begins to watch a store from what it holds now.
func watch(t *testing.T, s *Store) *watched {
	t.Helper()
	w := &watched{Store: s, told: make(chan string, 100)}
	if snapshot, err := s.Read(t.Context()); err == nil {
		w.seen = snapshot.Revision()
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	w.signals = s.Watch(ctx, w.seen, func(message string, trouble error) {
		if trouble != nil {
			message += ": " + trouble.Error()
		}
		w.told <- message
	})
	return w
}

// expect waits for a signal after which the store is as wanted.
func (w *watched) expect(t *testing.T, want func(*Snapshot, error) bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case <-w.signals:
			snapshot, err := w.Read(t.Context())
			for errors.Is(err, ErrUnreachable) && t.Context().Err() == nil { // a loaded machine is slow to answer
				snapshot, err = w.Read(t.Context())
			}
			if want(snapshot, err) {
				return
			}
		case <-timeout:
			snapshot, err := w.Read(t.Context())
			t.Fatalf("the change was not told; the store is %+v, %v", snapshot, err)
		}
	}
}

// hears waits until the watch has told of something with all of these parts, and
// returns that. On a busy machine it may tell of a short loss before.
func (w *watched) hears(t *testing.T, parts ...string) string {
	t.Helper()
	timeout := time.After(patience)
	var heard []string
	for {
		select {
		case got := <-w.told:
			if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(got, part) }) {
				return got
			}
			heard = append(heard, got)
		case <-timeout:
			t.Fatalf("told %q, not of %q", heard, parts)
		}
	}
}

// has tells whether there is an upstream with an address.
func has(name, addr string) func(*Snapshot, error) bool {
	return func(s *Snapshot, err error) bool {
		if err != nil {
			return false
		}
		item, _ := s.Item("upstreams", name)
		return item.Text == upstream(name, addr).Text
	}
}

func TestChangesOfFilesAreTold(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"p.toml", "conf", "conf?separation"} {
		directory := t.TempDir()
		s := open(t, filepath.Join(directory, location))
		must(t, s.Save(t.Context(), "", upstream("a", "1.1.1.1")))
		w := watch(t, s)
		must(t, open(t, filepath.Join(directory, location)).Save(t.Context(), "", upstream("a", "2.2.2.2")))
		w.expect(t, has("a", "2.2.2.2"))
		must(t, s.Save(t.Context(), "", upstream("b", "3.3.3.3")))
		w.expect(t, has("b", "3.3.3.3"))
		if location == "p.toml" {
			write(t, directory, "p.toml", upstream("c", "4.4.4.4").Text) // in place, as some editors do
		} else {
			write(t, directory, "conf/deep/below/c.toml", upstream("c", "4.4.4.4").Text)
		}
		w.expect(t, has("c", "4.4.4.4"))
	}
}

func TestFilesThatDisappearAndComeBackAreTold(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"p.toml", "conf/a.toml"} {
		directory := t.TempDir()
		path := write(t, directory, name, upstream("a", "1.1.1.1").Text)
		top := filepath.Join(directory, filepath.Dir(name))
		if name == "p.toml" {
			top = path
		}
		w := watch(t, open(t, top))
		must(t, os.Rename(top, top+".away"))
		w.expect(t, func(_ *Snapshot, err error) bool { return errors.Is(err, ErrEmpty) })
		must(t, os.Rename(top+".away", top))
		w.expect(t, has("a", "1.1.1.1"))
		write(t, directory, name, upstream("a", "2.2.2.2").Text)
		w.expect(t, has("a", "2.2.2.2"))
	}
}

func TestExchangedLinksOfContainersAreTold(t *testing.T) {
	t.Parallel()
	for _, below := range []string{"", "/p.toml"} {
		directory := t.TempDir()
		write(t, directory, "..first/p.toml", upstream("a", "1.1.1.1").Text)
		must(t, os.Symlink("..first", filepath.Join(directory, "..data")))
		must(t, os.Symlink("..data/p.toml", filepath.Join(directory, "p.toml")))
		w := watch(t, open(t, directory+below))
		for version, addr := range map[string]string{"..second": "2.2.2.2", "..third": "3.3.3.3"} {
			write(t, directory, version+"/p.toml", upstream("a", addr).Text)
			must(t, os.Symlink(version, filepath.Join(directory, "..data_tmp")))
			must(t, os.Rename(filepath.Join(directory, "..data_tmp"), filepath.Join(directory, "..data")))
			w.expect(t, has("a", addr))
		}
	}
}

func TestChangeBetweenReadingAndWatchingIsTold(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "p.toml", upstream("a", "1.1.1.1").Text)
	s := open(t, path)
	snapshot, err := s.Read(t.Context())
	must(t, err)
	must(t, s.Save(t.Context(), "", upstream("a", "2.2.2.2")))
	signals := s.Watch(t.Context(), snapshot.Revision(), func(string, error) {})
	select {
	case <-signals:
	case <-time.After(patience):
		t.Error("it was not told")
	}
}

func TestOthersInTheDirectoryAreNotToldOf(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	path := write(t, directory, "conf/p.toml", upstream("a", "1.1.1.1").Text)
	f := &files{path: filepath.Dir(path), directory: true, limit: maxSize}
	p := f.places()
	for name, want := range map[string]bool{"pingap.log": false, "conf/.p.toml.swp": false, "conf/pingap.log": false, "conf": true, "conf/q.toml": true, "conf/sub": true} {
		if got := p.concern(eventAt(filepath.Join(directory, name))); got != want {
			t.Errorf("%s matters: %v", name, got)
		}
	}
}

func TestFilesAreLookedAtWhereTheSystemDoesNotTell(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	path := write(t, directory, "p.toml", upstream("a", "1.1.1.1").Text)
	f := &files{path: directory, directory: true, limit: maxSize}
	ctx, cancel := context.WithCancel(t.Context())
	changes, told := make(chan struct{}, 100), make(chan string, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.look(ctx, time.Millisecond, func() { changes <- struct{}{} }, func(m string, _ error) { told <- m }, errors.New("no inotify"))
	}()
	<-told
	<-changes // what is there at first
	must(t, os.WriteFile(path, []byte(upstream("a", "22.22.22.22").Text), 0o644))
	<-changes
	must(t, os.Remove(path))
	<-changes
	cancel()
	<-done
}

func TestChangesThatComeTogetherAreToldOnce(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir()+"?separation")
	must(t, s.Save(t.Context(), "", upstream("a", "1.1.1.1")))
	w := watch(t, s)
	dirty := make(chan struct{}, 1)
	raise(dirty)
	go func() {
		for range 20 {
			raise(dirty)
		}
	}()
	if !settled(t.Context(), dirty) {
		t.Error("not settled")
	}
	must(t, s.Save(t.Context(), "", upstream("a", "1.1.1.1"), upstream("b", "1.1.1.1"), upstream("c", "1.1.1.1")))
	w.expect(t, has("c", "1.1.1.1"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if settled(ended, make(chan struct{})) {
		t.Error("settled after the end")
	}
}

// eventAt is what the system tells of a file that was written.
func eventAt(path string) fsnotify.Event { return fsnotify.Event{Name: path, Op: fsnotify.Write} }
