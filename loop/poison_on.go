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
