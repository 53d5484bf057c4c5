package route

import "hash/maphash"

// hostTable finds the first node of a host's tree. It is a hash table, at most
// half full, in which a host stands at the first free slot from the one that its
// hash names.
type hostTable struct {
	seed  maphash.Seed
	slots []hostSlot // a power of two of them
}

// hostSlot is free when root is 0, which is the tree for every host.
type hostSlot struct {
	tag  uint32 // of the hash, so that names of other hosts are hardly ever read
	root uint32
}

// newHostTable makes a table for so many hosts.
func newHostTable(hosts int) hostTable {
	size := 2
	for size < 2*hosts {
		size *= 2
	}
	return hostTable{maphash.MakeSeed(), make([]hostSlot, size)}
}

// add adds a host that the table does not have.
func (t *hostTable) add(host string, root uint32) {
	at, tag := t.hash(host)
	for t.slots[at].root != 0 {
		at = t.after(at)
	}
	t.slots[at] = hostSlot{tag, root}
}

// find returns the first node of a host's tree, or 0.
func (t *hostTable) find(ix *index, host string) uint32 {
	at, tag := t.hash(host)
	for {
		slot := t.slots[at]
		if slot.root == 0 || slot.tag == tag && ix.label(&ix.nodes[slot.root]) == host {
			return slot.root
		}
		at = t.after(at)
	}
}

// hash returns the slot from which a host is looked for, and its tag.
func (t *hostTable) hash(host string) (at int, tag uint32) {
	h := maphash.String(t.seed, host)
	return int(h) & (len(t.slots) - 1), uint32(h >> 32)
}

func (t *hostTable) after(at int) int { return (at + 1) & (len(t.slots) - 1) }
