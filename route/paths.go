package route

import (
	"cmp"
	"slices"
	"strings"
)

// rules are rules in the order in which they win.
type rules[T any] []*rule[T]

func (rs rules[T]) sort() {
	slices.SortFunc(rs, func(a, b *rule[T]) int {
		return cmp.Or(b.weight-a.weight, a.order-b.order)
	})
}

// find considers the rules until none behind could win any more.
func (rs rules[T]) find(s *search[T]) {
	for _, r := range rs {
		if !s.consider(r) {
			return
		}
	}
}

// paths are the rules for one host, by path.
type paths[T any] struct {
	exact   map[string]rules[T]
	prefix  node[T]
	regexps rules[T]
}

func (p *paths[T]) add(r rule[T], path string) error {
	exact, prefix, re, err := splitPath(path)
	switch {
	case err != nil:
		return err
	case re != nil:
		r.path = re
		p.regexps = append(p.regexps, &r)
	case exact != "":
		if p.exact == nil {
			p.exact = make(map[string]rules[T])
		}
		p.exact[exact] = append(p.exact[exact], &r)
	default:
		// What is not a path, the * of OPTIONS or the nothing of CONNECT,
		// belongs to whoever takes any path.
		p.prefix.add(strings.TrimPrefix(prefix, "/"), &r)
	}
	return nil
}

func (p *paths[T]) finish() {
	for _, rs := range p.exact {
		rs.sort()
	}
	p.regexps.sort()
	p.prefix.finish()
}

func (p *paths[T]) find(s *search[T]) {
	if p.exact != nil {
		p.exact[s.path].find(s)
	}
	p.prefix.find(s, strings.TrimPrefix(s.path, "/"))
	p.regexps.find(s)
}

// node is a node of a radix tree of prefixes: the rules of all nodes on the way
// to where a path leaves the tree match it.
type node[T any] struct {
	label    string // what leads here from the parent
	rules    rules[T]
	first    []byte // first byte of each child's label, in the order of children
	children []*node[T]
}

func (n *node[T]) add(prefix string, r *rule[T]) {
	for prefix != "" {
		child := n.child(prefix[0])
		if child == nil {
			child = &node[T]{label: prefix}
			n.first = append(n.first, prefix[0])
			n.children = append(n.children, child)
		}
		common := commonPrefix(child.label, prefix)
		if common < len(child.label) {
			child.split(common)
		}
		n, prefix = child, prefix[common:]
	}
	n.rules = append(n.rules, r)
}

// split puts a node of the first length bytes of the label above the rest.
func (n *node[T]) split(length int) {
	lower := *n
	lower.label = n.label[length:]
	*n = node[T]{label: n.label[:length], first: []byte{lower.label[0]}, children: []*node[T]{&lower}}
}

func (n *node[T]) child(first byte) *node[T] {
	if i := slices.Index(n.first, first); i >= 0 {
		return n.children[i]
	}
	return nil
}

func (n *node[T]) find(s *search[T], path string) {
	for {
		n.rules.find(s)
		if path == "" {
			return
		}
		n = n.child(path[0])
		if n == nil || !strings.HasPrefix(path, n.label) {
			return
		}
		path = path[len(n.label):]
	}
}

func (n *node[T]) finish() {
	n.rules.sort()
	for _, child := range n.children {
		child.finish()
	}
}

func commonPrefix(a, b string) int {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return i
}
