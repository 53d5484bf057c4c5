package route

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"
)

// indexer makes an index.
type indexer struct {
	index
	// What is to be in the tree for every host and in those by host, in order
	// of rank.
	everyItems                []item
	exactItems, wildcardItems map[string][]item

	labels []byte // becomes the text of the index
}

// item is a location in a tree.
type item struct {
	text string // what paths begin with, or are
	entry
	whole bool // whether the text is the whole path
}

// newIndex makes the index of locations, which stand in the order of their
// ranks.
func newIndex(locations []*location) index {
	ix := indexer{
		index:         index{locations: locations, runs: make([]run, 1)}, // 0 has no complement but nothing
		exactItems:    map[string][]item{},
		wildcardItems: map[string][]item{},
	}
	for _, loc := range locations {
		ix.insert(loc)
	}
	ix.plant("", ix.everyItems)
	ix.exact = ix.table(ix.exactItems)
	ix.wildcard = ix.table(ix.wildcardItems)
	ix.text = string(ix.labels)
	return ix.index
}

// insert notes a location for the trees of its hosts, or for that for every
// host, where also those are whose hosts only an expression can tell.
func (ix *indexer) insert(loc *location) {
	item := newItem(loc)
	hasRegexp := false
	for i := range loc.hosts {
		switch h := &loc.hosts[i]; h.kind {
		case hostExact:
			ix.exactItems[h.name] = append(ix.exactItems[h.name], item)
		case hostWildcard:
			ix.wildcardItems[h.name] = append(ix.wildcardItems[h.name], item)
			ix.noteLabels(strings.Count(h.name, ".") + 1)
		case hostRegexp:
			hasRegexp = true
		}
	}
	if hasRegexp {
		item.check |= checkHost
		ix.everyItems = append(ix.everyItems, item)
	} else if len(loc.hosts) == 0 {
		ix.everyItems = append(ix.everyItems, item)
	}
}

func (ix *indexer) noteLabels(n int) {
	for len(ix.wildcardLabels) <= n {
		ix.wildcardLabels = append(ix.wildcardLabels, false)
	}
	ix.wildcardLabels[n] = true
}

func newItem(loc *location) item {
	i := item{
		text:  loc.path.text,
		entry: entry{rank: loc.rank, captures: loc.captures},
		whole: loc.path.kind == pathExact,
	}
	if len(loc.conditions) > 0 {
		i.check |= checkConditions
	}
	if loc.path.kind == pathRegexp {
		i.check |= checkPath
		i.text = i.text[:fitting(i.text)]
	}
	return i
}

// table makes the trees of hosts and the table that leads to them.
func (ix *indexer) table(trees map[string][]item) hostTable {
	t := newHostTable(len(trees))
	for host, items := range trees {
		t.add(host, ix.plant(host, items))
	}
	return t
}

// plant makes a tree, and returns its first node. The next nodes, which are also
// the next in memory, are that node's children.
func (ix *indexer) plant(host string, items []item) (root uint32) {
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.rank, b.rank))
	})
	root = ix.add(host)
	ix.grow(root, items, 0, trial{nothing, math.MaxInt32})
	return root
}

// add adds a node, which grow completes.
func (ix *indexer) add(label string) (n uint32) {
	n = uint32(len(ix.nodes))
	ix.nodes = append(ix.nodes, node{label: uint32(len(ix.labels)), length: uint32(len(label))})
	ix.labels = append(ix.labels, label...)
	return n
}

// trial is a choice and the lowest rank in it.
type trial struct {
	choice choice
	lowest int32
}

// grow makes what is at a node and below. Its items are sorted by text, and
// share the first bytes of that, which are the path to the node. above is what
// to try for paths that lead there.
func (ix *indexer) grow(n uint32, items []item, length int, above trial) {
	own := leading(items, func(i *item) bool { return len(i.text) == length })
	prefix := ix.trial(own, false, above)
	whole := ix.trial(own, true, prefix)
	below := items[len(own):]

	first := uint32(len(ix.nodes))
	var firsts byteSet
	for rest := below; len(rest) > 0; {
		same := sharing(rest, length)
		firsts.add(same[0].text[length])
		// What the first and the last of sorted texts share, all of them do.
		shared := commonPrefix(same[0].text[length:], same[len(same)-1].text[length:])
		ix.add(same[0].text[length:][:shared])
		rest = rest[len(same):]
	}
	node := &ix.nodes[n]
	node.firsts, node.child = firsts, first
	node.prefix, node.whole = prefix.choice, whole.choice

	child := first
	for rest := below; len(rest) > 0; child++ {
		same := sharing(rest, length)
		ix.grow(child, same, length+int(ix.nodes[child].length), prefix)
		rest = rest[len(same):]
	}
}

// trial returns what to try where items are, either those for the whole path or
// the others, and then next. Items that are never reached are left out.
func (ix *indexer) trial(items []item, whole bool, next trial) trial {
	r := run{first: uint32(len(ix.entries)), next: next.choice}
	lowest := next.lowest
	for _, i := range items {
		if i.whole != whole {
			continue
		}
		ix.entries = append(ix.entries, i.entry)
		lowest = min(lowest, i.rank)
		if i.check == 0 {
			if i.rank < next.lowest {
				r.next = nothing
			}
			break
		}
	}
	own := ix.entries[r.first:]
	switch {
	case len(own) == 0:
		return next
	case len(own) == 1 && own[0].check == 0 && !own[0].captures && r.next == nothing:
		ix.entries = ix.entries[:r.first]
		return trial{choice(lowest), lowest}
	}
	r.end = uint32(len(ix.entries))
	ix.runs = append(ix.runs, r)
	return trial{^choice(len(ix.runs) - 1), lowest}
}

// leading returns the first items, as far as they are of a kind. The others
// stand behind them.
func leading(items []item, is func(*item) bool) []item {
	return items[:sort.Search(len(items), func(i int) bool { return !is(&items[i]) })]
}

// sharing returns the first items, as far as they have the same byte in their
// texts.
func sharing(items []item, at int) []item {
	c := items[0].text[at]
	return leading(items, func(i *item) bool { return i.text[at] == c })
}

func commonPrefix(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}
