package cache

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"pingap/loop"
)

// Fills see to it that one exchange at a time asks the upstream for a key, while
// the others wait for what it brings. It is safe for use by all loops.
type Fills struct {
	seed   maphash.Seed
	mu     sync.Mutex // held for less than a microsecond
	flying map[string]*Fill
	// futile are hashes of keys whose answer could not be stored last time. Nobody
	// waits for those, as all would have to go one by one.
	futile [futile]atomic.Uint64
}

// futile is for how many keys that is remembered. A key that is forgotten costs one
// wait.
const futile = 4096

// Fill is the way of an exchange to the upstream for a key.
type Fill struct {
	fills   *Fills
	key     string
	void    bool // somebody has said meanwhile that what it brings is out of date
	waiters []*waiter
}

// waiter is an exchange that waits for a fill. What changes belongs to its loop.
type waiter struct {
	loop      *loop.Loop
	coroutine *loop.Coroutine
	woken     bool
	gone      bool
}

// NewFills returns Fills without any.
func NewFills() *Fills {
	return &Fills{seed: maphash.MakeSeed(), flying: make(map[string]*Fill)}
}

// Futile reports whether the last answer for key could not be stored.
func (f *Fills) Futile(key []byte) bool {
	hash := maphash.Bytes(f.seed, key)
	return f.futile[hash%futile].Load() == hash
}

// SetFutile notes whether an answer for key could be stored.
func (f *Fills) SetFutile(key []byte, is bool) {
	hash := maphash.Bytes(f.seed, key)
	place := &f.futile[hash%futile]
	switch {
	case is:
		place.Store(hash)
	case place.Load() == hash:
		place.Store(0)
	}
}

// Begin returns a fill that the caller has to End, or nil where there is one for
// key already.
func (f *Fills) Begin(key []byte) *Fill {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flying[string(key)] != nil {
		return nil
	}
	fill := &Fill{fills: f, key: string(key)}
	f.flying[fill.key] = fill
	return fill
}

// Wait parks until the fill for key has ended, which may be now. At the deadline
// (loop time, ns) it returns os.ErrDeadlineExceeded, and if the client leaves the
// reason for that.
func (f *Fills) Wait(l *loop.Loop, key []byte, deadline int64) error {
	w := &waiter{loop: l, coroutine: l.Current()}
	f.mu.Lock()
	fill := f.flying[string(key)]
	if fill != nil {
		fill.waiters = append(fill.waiters, w)
	}
	f.mu.Unlock()
	if fill == nil {
		return nil
	}
	defer func() { w.gone = true }()
	for !w.woken {
		if err := l.ParkUntil(deadline); err != nil {
			return err
		}
	}
	return nil
}

// Void says that what is on its way for key must not be stored.
func (f *Fills) Void(key []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fill := f.flying[string(key)]; fill != nil {
		fill.void = true
	}
}

// VoidAll says so for all keys.
func (f *Fills) VoidAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fill := range f.flying {
		fill.void = true
	}
}

// End lets those go on that wait. store, which may be nil, is called before, unless
// the fill is void.
func (fill *Fill) End(store func()) {
	f := fill.fills
	f.mu.Lock()
	if store != nil && !fill.void {
		store() // under the lock, so that Void and a removal that follows come before or after
	}
	delete(f.flying, fill.key)
	waiters := fill.waiters
	f.mu.Unlock()
	for _, w := range waiters {
		w.loop.Post(w.wake)
	}
}

func (w *waiter) wake() {
	w.woken = true
	if !w.gone {
		w.coroutine.Wake()
	}
}
