package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"pingap/config/store"
)

// syncTo makes the store that a URL names hold what the source holds, and
// nothing else. The source has been found right.
func syncTo(location string, from *source, stdout io.Writer) error {
	if from.builtIn() {
		return errors.New("--sync writes a configuration to another store: name it with --conf")
	}
	target, err := store.Open(location)
	if err != nil {
		return fmt.Errorf("--sync: %w", err)
	}
	defer target.Close()
	edits, err := difference(context.Background(), from.store, target)
	if err == nil {
		err = target.Save(context.Background(), "pingap --sync", edits...)
	}
	if err != nil {
		return fmt.Errorf("write the configuration to %s: %w", target, err)
	}
	if len(edits) == 0 {
		fmt.Fprintf(stdout, "%s holds the same as %s already\n", target, from.name)
		return nil
	}
	fmt.Fprintf(stdout, "%s holds the same as %s now:\n", target, from.name)
	for _, e := range edits {
		what := "changed"
		switch {
		case e.Text == "":
			what = "removed"
		case e.Base == "":
			what = "added"
		}
		name := e.Category
		if e.Name != "" {
			name += "." + e.Name
		}
		fmt.Fprintf(stdout, "  %s %s\n", what, name)
	}
	return nil
}

// difference returns what has to be done to target.
func difference(ctx context.Context, from, target *store.Store) (edits []store.Edit, err error) {
	wanted, err := from.Read(ctx)
	if err != nil {
		return nil, err
	}
	items, err := wanted.Items()
	if err != nil {
		return nil, err
	}
	type name struct{ category, name string }
	there := map[name]string{} // revisions
	switch snapshot, err := target.Read(ctx); {
	case errors.Is(err, store.ErrEmpty):
	case err != nil:
		return nil, err
	default:
		present, err := snapshot.Items()
		if err != nil {
			return nil, err
		}
		for _, i := range present {
			there[name{i.Category, i.Name}] = i.Revision
			if _, ok := wanted.Item(i.Category, i.Name); !ok {
				edits = append(edits, store.Edit{Category: i.Category, Name: i.Name, Base: i.Revision})
			}
		}
	}
	for _, i := range items {
		if revision := there[name{i.Category, i.Name}]; revision != i.Revision {
			edits = append(edits, store.Edit{Category: i.Category, Name: i.Name, Text: i.Text, Base: revision})
		}
	}
	return edits, nil
}
