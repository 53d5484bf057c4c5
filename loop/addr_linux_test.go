package loop_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
)

func TestUnixSocketsWithALeadingAtHaveNoPath(t *testing.T) {
	name := "@pingap-" + filepath.Base(t.TempDir()) + strconv.Itoa(os.Getpid())
	looptest.Run(t, func(l *loop.Loop) {
		dialed, accepted := pingThrough(t, l, loop.Addr{Path: name})
		dialed.Close()
		accepted.Close()
	})
	if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a file for it: %v", err)
	}
}
