package message

// Spares keeps what has served exchanges for those that follow. It belongs to one
// loop. The zero value is empty and ready for use.
type Spares[T any] struct {
	kept []*T
}

// maxSpares bounds what is kept: a rush of exchanges must not hold its memory for
// ever.
const maxSpares = 1024

// Take returns what was kept last, whose memory is the warmest, or nil.
func (s *Spares[T]) Take() *T {
	last := len(s.kept) - 1
	if last < 0 {
		return nil
	}
	t := s.kept[last]
	s.kept[last] = nil
	s.kept = s.kept[:last]
	return t
}

// Keep takes t, or leaves it to the garbage collector where there are 1024 already.
func (s *Spares[T]) Keep(t *T) {
	if len(s.kept) < maxSpares {
		s.kept = append(s.kept, t)
	}
}
