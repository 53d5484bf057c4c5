package app

import (
	"context"
	"errors"
	"fmt"

	"pingap/config/store"
)

// syncTo makes the store that a URL names hold what the source holds, and
// nothing else. The source has been found right.
func syncTo(location string, from *source, system System) error {
	if from.builtIn() {
		return errors.New("--sync writes a configuration to another store: name it with --conf")
	}
	target, err := store.Open(location)
	if err != nil {
		return fmt.Errorf("--sync: %w", err)
	}
	defer target.Close()
	edits, err := store.Sync(context.Background(), operator(system, "pingap --sync"), from.store, target)
	if err != nil {
		return fmt.Errorf("write the configuration to %s: %w", target, err)
	}
	if len(edits) == 0 {
		fmt.Fprintf(system.Stdout, "%s holds the same as %s already\n", target, from.name)
		return nil
	}
	fmt.Fprintf(system.Stdout, "%s holds the same as %s now:\n", target, from.name)
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
		fmt.Fprintf(system.Stdout, "  %s %s\n", what, name)
	}
	return nil
}
