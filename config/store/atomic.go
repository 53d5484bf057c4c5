package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// writeFile replaces a file, or makes one, with the directories it stands in.
// Whatever happens meanwhile, the file is the old or the new one, whole, and
// when writeFile returns the new one is on disk. Where the path is a link, the
// file that it leads to is replaced. The directory has been locked.
func writeFile(path, data string) error {
	path = resolve(path)
	prepared, err := prepare(path, data)
	if err != nil {
		return err
	}
	if err := replace(prepared, path); err != nil {
		os.Remove(prepared)
		return err
	}
	return nil
}

// temporary returns the name under which the next content of a file is
// prepared. It begins with a dot, so that no reader takes it for a file of the
// configuration.
func temporary(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".saving")
}

// prepare writes the next content of a file to disk, beside it and with its
// rights.
func prepare(path, data string) (string, error) {
	if err := makeDirectory(filepath.Dir(path)); err != nil {
		return "", err
	}
	name := temporary(path)
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a writer that was killed
		return "", err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(data)
	if err == nil {
		err = takeRights(f, path)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(name)
		return "", err
	}
	return name, nil
}

// takeRights gives a new file the owner and mode of the one it replaces; of its
// directory, without the right to enter, when there is none: what may list the
// names may read them.
func takeRights(f *os.File, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		if info, err = os.Stat(filepath.Dir(path)); err != nil {
			return err
		}
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		if f.Chown(int(owner.Uid), int(owner.Gid)) != nil {
			_ = f.Chown(-1, int(owner.Gid)) // only root may give files away
		}
	}
	return f.Chmod(info.Mode().Perm() &^ 0o111)
}

// replace gives a file its name, for good.
func replace(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(to))
}

// syncDirectory puts the names in a directory on disk.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // a file system that has no such notion
	}
	return errors.Join(err, d.Close())
}

// makeDirectory makes a directory and those above it, each with the rights of
// the one it stands in.
func makeDirectory(path string) error {
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
		}
		return nil
	}
	parent := filepath.Dir(path)
	if err := makeDirectory(parent); err != nil {
		return err
	}
	info, err := os.Stat(parent)
	if err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700|info.Mode().Perm()&^0o022); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	return syncDirectory(parent)
}

// resolve returns where a path leads when it is a link, or stands below one.
func resolve(path string) string {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		return to
	}
	if to, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(to, filepath.Base(path))
	}
	return path
}
