package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"pingap/config"
)

const (
	// maxSize bounds a configuration, all its files together.
	maxSize = 64 << 20
	// maxFiles bounds their number.
	maxFiles = 100_000
	// maxTries bounds how often a save begins anew because others saved
	// something else meanwhile.
	maxTries = 20
)

// Store is where a configuration is kept. Its methods may be called by any
// goroutine.
type Store struct {
	medium  medium
	layout  layout
	only    string // the key of the single text
	title   string // what the user named it, without secrets
	history bool
	cache   string // the file that Keep writes; "" for none

	reached  atomic.Bool // the medium has answered once
	missed   atomic.Bool // the medium was out of reach for somebody since a watch looked last
	watching sync.WaitGroup
	end      context.Context // done when the store is closed
	cancel   context.CancelFunc
}

// medium is what texts are kept in. Keys are paths with slashes.
type medium interface {
	// read returns all texts as they are at one moment, by key.
	read(ctx context.Context) ([]text, error)
	// commit makes all changes or none, and keeps the records. It returns
	// errMoved when a text is not what the change begins with, or the texts are
	// not those that were seen.
	commit(ctx context.Context, s *save) error
	// records returns what is kept of an item, of every item for the zero id.
	records(ctx context.Context, item id) ([]record, error)
	// watch calls changed whenever there may be something new, until ctx ends.
	watch(ctx context.Context, changed func(), report reporter)
	// title names a text in messages.
	title(key string) string
	close() error
}

// reporter takes what is to be told about a watch; trouble is nil when it is
// over.
type reporter func(message string, trouble error)

// errMoved tells that something has been saved since it was read.
var errMoved = errors.New("the configuration has been changed in the meantime")

// ErrEmpty is what the error of Load wraps when there is no configuration at
// all: none that is wrong, or could not be read.
var ErrEmpty = errors.New("there is no configuration")

// empty is an error that wraps ErrEmpty and says more.
type empty string

func (e empty) Error() string        { return string(e) }
func (e empty) Is(target error) bool { return target == ErrEmpty }

// String returns the place of the store as the user named it, without a
// password.
func (s *Store) String() string { return s.title }

// Close ends what the store has under way and lets go of what it holds. It
// waits for watches to end.
func (s *Store) Close() error {
	s.cancel()
	s.watching.Wait()
	return s.medium.close()
}

// Load is Read and Snapshot.Decode in one.
func (s *Store) Load() (*config.Config, config.Problems, error) {
	snapshot, err := s.Read(context.Background())
	if err != nil {
		return nil, nil, err
	}
	c, problems := snapshot.Decode()
	return c, problems, nil
}

// Read returns the configuration as it is stored now. The error says that
// something could not be read at all; it wraps ErrEmpty when there is nothing.
// How long it may take is bounded, whether or not ctx is.
func (s *Store) Read(ctx context.Context) (*Snapshot, error) {
	texts, err := s.medium.read(ctx)
	if errors.Is(err, ErrUnreachable) && s.cache != "" && !s.reached.Load() {
		return s.readCopy(err)
	}
	if err == nil || errors.Is(err, ErrEmpty) {
		s.reached.Store(true)
	}
	if errors.Is(err, ErrUnreachable) {
		s.missed.Store(true)
	}
	if err != nil {
		return nil, err
	}
	return s.snapshot(texts, ""), nil
}

func (s *Store) snapshot(texts []text, notice string) *Snapshot {
	return &Snapshot{Notice: notice, texts: texts, layout: s.layout, only: s.only, title: s.medium.title}
}

// Save makes edits, all or none, in the name of author, who is noted in the
// history. It returns when they are on disk, or acknowledged by etcd. The error
// is a *Conflict when an item is not what its edit says it was; then, as with
// every other error, nothing has been saved. The exceptions are an etcd that does
// not answer in time, which may have done it all the same, and files that the
// system does not let the process replace after it has let it prepare for that:
// then the error says that everything has been saved.
//
// Whether the configuration is right is not looked at: the caller checks what
// Snapshot.With returns, or lets SaveIf ask.
func (s *Store) Save(ctx context.Context, author string, edits ...Edit) error {
	return s.SaveIf(ctx, author, nil, edits...)
}

// SaveIf is Save of edits that depend on the rest of the configuration too. check
// is given the configuration as it would be; its error ends the save and is
// returned. What is saved is what check has seen: when somebody has saved
// something meanwhile, be it of another item, check is asked again.
func (s *Store) SaveIf(ctx context.Context, author string, check func(after *Snapshot) error, edits ...Edit) error {
	return s.rewrite(ctx, func(before *Snapshot) (*save, error) {
		after, err := before.With(edits...)
		if err != nil {
			return nil, err
		}
		plan := &save{changes: after.changes(before)}
		if check != nil {
			if err := check(after); err != nil {
				return nil, err
			}
			plan.seen = append([]text{}, before.texts...)
		}
		plan.records, err = s.recordsOf(ctx, before, author, edits)
		return plan, err
	})
}

// rewrite changes what is stored as f decides, and begins anew when somebody
// else has changed it meanwhile.
func (s *Store) rewrite(ctx context.Context, f func(before *Snapshot) (*save, error)) error {
	for range maxTries {
		before, err := s.readToChange(ctx)
		if err != nil {
			return err
		}
		plan, err := f(before)
		if err != nil || plan == nil || len(plan.changes) == 0 {
			return err
		}
		err = s.medium.commit(ctx, plan)
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return fmt.Errorf("save the configuration in %s: others save all the time; tried %d times", s, maxTries)
}

// readToChange reads what a change begins with: there may be nothing yet.
func (s *Store) readToChange(ctx context.Context) (*Snapshot, error) {
	before, err := s.Read(ctx)
	switch {
	case errors.Is(err, ErrEmpty):
		return s.snapshot(nil, ""), nil
	case err != nil:
		return nil, err
	case before.Notice != "":
		return nil, fmt.Errorf("save the configuration in %s: %s", s, before.Notice)
	}
	return before, nil
}
