package route

import "strings"

// index finds locations by host, then by path.
type index struct {
	exact    map[string]*tree
	wildcard map[string]*tree // by what follows "*."
	// wildcardLabels is how many labels the longest of those has: a host with
	// thousands of dots is looked up no more often than that.
	wildcardLabels int
	// rest has the locations for every host, and those whose hosts only an
	// expression can tell.
	rest tree
}

// insert adds a location. Locations come in the order of their ranks.
func (ix *index) insert(loc *location) {
	hasRegexp := false
	for i := range loc.hosts {
		switch h := &loc.hosts[i]; h.kind {
		case hostExact:
			subtree(&ix.exact, h.name).insert(loc, 0)
		case hostWildcard:
			subtree(&ix.wildcard, h.name).insert(loc, 0)
			ix.wildcardLabels = max(ix.wildcardLabels, strings.Count(h.name, ".")+1)
		case hostRegexp:
			hasRegexp = true
		}
	}
	if hasRegexp {
		ix.rest.insert(loc, checkHost)
	} else if len(loc.hosts) == 0 {
		ix.rest.insert(loc, 0)
	}
}

func subtree(trees *map[string]*tree, name string) *tree {
	if *trees == nil {
		*trees = map[string]*tree{}
	}
	t := (*trees)[name]
	if t == nil {
		t = &tree{}
		(*trees)[name] = t
	}
	return t
}

// finish makes the index ready for use; nothing may be inserted after it.
func (ix *index) finish() {
	for _, t := range ix.exact {
		t.root.link(nil)
	}
	for _, t := range ix.wildcard {
		t.root.link(nil)
	}
	ix.rest.root.link(nil)
}

// find returns an entry of the location of lowest rank that matches, or nil.
func (ix *index) find(r *request) *entry {
	var best *entry
	if t := ix.exact[r.host]; t != nil {
		best = t.find(r, best)
	}
	for end, labels := len(r.host), 0; labels < ix.wildcardLabels; labels++ {
		dot := strings.LastIndexByte(r.host[:end], '.')
		if dot <= 0 { // a wildcard stands for one label at least
			break
		}
		if t := ix.wildcard[r.host[dot+1:]]; t != nil {
			best = t.find(r, best)
		}
		end = dot
	}
	return ix.rest.find(r, best)
}

// tree finds locations by path: a radix tree of what paths are, or begin with.
// An expression stands at the literal text that it begins with, if it does.
type tree struct {
	root node
}

type node struct {
	label    string // what is added to the parent's path; of the root ""
	whole    []entry
	prefixes []entry
	up       *node  // the nearest node above with prefixes
	firsts   string // first byte of each child's label
	children []node
}

// entry is a location at a node. Entries of one node are in order of rank.
// What a choice needs of a location is copied into it, because in a large table
// each look elsewhere in memory takes as long as all the rest.
type entry struct {
	loc      *location
	rank     int32
	check    check
	captures bool
}

// check says what of a location the way through the index has not settled.
type check uint8

const (
	checkHost check = 1 << iota
	checkPath
	checkConditions
)

// matches settles the rest.
func (e *entry) matches(r *request) bool {
	if e.check&checkConditions != 0 && !e.loc.conditionsHold(r) {
		return false
	}
	if e.check&checkHost != 0 && !e.loc.hostMatches(r.host) {
		return false
	}
	return e.check&checkPath == 0 || e.loc.path.matches(r.path)
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

func (t *tree) insert(loc *location, check check) {
	if len(loc.conditions) > 0 {
		check |= checkConditions
	}
	if loc.path.kind == pathRegexp {
		check |= checkPath
	}
	n := t.root.descend(loc.path.text)
	e := entry{loc, loc.rank, check, loc.captures}
	if loc.path.kind == pathExact {
		n.whole = append(n.whole, e)
	} else {
		n.prefixes = append(n.prefixes, e)
	}
}

// descend returns the node for a text below n, and makes it if there is none.
func (n *node) descend(text string) *node {
	for text != "" {
		i := strings.IndexByte(n.firsts, text[0])
		if i < 0 {
			n.firsts += text[:1]
			n.children = append(n.children, node{label: text})
			return &n.children[len(n.children)-1]
		}
		n = &n.children[i]
		common := commonPrefix(n.label, text)
		if common < len(n.label) {
			n.split(common)
		}
		text = text[common:]
	}
	return n
}

// split puts a node for the first bytes of n's label above the rest.
func (n *node) split(at int) {
	below := *n
	below.label = n.label[at:]
	*n = node{label: n.label[:at], firsts: below.label[:1], children: []node{below}}
}

func commonPrefix(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}

// link sets up in n and all below. It comes last: until then nodes move.
func (n *node) link(up *node) {
	n.up = up
	if len(n.prefixes) > 0 {
		up = n
	}
	for i := range n.children {
		n.children[i].link(up)
	}
}

// find returns the entry of lowest rank that matches, if its rank is lower
// than best's, and else best.
func (t *tree) find(r *request, best *entry) *entry {
	n, rest := &t.root, r.path
	for rest != "" {
		i := strings.IndexByte(n.firsts, rest[0])
		if i < 0 {
			break
		}
		child := &n.children[i]
		if !strings.HasPrefix(rest, child.label) {
			break
		}
		n, rest = child, rest[len(child.label):]
	}
	if rest == "" {
		best = first(n.whole, r, best)
	}
	// What is longest comes first: it mostly has the lowest rank, and spares
	// the expressions above.
	for ; n != nil; n = n.up {
		best = first(n.prefixes, r, best)
	}
	return best
}

func first(entries []entry, r *request, best *entry) *entry {
	for i := range entries {
		e := &entries[i]
		if best != nil && e.rank >= best.rank {
			break
		}
		if e.check == 0 || e.matches(r) {
			return e
		}
	}
	return best
}
