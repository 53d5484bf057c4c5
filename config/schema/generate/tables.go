package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// inserted is a table of a page that is otherwise written by hand. On the page it
// stands between the lines begin and end.
type inserted struct {
	page      string
	directory string // of the package
	variable  string // a map there; each of its values is a text, or has one as its last part
	head      string // of the table
	form      string // of a name, which stands for its %s
	code      bool   // the text is code
}

var insertedTables = []inserted{
	{page: "docs/access-log.md", directory: "accesslog", variable: "formats", head: "| name | stands for |\n|---|---|\n", form: "%s", code: true},
	{page: "docs/access-log.md", directory: "accesslog", variable: "tags", head: "| tag | value |\n|---|---|\n", form: "{%s}"},
	{page: "docs/access-log.md", directory: "accesslog", variable: "contextTags", head: "| tag | value |\n|---|---|\n", form: "{:%s}"},
	{page: "docs/variables.md", directory: "proxy", variable: "variables", head: "| variable | value |\n|---|---|\n", form: "$%s"},
}

func (t *inserted) begin() string {
	return fmt.Sprintf("<!-- %s: made by \"make docs\" of package %s -->\n", t.variable, t.directory)
}

const end = "<!-- end -->\n"

// insertTables returns the pages below root with their tables made anew.
func insertTables(root string) (map[string][]byte, error) {
	pages := map[string][]byte{}
	for i := range insertedTables {
		t := &insertedTables[i]
		if pages[t.page] == nil {
			text, err := os.ReadFile(filepath.Join(root, t.page))
			if err != nil {
				return nil, err
			}
			pages[t.page] = text
		}
		entries, err := readEntries(filepath.Join(root, t.directory), t.variable)
		if err == nil {
			pages[t.page], err = t.insert(pages[t.page], entries)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.page, err)
		}
	}
	return pages, nil
}

// insert returns a page with the table in its place.
func (t *inserted) insert(page []byte, entries []entry) ([]byte, error) {
	before, rest, found := bytes.Cut(page, []byte(t.begin()))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		return nil, fmt.Errorf("there is no place for a table: write these lines:\n%s%s", t.begin(), end)
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(t.begin() + "\n" + t.head)
	for _, e := range entries {
		text := cell(e.text)
		if t.code {
			text = "`" + text + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.Replace(t.form, "%s", e.name, 1), text)
	}
	b.WriteString("\n" + end)
	b.Write(after)
	return b.Bytes(), nil
}

// entry is one of a map of the sources: its key, and the text on it.
type entry struct{ name, text string }

// readEntries returns the entries of a map that a package declares, in the order in
// which they are written.
func readEntries(directory, variable string) ([]entry, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return nil, err
		}
		if table := tableIn(file, variable); table != nil {
			return entriesOf(variable, table)
		}
	}
	return nil, fmt.Errorf("%s has no table %s", directory, variable)
}

// tableIn returns what a variable of a file is set to; nil when there is none, or
// none that is a table.
func tableIn(file *ast.File, variable string) *ast.CompositeLit {
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range group.Specs {
			spec, ok := s.(*ast.ValueSpec)
			if ok && len(spec.Values) == 1 && spec.Names[0].Name == variable {
				table, _ := spec.Values[0].(*ast.CompositeLit)
				return table
			}
		}
	}
	return nil
}

func entriesOf(variable string, table *ast.CompositeLit) ([]entry, error) {
	var entries []entry
	for _, e := range table.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return nil, fmt.Errorf("%s is no map", variable)
		}
		value := pair.Value
		if parts, ok := value.(*ast.CompositeLit); ok && len(parts.Elts) > 0 {
			value = parts.Elts[len(parts.Elts)-1]
		}
		name, text := textOf(pair.Key), textOf(value)
		if name == "" || text == "" {
			return nil, fmt.Errorf("%s: the entry %q has no text that tells of it", variable, name)
		}
		entries = append(entries, entry{name, text})
	}
	return entries, nil
}

// textOf returns the text that an expression is; "" when it is none.
func textOf(e ast.Expr) string {
	literal, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return text
}
