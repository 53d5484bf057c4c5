package loop

import (
	"sync"
	"sync/atomic"
)

// mailbox is how other goroutines reach a loop: a list of functions, and a
// descriptor of the poller that ends its wait. Only a post to a sleeping loop
// takes a system call.
type mailbox struct {
	asleep atomic.Bool // the loop is about to wait, or waits
	count  atomic.Int64

	mu     sync.Mutex
	posts  []func()
	closed bool

	spare []func() // owned by the loop: the list it ran last, emptied
}

// keptPosts bounds the list that is kept after a storm of posts.
const keptPosts = 4096

// Post makes fn run on the loop, between coroutines, in the order of posting.
// fn must not park. It may be called from any goroutine and never blocks for
// longer than the list takes to append to. It reports false, and fn never
// runs, when the loop has ended.
func (l *Loop) Post(fn func()) bool {
	m := &l.mailbox
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.posts = append(m.posts, fn)
	m.count.Add(1)
	// Under the lock, so that the loop cannot end in between and its
	// descriptor become that of somebody else.
	if m.asleep.CompareAndSwap(true, false) {
		l.poller.wake()
	}
	return true
}

func (m *mailbox) pending() bool { return m.count.Load() > 0 }

// sleep announces that the loop is going to wait; it reports false when there
// is something to run first.
func (m *mailbox) sleep() bool {
	m.asleep.Store(true)
	if m.pending() {
		m.asleep.Store(false)
		return false
	}
	return true
}

func (m *mailbox) awake() { m.asleep.Store(false) }

// run calls what had been posted when it began; later posts wait for the next
// turn, so that a storm of them does not shut out the sockets.
func (m *mailbox) run(l *Loop) {
	m.mu.Lock()
	posts := m.posts
	m.posts = m.spare[:0]
	m.count.Store(0)
	m.mu.Unlock()
	for i, fn := range posts {
		posts[i] = nil
		l.call(fn)
		l.between(i + 1)
	}
	m.spare = nil
	if cap(posts) <= keptPosts {
		m.spare = posts[:0]
	}
}

// call runs a callback and keeps a panic from ending the loop.
func (l *Loop) call(fn func()) {
	defer func() {
		if r := recover(); r != nil {
			l.panicked(r)
		}
		l.flushDirty()
	}()
	fn()
}

// close lets no more in and runs what is left.
func (m *mailbox) close(l *Loop) {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.run(l)
}
