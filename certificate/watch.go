package certificate

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"

	"pingap/config"
)

const (
	// lookEvery is how often files are looked at.
	lookEvery = 2 * time.Second
	// restFor bounds what looking costs when there are very many: it rests for
	// so many times as long as it took.
	restFor = 500
)

// File is one that a certificate, a key or a list of authorities is read from,
// as it was at one time.
type File struct {
	Path string
	was  stamp
}

// stamp tells one content of a path from another. That of a path that leads
// nowhere is zero.
type stamp struct {
	modified time.Time
	size     int64
	info     os.FileInfo // tells a file from one that was put in its place
}

// FilesOf returns the files that values name, in each form that Spec.Cert has,
// as they are now. To miss no change, ask before they are read.
func FilesOf(values ...string) (files []File) {
	for _, v := range values {
		if strings.TrimSpace(v) == "" || asPEM([]byte(v)) != nil {
			continue
		}
		path, err := config.ExpandHome(strings.TrimSpace(v))
		if err != nil {
			continue
		}
		if was := look(path); was.exists() || looksLikePath(path) {
			files = append(files, File{path, was})
		}
	}
	return files
}

// look follows links, as Kubernetes puts secrets in place by changing one.
func look(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size(), info}
}

func (s stamp) exists() bool { return s.info != nil }

func (s stamp) equal(other stamp) bool {
	if !s.exists() || !other.exists() {
		return s.exists() == other.exists()
	}
	return s.modified.Equal(other.modified) && s.size == other.size && os.SameFile(s.info, other.info)
}

// Watcher tells when files change that something was read from: certificates
// are often renewed in place, under a configuration that stays the same. It
// looks at them from time to time, which works on every file system. It is safe
// for concurrent use.
type Watcher struct {
	changed func(path string)
	stop    context.CancelFunc
	stopped sync.WaitGroup

	mu    sync.Mutex
	files map[string]*watched
}

// watched is what is known about one file.
type watched struct {
	known stamp // what is in use, or has been reported
	last  stamp // at the last look
}

// NewWatcher returns one that has nothing to look at until Use. It calls changed
// with the path of a file that has another content; the call must not wait for
// Close. A file that is being written is not reported before it rests, and
// nothing is reported twice, so a content that turns out to be wrong causes no
// storm.
func NewWatcher(changed func(path string)) *Watcher {
	ctx, stop := context.WithCancel(context.Background())
	w := &Watcher{changed: changed, stop: stop, files: map[string]*watched{}}
	w.stopped.Go(func() { w.run(ctx) })
	return w
}

// Use makes files those that are looked at, and what they were when FilesOf
// listed them what is in use.
func (w *Watcher) Use(files []File) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.files
	w.files = make(map[string]*watched, len(files))
	for _, f := range files {
		last := f.was
		if b := before[f.Path]; b != nil {
			last = b.last
		}
		w.files[f.Path] = &watched{known: f.was, last: last}
	}
}

// Close ends looking.
func (w *Watcher) Close() {
	w.stop()
	w.stopped.Wait()
}

func (w *Watcher) run(ctx context.Context) {
	pause := lookEvery
	for {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		began := time.Now()
		path := w.look()
		pause = max(lookEvery, restFor*time.Since(began))
		if path != "" {
			w.changed(path)
		}
	}
}

// look returns one of the files that have changed since they were read, once all
// of those rest; "" for none. A certificate and its key are two files, and what
// renews them writes one after the other.
func (w *Watcher) look() (path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	resting := true
	var found []*watched
	for p, f := range w.files {
		now := look(p)
		if now.exists() && !now.equal(f.known) {
			found = append(found, f)
			path = max(path, p)
		}
		resting = resting && now.equal(f.last)
		f.last = now
	}
	if !resting {
		return ""
	}
	for _, f := range found {
		f.known = f.last
	}
	return path
}
