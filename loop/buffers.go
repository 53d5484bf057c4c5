package loop

import "slices"

// bufferClasses are the sizes of buffers, smallest first: a head, a small
// exchange, and two for bodies.
var bufferClasses = [...]int{4 << 10, 16 << 10, 64 << 10, 256 << 10}

// keptPerClass bounds the memory that a loop keeps in free buffers of one size,
// keptAtRest that which it keeps when it does not need more for a while.
const (
	keptPerClass = 16 << 20
	keptAtRest   = 1 << 20
)

// buffers are the free buffers of a loop, a stack for each class: the one
// given back last is the one still in the processor's cache.
type buffers struct {
	free  [len(bufferClasses)][][]byte
	least [len(bufferClasses)]int // how many have been free all the time since dropSurplus
	out   int
}

// Buffer returns a buffer of at least n bytes (its length is that of its size
// class: 4, 16, 64 or 256 KiB; beyond, exactly n). Its content is undefined.
// Whoever takes a buffer gives it back with Release.
func (l *Loop) Buffer(n int) []byte {
	l.mustBeHere()
	b := &l.buffers
	b.out++
	for class, size := range bufferClasses {
		if n > size {
			continue
		}
		if kept := len(b.free[class]); kept > 0 {
			buffer := b.free[class][kept-1]
			b.free[class] = b.free[class][:kept-1]
			b.least[class] = min(b.least[class], kept-1)
			return buffer
		}
		return make([]byte, size)
	}
	return make([]byte, n)
}

// Release takes back a buffer of this loop. No view of it may be used
// afterwards; the poison build overwrites it to find those who do, and panics
// when one is released twice.
func (l *Loop) Release(buffer []byte) {
	l.mustBeHere()
	b := &l.buffers
	b.out--
	buffer = buffer[:cap(buffer)]
	poison(buffer)
	for class, size := range bufferClasses {
		if len(buffer) != size {
			continue
		}
		checkNotFree(b.free[class], buffer)
		if kept := len(b.free[class]); kept < keptPerClass/size {
			b.free[class] = append(b.free[class], buffer)
			l.watchSurplus(kept >= keptAtRest/size)
		}
		return
	}
}

// dropSurplus drops buffers that nobody has needed since it was last called,
// those that have been there longest. It reports whether there are more than a
// loop keeps at rest.
func (b *buffers) dropSurplus() (more bool) {
	for class, size := range bufferClasses {
		atRest := keptAtRest / size
		if n := min(b.least[class], len(b.free[class])-atRest); n > 0 {
			b.free[class] = slices.Delete(b.free[class], 0, n)
		}
		b.least[class] = len(b.free[class])
		more = more || len(b.free[class]) > atRest
	}
	return more
}
