package route

import "math/bits"

// byteSet is a set of bytes among those of which paths in normal form consist,
// and a few more.
type byteSet struct {
	low  [2]uint32 // from ' '; halves, for a uint64 would be aligned to 8 bytes
	high uint32    // from '`'
}

// fitting returns how many bytes of a text stand before the first that a set
// cannot hold.
func fitting(text string) int {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x80 {
			return i
		}
	}
	return len(text)
}

// add adds a byte that fits.
func (s *byteSet) add(c byte) {
	if i := c - ' '; i < 64 {
		s.low[i/32] |= 1 << (i % 32)
	} else {
		s.high |= 1 << (i - 64)
	}
}

// place returns how many bytes of the set are less than c. ok reports whether c
// is one of the set.
func (s *byteSet) place(c byte) (n uint32, ok bool) {
	low := uint64(s.low[1])<<32 | uint64(s.low[0])
	i := c - ' '
	if i < 64 {
		bit := uint64(1) << i
		return uint32(bits.OnesCount64(low & (bit - 1))), low&bit != 0
	}
	bit := uint32(1) << (i - 64) // 0 for what does not fit
	return uint32(bits.OnesCount64(low) + bits.OnesCount32(s.high&(bit-1))), s.high&bit != 0
}
