package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// explain makes an error of the file system one that helps to repair it.
func explain(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("read the configuration: %w", err)
	}
	path = unreadable(path)
	who := "user " + fmt.Sprint(os.Geteuid())
	info, statErr := os.Stat(path)
	if statErr != nil {
		return fmt.Errorf("read the configuration: %w for %s, as %s", fs.ErrPermission, path, who)
	}
	mode := "u+r"
	if info.IsDir() {
		mode = "u+rx"
	}
	return fmt.Errorf("read the configuration: %w for %s (%s, mode %04o), as %s; give it to that user (chown %d %s && chmod %s %s), or let all read it (chmod a%s %s)",
		fs.ErrPermission, path, owner(info), info.Mode().Perm(), who, os.Geteuid(), path, mode, path, mode[1:], path)
}

// unreadable returns the directory on the way to path that may not be entered,
// or else path.
func unreadable(path string) string {
	for _, err := os.Stat(path); errors.Is(err, fs.ErrPermission); _, err = os.Stat(path) {
		parent := filepath.Dir(path)
		if parent == path {
			break
		}
		path = parent
	}
	return path
}

// owner names the owner and group of a file.
func owner(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("owner %d:%d", stat.Uid, stat.Gid)
	}
	return "owner unknown"
}

// explainSave makes an error of saving one that helps to repair it. That of nil
// is nil.
func explainSave(path string, err error) error {
	var why string
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC):
		why = "the disk is full; nothing has been changed"
	case errors.Is(err, syscall.EDQUOT):
		why = "the quota of the disk is used up; nothing has been changed"
	case errors.Is(err, syscall.EROFS):
		why = "its file system is read-only, as those of ConfigMaps and Secrets are: change it at its source"
	case errors.Is(err, syscall.EBUSY):
		why = "the file is mounted by itself and cannot be replaced; mount the directory that it stands in"
	case errors.Is(err, fs.ErrPermission):
		directory := filepath.Dir(resolve(path))
		why = fmt.Sprintf("user %d may not make files in %s; a file is replaced as a whole, so its directory must be writable (chown %d %s)",
			os.Geteuid(), directory, os.Geteuid(), directory)
	default:
		return fmt.Errorf("save the configuration %s: %w", path, err)
	}
	return fmt.Errorf("save the configuration %s: %s (%w)", path, why, err)
}

// identity tells one file from another of the same name.
func identity(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Ino)
	}
	return 0
}
