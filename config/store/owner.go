package store

import (
	"fmt"
	"io/fs"
	"syscall"
)

// ownerOf names the owner of a file.
func ownerOf(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("owner %d:%d", stat.Uid, stat.Gid)
	}
	return "owner unknown"
}
