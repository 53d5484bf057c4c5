package store

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// lookAfter is how often files are looked at although the system would
	// tell: network file systems do not tell what others write.
	lookAfter = 10 * time.Second
	// lookAlone is how often they are looked at when the system does not tell.
	lookAlone = 2 * time.Second
	// rewatchAfter is how long directories that appear may gather before they
	// are watched too.
	rewatchAfter = 20 * time.Millisecond
)

// watch has the system tell of changes, and looks itself now and then.
func (f *files) watch(ctx context.Context, changed func(), report reporter) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		f.look(ctx, lookAlone, changed, report, err)
		return
	}
	defer watcher.Close()
	w := &filesWatch{files: f, watcher: watcher}
	if err := w.rewatch(); err != nil {
		f.look(ctx, lookAlone, changed, report, err)
		return
	}
	changed()
	w.run(ctx, changed, report)
}

// look polls: it compares what can be seen of the files without reading them.
func (f *files) look(ctx context.Context, every time.Duration, changed func(), report reporter, why error) {
	report(fmt.Sprintf("the system does not tell when files change; they are looked at every %s", every), why)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := ""; ctx.Err() == nil; {
		if now := f.appearance(); now != last {
			last = now
			changed()
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// appearance is what can be seen of the files without reading them.
func (f *files) appearance() string {
	keys := []string{""}
	if f.directory {
		found, err := walk(f.path)
		if err != nil {
			return err.Error()
		}
		keys = found
	}
	var b strings.Builder
	for _, key := range keys {
		info, err := os.Stat(f.title(key))
		if err != nil {
			fmt.Fprintln(&b, err)
			continue
		}
		fmt.Fprintln(&b, key, info.Size(), info.ModTime().UnixNano(), info.Mode(), identity(info))
	}
	return b.String()
}

// filesWatch is the state of a watch that the system helps with.
type filesWatch struct {
	files   *files
	watcher *fsnotify.Watcher
	places  places
	seen    string // the appearance at the last look
	lame    bool   // the system does not tell any more
}

func (w *filesWatch) run(ctx context.Context, changed func(), report reporter) {
	tick := time.NewTicker(lookAfter)
	defer tick.Stop()
	w.seen = w.files.appearance()
	var soon <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.watcher.Events:
			if !w.places.concern(e) {
				continue
			}
			if soon == nil && e.Op&(fsnotify.Create|fsnotify.Remove|fsnotify.Rename) != 0 {
				soon = time.After(rewatchAfter)
			}
			changed()
			continue
		case <-w.watcher.Errors: // events were lost
		case <-soon:
			soon = nil
		case <-tick.C:
			if now := w.files.appearance(); now == w.seen {
				continue
			} else {
				w.seen = now
			}
		}
		if err := w.rewatch(); err != nil && !w.lame {
			w.lame = true
			report(fmt.Sprintf("the system does not tell when files change; they are looked at every %s", lookAfter), err)
		}
		changed()
	}
}

// rewatch watches the directories that matter now, and no others.
func (w *filesWatch) rewatch() error {
	w.places = w.files.places()
	watched := w.watcher.WatchList()
	for _, directory := range watched {
		if w.places[directory] == nil {
			_ = w.watcher.Remove(directory) // it may have gone of its own accord
		}
	}
	for directory := range w.places {
		// A directory that was replaced by another of its name is watched
		// anew; for others this changes nothing.
		if err := w.watcher.Add(directory); err != nil && exists(directory) {
			return fmt.Errorf("watch %s: %w", directory, err)
		}
	}
	return nil
}

// places are the directories in which something can happen that makes another
// configuration, each with the names that matter there; "" among them stands
// for all that may be part of a configuration.
type places map[string]map[string]bool

func (p places) add(directory, name string) {
	if p[directory] == nil {
		p[directory] = map[string]bool{}
	}
	p[directory][name] = true
}

// concern reports whether an event is about something that matters.
func (p places) concern(e fsnotify.Event) bool {
	if p[e.Name] != nil {
		return true
	}
	directory, name := filepath.Split(e.Name)
	names := p[filepath.Clean(directory)]
	switch {
	case names[name] || names[""] && name == journalName:
		return true
	case !names[""] || strings.HasPrefix(name, "."):
		return false
	}
	return isConfiguration(name) || !strings.Contains(name, ".") || e.Op&fsnotify.Create == 0 && e.Op&fsnotify.Write == 0
}

// places finds the directories to watch: those of the configuration, and those
// that hold the links that lead to it and its files.
func (f *files) places() places {
	p := places{}
	root := p.way(f.path)
	if !f.directory {
		return p
	}
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // read reports it
		case path != root && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.IsDir():
			p.add(path, "")
		case entry.Type() == fs.ModeSymlink && isConfiguration(path):
			p.way(path)
		}
		return nil
	})
	return p
}

// maxLinks is how many links a path may lead over.
const maxLinks = 40

// way adds the directories that hold the links on the way that a path leads,
// and the one that holds what it leads to, or would. It returns that.
func (p places) way(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	const root = string(filepath.Separator)
	at, rest, links := root, parts(path), 0
	for len(rest) > 0 {
		next := filepath.Join(at, rest[0])
		info, err := os.Lstat(next)
		if err != nil {
			p.add(at, rest[0])
			return next
		}
		if info.Mode().Type() == fs.ModeSymlink && links < maxLinks {
			links++
			p.add(at, rest[0])
			to, err := os.Readlink(next)
			if err != nil {
				return next
			}
			if filepath.IsAbs(to) {
				at = root
			}
			rest = slices.Concat(parts(to), rest[1:])
			continue
		}
		at, rest = next, rest[1:]
	}
	p.add(filepath.Dir(at), filepath.Base(at))
	return at
}

// parts splits a path.
func parts(path string) []string {
	return slices.DeleteFunc(strings.Split(path, string(filepath.Separator)), func(part string) bool { return part == "" || part == "." })
}
