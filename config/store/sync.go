package store

import (
	"context"
	"fmt"
)

// Sync makes a store hold what another holds, and nothing else: items that are
// not in from are deleted, and texts that do not fit the layout of to are kept
// under names that end in .bak. It returns how many texts were written, and how
// many were taken away. author is noted in the history.
func Sync(ctx context.Context, author string, from, to *Store) (written, removed int, err error) {
	source, err := from.Read(ctx)
	if err != nil {
		return 0, 0, err
	}
	texts, err := source.assemble(to.layout, to.only)
	if err != nil {
		return 0, 0, fmt.Errorf("write %s to %s: %w", from, to, err)
	}
	after := to.snapshot(texts, "")
	err = to.rewrite(ctx, func(before *Snapshot) ([]change, []record, error) {
		changes := after.changes(before)
		written, removed = 0, 0
		for i, c := range changes {
			if c.is != "" {
				written++
				continue
			}
			removed++
			changes[i].keep = !before.fits(c.was)
		}
		records, err := to.recordsOf(ctx, before, author, before.editsTo(after))
		return changes, records, err
	})
	return written, removed, err
}

// fits reports whether a text holds what the layout has there, and nothing
// else.
func (s *Snapshot) fits(t text) bool {
	fragments, err := s.dissect(t)
	for _, f := range fragments {
		if s.layout.key(s.only, f.id) != t.key {
			return false
		}
	}
	return err == nil && len(fragments) > 0
}

// editsTo returns the edits that make one configuration of another.
func (s *Snapshot) editsTo(after *Snapshot) []Edit {
	was, _ := s.Items()
	is, _ := after.Items()
	before := map[id]string{}
	for _, item := range was {
		before[id{item.Category, item.Name}] = item.Revision
	}
	var edits []Edit
	for _, item := range is {
		key := id{item.Category, item.Name}
		if before[key] != item.Revision {
			edits = append(edits, Edit{item.Category, item.Name, item.Text, before[key]})
		}
		delete(before, key)
	}
	for key, revision := range before {
		edits = append(edits, Edit{key.category, key.name, "", revision})
	}
	return edits
}
