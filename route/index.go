package route

import (
	"math"
	"strings"
)

// index finds locations by host, then by path. It is a radix tree of paths for
// each host and one for all hosts, in a few arrays without pointers: in a large
// table a look elsewhere in memory takes as long as all the rest, so a choice
// has to be made with few of them, and of little memory. An [indexer] makes it.
type index struct {
	exact    hostTable
	wildcard hostTable // by what follows "*."
	// wildcardLabels tells whether any of those has so many labels: nothing is
	// looked up in vain, not even for a host with thousands of dots.
	wildcardLabels []bool

	nodes     []node // the tree for every host begins with the first one
	text      string // labels
	runs      []run
	entries   []entry
	locations []*location // by rank
}

// node stands for what some paths begin with. Its children are for the paths
// that go on from there, and stand side by side in the order of their labels.
type node struct {
	firsts byteSet // first byte of each child's label
	child  uint32  // index of the first child
	// The label is what is added to the parent's path. That of a tree's first
	// node is the host.
	label, length uint32
	// prefix leads to the locations for paths that begin with the node's, here
	// and above; whole leads to those and the ones for exactly this path.
	prefix, whole choice
}

// choice says which locations to try. From 0 it is the rank of one for which
// nothing is left to check; below nothing it is the complement of a run's index.
type choice int32

const nothing choice = -1

// run is a list of entries in order of rank, after which next is tried.
type run struct {
	first, end uint32 // within index.entries
	next       choice
}

// entry is a location in a run.
type entry struct {
	rank     int32
	check    check
	captures bool
}

// noEntry ranks behind all others.
var noEntry = entry{rank: math.MaxInt32}

// check says what of a location the way through the index has not settled.
type check uint8

const (
	checkHost check = 1 << iota
	checkPath
	checkConditions
)

// find returns the entry of lowest rank that matches, or noEntry.
func (ix *index) find(r *request) entry {
	best := noEntry
	if root := ix.exact.find(ix, r.host); root != 0 {
		best = ix.try(ix.descend(root, r.path), r, best)
	}
	end := len(r.host)
	for labels := 1; labels < len(ix.wildcardLabels); labels++ {
		end = strings.LastIndexByte(r.host[:end], '.')
		if end <= 0 { // a wildcard stands for one label at least
			break
		}
		if !ix.wildcardLabels[labels] {
			continue
		}
		if root := ix.wildcard.find(ix, r.host[end+1:]); root != 0 {
			best = ix.try(ix.descend(root, r.path), r, best)
		}
	}
	return ix.try(ix.descend(0, r.path), r, best)
}

// descend returns what there is to try for a path in a tree.
func (ix *index) descend(root uint32, path string) choice {
	n := &ix.nodes[root]
	for path != "" {
		i, ok := n.firsts.place(path[0])
		if !ok {
			return n.prefix
		}
		child := &ix.nodes[n.child+i]
		label := ix.label(child)
		if !strings.HasPrefix(path, label) {
			return n.prefix
		}
		n, path = child, path[len(label):]
	}
	return n.whole
}

func (ix *index) label(n *node) string { return ix.text[n.label:][:n.length] }

// try returns the entry of lowest rank that matches and is a choice's, if its
// rank is lower than best's, and else best.
func (ix *index) try(c choice, r *request, best entry) entry {
	for c < nothing {
		run := &ix.runs[^c]
		for _, e := range ix.entries[run.first:run.end] {
			if e.rank >= best.rank {
				break
			}
			if e.check == 0 || ix.locations[e.rank].matches(e.check, r) {
				best = e
				break
			}
		}
		c = run.next
	}
	if c >= 0 && int32(c) < best.rank {
		return entry{rank: int32(c)}
	}
	return best
}

// matches settles what is left to check.
func (loc *location) matches(left check, r *request) bool {
	if left&checkConditions != 0 && !loc.conditionsHold(r) {
		return false
	}
	if left&checkHost != 0 && !loc.hostMatches(r.host) {
		return false
	}
	return left&checkPath == 0 || loc.path.matches(r.path)
}

func (loc *location) conditionsHold(r *request) bool {
	for i := range loc.conditions {
		if !loc.conditions[i].holds(&r.x.Request) {
			return false
		}
	}
	return true
}

func (loc *location) hostMatches(host string) bool {
	for i := range loc.hosts {
		if loc.hosts[i].matches(host) {
			return true
		}
	}
	return len(loc.hosts) == 0
}
