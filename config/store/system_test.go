//go:build !linux

package store

import (
	"testing"
)

// smallDisk ends the test where no small disk can be made.
func smallDisk(t *testing.T) string {
	t.Helper()
	// skip: tmpfs is Linux's
	t.Skip("a disk that is full is made on Linux only")
	return ""
}

func room(*testing.T, string) int { return 0 }
