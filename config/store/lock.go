package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	// lockWait bounds how long another process is waited for.
	lockWait = 10 * time.Second
	lockPoll = 5 * time.Millisecond
)

// lockToSave keeps others from saving and reading files in a directory until
// the function that it returns is called.
func lockToSave(ctx context.Context, directory string) (unlock func(), err error) {
	return lock(ctx, directory, syscall.LOCK_EX)
}

// lockToRead keeps others from saving files in a directory until the function
// that it returns is called. Who reads a single file needs no lock.
func lockToRead(ctx context.Context, directory string) (unlock func(), err error) {
	return lock(ctx, directory, syscall.LOCK_SH)
}

// lock locks the directory itself, so that no file is left behind, nor a lock
// when the process dies. File systems that know no locks do without.
func lock(ctx context.Context, directory string, how int) (func(), error) {
	d, err := os.Open(directory)
	if err != nil {
		return nil, explain(directory, err)
	}
	unlock := func() { d.Close() }
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(d.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return unlock, nil
		}
		select {
		case <-ctx.Done():
			unlock()
			return nil, fmt.Errorf("another process is saving the configuration in %s and does not come to an end (%w)", directory, ctx.Err())
		case <-tick.C:
		}
	}
}
