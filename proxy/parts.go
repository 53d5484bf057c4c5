package proxy

import "sync/atomic"

// part is something that a configuration describes and that lives on when the
// next one describes it in the same way: an upstream with its connections, a
// log, a plugin with what it has counted. Each graph that has it holds it.
type part[S, T any] struct {
	spec    S // what it was made of
	value   T
	holders atomic.Int32
}

// parts are those of a kind that a graph holds.
type parts[S, T any] struct {
	same   func(a, b S) bool
	close  func(T) // what is done with a part when nobody holds it any more
	byName map[string]*part[S, T]
}

func newParts[S, T any](same func(a, b S) bool, end func(T)) *parts[S, T] {
	return &parts[S, T]{same: same, close: end, byName: make(map[string]*part[S, T])}
}

// get returns the part of a name.
func (p *parts[S, T]) get(name string) (value T, ok bool) {
	if held := p.byName[name]; held != nil {
		return held.value, true
	}
	return value, false
}

// carry takes over the part of a name from another graph if it was made of the
// same spec, and reports whether it was. from may be nil.
func (p *parts[S, T]) carry(from *parts[S, T], name string, spec S) bool {
	if from == nil {
		return false
	}
	held := from.byName[name]
	if held == nil || !p.same(held.spec, spec) {
		return false
	}
	held.holders.Add(1)
	p.byName[name] = held
	return true
}

// add takes a part that has just been made.
func (p *parts[S, T]) add(name string, spec S, value T) {
	held := &part[S, T]{spec: spec, value: value}
	held.holders.Store(1)
	p.byName[name] = held
}

// release lets go of all parts, and closes those that no other graph holds.
func (p *parts[S, T]) release() {
	for name, held := range p.byName {
		delete(p.byName, name)
		if held.holders.Add(-1) == 0 {
			p.close(held.value)
		}
	}
}
