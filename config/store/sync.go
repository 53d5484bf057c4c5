package store

import (
	"context"
	"fmt"
)

// Sync makes a store hold what another holds, and nothing else: items that are
// not in from are deleted, and texts that do not fit the layout of to are kept
// under names that end in .bak. It returns what has become of the items of to:
// an edit without Base is of a new one, without Text of one that is gone.
// author is noted in the history.
func Sync(ctx context.Context, author string, from, to *Store) (edits []Edit, err error) {
	if f := formatOf(to.only); to.layout == single && f.extension != extension {
		return nil, fmt.Errorf("%s has the name of a file in %s, but TOML is what is written; choose a name that ends in %s", to, f.name, extension)
	}
	source, err := from.Read(ctx)
	if err != nil {
		return nil, err
	}
	texts, err := source.assemble(to.layout, to.only)
	if err != nil {
		return nil, fmt.Errorf("write %s to %s: %w", from, to, err)
	}
	after := to.snapshot(texts, "")
	err = to.rewrite(ctx, func(before *Snapshot) (*save, error) {
		changes := after.changes(before)
		for i, c := range changes {
			changes[i].keep = c.is == "" && !before.fits(c.was)
		}
		edits = before.editsTo(after)
		records, err := to.recordsOf(ctx, before, author, edits)
		return &save{changes: changes, records: records}, err
	})
	return edits, err
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
	for _, item := range was {
		if revision, gone := before[id{item.Category, item.Name}]; gone {
			edits = append(edits, Edit{item.Category, item.Name, "", revision})
		}
	}
	return edits
}
