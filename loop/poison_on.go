//go:build poison

package loop

// poison overwrites a released buffer, so that a view kept too long shows.
func poison(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
}
