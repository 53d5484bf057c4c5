package app

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"
)

// watchProgram looks at the program file whenever the time every is over, and
// lets a new process take over when another version is there. The function that
// it returns ends that. A version with which the new process failed is not tried again.
func watchProgram(every func() time.Duration, next *succession, logger *slog.Logger) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		w := programWatch{tried: next.runs}
		for {
			look := time.NewTimer(max(every(), time.Second))
			select {
			case <-ctx.Done():
				look.Stop()
				return
			case <-look.C:
				if w.changed(versionOf(next.program)) {
					logger.Info("the program file has changed", "file", next.program)
					next.restart("the program file has changed")
				}
			}
		}
	})
	return func() {
		cancel()
		watching.Wait()
	}
}

// programWatch notices a new version of the program.
type programWatch struct {
	tried version // the one that runs, or that was started last
	seen  version // at the last look
}

// changed reports whether a version that has not been tried is there, and was
// at the last look too: one that is being written is not ready to be started.
func (w *programWatch) changed(now version) bool {
	settled := now == w.seen
	w.seen = now
	if !settled || now == w.tried || now == (version{}) {
		return false
	}
	w.tried = now
	return true
}

// version tells one program file from another; zero when there is none.
type version struct {
	inode    uint64
	size     int64
	modified time.Time
}

func versionOf(path string) version {
	info, err := os.Stat(path)
	if err != nil {
		return version{}
	}
	v := version{size: info.Size(), modified: info.ModTime()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		v.inode = uint64(stat.Ino)
	}
	return v
}
