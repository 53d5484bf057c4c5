package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestFilesAreThoseThatTheSourcesMake(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not up to date: run make docs (%v)", name, err)
		}
	}
}
