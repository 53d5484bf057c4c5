package loop

// A descriptor's number is not its identity: the kernel gives it out again at
// once. What the poller reports is therefore a key made of a slot's index and
// the generation of its tenant, so that an event for a connection that has
// been closed in the meantime finds nobody.

// pollable is what a slot holds: a connection or an acceptor.
type pollable interface {
	deliver(bits eventBits)
	closeWithLoop()
}

type slot struct {
	generation uint32
	tenant     pollable // nil when free
}

type slots struct {
	table []slot
	free  []uint32
}

// take gives p a slot and returns its key.
func (s *slots) take(p pollable) uint64 {
	var index uint32
	if n := len(s.free); n > 0 {
		index = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		index = uint32(len(s.table))
		s.table = append(s.table, slot{})
	}
	s.table[index].tenant = p
	return uint64(s.table[index].generation)<<32 | uint64(index)
}

// release frees the slot of key; events that are still on their way for it
// are lost.
func (s *slots) release(key uint64) {
	index := uint32(key)
	s.table[index].tenant = nil
	s.table[index].generation++
	s.free = append(s.free, index)
}

func (s *slots) lookup(key uint64) pollable {
	index, generation := uint32(key), uint32(key>>32)
	if uint64(index) >= uint64(len(s.table)) || s.table[index].generation != generation {
		return nil
	}
	return s.table[index].tenant
}

// holds reports whether p is still the tenant it was when it had key.
func (s *slots) holds(p pollable, key uint64) bool { return s.lookup(key) == p }

func (s *slots) closeAll() {
	for i := range s.table {
		if tenant := s.table[i].tenant; tenant != nil {
			tenant.closeWithLoop()
		}
	}
}

// closeAcceptors lets nobody in any more.
func (s *slots) closeAcceptors() {
	for i := range s.table {
		if a, ok := s.table[i].tenant.(*Acceptor); ok {
			a.Close()
		}
	}
}
