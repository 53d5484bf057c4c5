// Command generate writes the JSON Schema and the reference page of a
// configuration, and the tables of other pages that are made of the sources. Its
// argument is the root of the module. See package schema.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate MODULE")
		os.Exit(2)
	}
	root := os.Args[1]
	files, err := generate(root)
	for name, content := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(root, name), content, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate returns the content of each file that is made of the sources below
// root, by its name there.
func generate(root string) (map[string][]byte, error) {
	r, err := readReference(root)
	if err != nil {
		return nil, err
	}
	schema, err := r.jsonSchema()
	if err != nil {
		return nil, err
	}
	files, err := insertTables(root)
	if err != nil {
		return nil, err
	}
	files["config/schema/schema.json"] = schema
	files["docs/configuration.md"] = r.markdown()
	return files, nil
}
