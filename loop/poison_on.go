//go:build poison

package loop

// poison overwrites a released buffer, so that a view kept too long shows.
func poison(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
}

// checkNotFree panics when a buffer is released that is free already: two would
// take it next, and each see the bytes of the other.
func checkNotFree(free [][]byte, b []byte) {
	for _, f := range free {
		if &f[0] == &b[0] {
			panic("loop: buffer released twice")
		}
	}
}

// mustBeHere panics when a method of a running loop is called on a goroutine
// that is none of the loop's.
func (l *Loop) mustBeHere() {
	if l.crew.stranger() {
		panic("loop: called from a goroutine that is not the loop's; reach it with Post")
	}
}

// stranger reports whether the calling goroutine is none of a running loop's.
func (c *crew) stranger() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.members[c.caller()]
	return !ok && len(c.members) > 0
}
