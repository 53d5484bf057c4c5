package store

import (
	"context"
	"errors"
	"time"
)

const (
	// quiet is how long nothing may change until a change is told, so that a
	// handful of files that change together count as one.
	quiet = 100 * time.Millisecond
	// impatience is how long a change may be held back by others.
	impatience = 2 * time.Second
)

// Watch tells when the stored configuration is another one than the one with
// the revision since, and from then on of every change, until ctx ends or the
// store is closed: by others, by this process, or by a text editor; and when it
// can no longer be read. Once more it tells when somebody could not read because
// the store was out of reach: that may have been whom it had told. Changes that
// come together are told once. The channel holds one signal and is never closed.
// Trouble, such as etcd that is out of reach, is reported once when it begins and,
// with a nil error, when it ends; report is called by one goroutine at a time.
func (s *Store) Watch(ctx context.Context, since string, report func(message string, trouble error)) <-chan struct{} {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.end, cancel)
	signals, dirty := make(chan struct{}, 1), make(chan struct{}, 1)
	raise(dirty)
	s.watching.Go(func() {
		defer stop()
		defer cancel()
		s.medium.watch(ctx, func() { raise(dirty) }, report)
	})
	s.watching.Go(func() {
		for last := since; settled(ctx, dirty); {
			missed := s.missed.Swap(false)
			now, err := s.fingerprint(ctx)
			if errors.Is(err, ErrUnreachable) {
				continue
			}
			if (now != last || missed) && ctx.Err() == nil {
				raise(signals)
			}
			last = now
		}
	})
	return signals
}

// ErrUnreachable is wrapped by the errors of a medium that answers again of its
// own accord, and says so to its watch. What it holds has not changed by that.
var ErrUnreachable = errors.New("out of reach")

// fingerprint tells one state of the store from another. The error is one that
// wraps ErrUnreachable, or none.
func (s *Store) fingerprint(ctx context.Context) (string, error) {
	switch snapshot, err := s.Read(ctx); {
	case errors.Is(err, ErrUnreachable):
		return "", err
	case err != nil:
		return err.Error(), nil
	default:
		return snapshot.Revision(), nil
	}
}

// raise sends a signal, unless one is waiting already.
func raise(signal chan<- struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// settled waits for a signal, and until no other has followed it for a while.
// It returns false when ctx has ended.
func settled(ctx context.Context, dirty <-chan struct{}) bool {
	select {
	case <-ctx.Done():
		return false
	case <-dirty:
	}
	deadline := time.After(impatience)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-dirty:
		case <-deadline:
			return true
		case <-time.After(quiet):
			return true
		}
	}
}
