package directory

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"
)

// finding is what there is under a name. What is found is in the body, unless it is
// one of the others.
type finding struct {
	name     string // of the file, for its type
	size     int64
	modified time.Time

	redirect bool   // it is a directory, asked for without its slash
	listing  []byte // of a directory
	err      error
}

// root is the directory as far as one request needs it. It is opened anew for each,
// so that a link that is turned to another release takes effect.
type root struct {
	path     string
	confined *os.Root // nil where links may lead out
}

func (d *directory) open() (root, error) {
	r := root{path: d.root}
	if !d.confined {
		return r, nil
	}
	var err error
	r.confined, err = os.OpenRoot(d.root)
	return r, err
}

func (r root) close() {
	if r.confined != nil {
		r.confined.Close()
	}
}

// openFile opens a file or a directory. Opening a pipe does not wait for its other
// end.
func (r root) openFile(name string) (*os.File, fs.FileInfo, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOCTTY
	var f *os.File
	var err error
	if r.confined != nil {
		f, err = r.confined.OpenFile(name, flags, 0)
	} else {
		f, err = os.OpenFile(filepath.Join(r.path, filepath.FromSlash(name)), flags, 0)
	}
	if err != nil {
		if isEscape(err) {
			err = errEscape
		}
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = errNoFile
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// find looks a name up and gives b the file, with its beginning. It runs beside the
// loop.
func (d *directory) find(t target, b *fileBody) finding {
	r, err := d.open()
	if err != nil {
		return finding{err: err}
	}
	defer r.close()
	f, info, err := r.openFile(t.name)
	switch {
	case err != nil:
		return finding{err: err}
	case !info.IsDir() && t.slash:
		f.Close()
		return finding{err: fs.ErrNotExist}
	case !info.IsDir():
		return b.take(f, info, t.name)
	}
	defer f.Close()
	return d.findIn(r, f, t, b)
}

// findIn is find for a directory, which has an index, or is listed.
func (d *directory) findIn(r root, f *os.File, t target, b *fileBody) finding {
	if d.index != "" {
		name := path.Join(t.name, d.index)
		index, info, err := r.openFile(name)
		switch {
		case err == nil && info.IsDir():
			index.Close()
		case err == nil && !t.slash:
			index.Close()
			return finding{redirect: true}
		case err == nil:
			return b.take(index, info, name)
		}
	}
	switch {
	case !d.autoindex:
		return finding{err: fs.ErrNotExist}
	case !t.slash:
		return finding{redirect: true}
	}
	listing, err := list(f, t)
	return finding{listing: listing, err: err}
}

// take gives b a file. A small one is read at once, and needs no other trip.
func (b *fileBody) take(f *os.File, info fs.FileInfo, name string) finding {
	found := finding{name: name, size: info.Size(), modified: info.ModTime()}
	if found.size > leastChunk {
		b.file = f
		return found
	}
	defer f.Close()
	n, err := io.ReadFull(f, b.first[:found.size])
	b.head = b.first[:n]
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		found.size, err = int64(n), nil // it has become shorter
	}
	found.err = err
	return found
}
