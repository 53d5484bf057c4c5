package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entriesIn reads the entries of a variable called table.
func entriesIn(t *testing.T, source string) ([]entry, error) {
	t.Helper()
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "a.go"), []byte("package a\n"+source), 0o600); err != nil {
		t.Fatal(err)
	}
	return readEntries(directory, "table")
}

func TestEntriesAreReadInTheirOrder(t *testing.T) {
	entries, err := entriesIn(t, "var table = map[string]described{\n\"b\": {f, \"one|two\"},\n\"a\": {f, \"three\"},\n\"c\": \"four\"}")
	if err != nil || len(entries) != 3 || entries[0] != (entry{"b", "one|two"}) || entries[2] != (entry{"c", "four"}) {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestEntryWithoutTextIsAnError(t *testing.T) {
	for _, source := range []string{"var table = map[string]f{\"a\": b}", "var table = map[string]f{\"a\": {b, \"\"}}", "var table f", "var other f", "func table() {}"} {
		if entries, err := entriesIn(t, source); err == nil {
			t.Errorf("%s: %v", source, entries)
		}
	}
}

func TestTableTakesThePlaceOfTheOneBefore(t *testing.T) {
	table := &inserted{directory: "d", variable: "v", head: "| name |\n", form: "{%s}"}
	page := []byte("before\n" + table.begin() + "old\n" + end + "after\n")
	for range 2 {
		var err error
		if page, err = table.insert(page, []entry{{"a", "one|two"}}); err != nil {
			t.Fatal(err)
		}
		if want := "before\n" + table.begin() + "\n| name |\n| `{a}` | one\\|two |\n\n" + end + "after\n"; string(page) != want {
			t.Errorf("page is\n%s, want\n%s", page, want)
		}
	}
	if _, err := table.insert([]byte("a page without a place"), nil); err == nil || !strings.Contains(err.Error(), table.begin()) {
		t.Errorf("error %v", err)
	}
}
