package store

import (
	"os"
	"syscall"
	"testing"
)

// smallDisk returns a directory on a disk of 1 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, "size=1m"); err != nil {
		if os.Geteuid() == 0 {
			t.Fatal(err)
		}
		// skip: only root may mount a disk, and the tests of root cover it
		t.Skipf("a disk that is full needs the right to mount one: %v", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(directory, syscall.MNT_DETACH)) })
	return directory
}

// room returns how many bytes are free on a disk.
func room(t *testing.T, disk string) int {
	t.Helper()
	var s syscall.Statfs_t
	must(t, syscall.Statfs(disk, &s))
	return int(s.Bavail) * int(s.Bsize)
}
