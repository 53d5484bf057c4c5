package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

const (
	module = "pingap"
	root   = ".." // from this package to the module's root
)

// source is one Go file of the module.
type source struct {
	path   string // from the module's root, with slashes
	dir    string // the package's directory: its import path below the module
	lines  int
	file   *ast.File
	fset   *token.FileSet
	isTest bool // by its name, or because its package is a helper of tests
}

// text is one file that people read, Go or not.
type text struct {
	path    string
	content string
}

// sources parses the module once for all tests.
var sources = sync.OnceValues(func() ([]source, error) {
	texts, err := texts()
	if err != nil {
		return nil, err
	}
	var all []source
	fset := token.NewFileSet()
	for _, t := range texts {
		if path.Ext(t.path) != ".go" || strings.Contains(t.path, "testdata/") {
			continue
		}
		file, err := parser.ParseFile(fset, t.path, t.content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		dir := path.Dir(t.path)
		all = append(all, source{
			path:   t.path,
			dir:    dir,
			lines:  strings.Count(t.content, "\n"),
			file:   file,
			fset:   fset,
			isTest: strings.HasSuffix(t.path, "_test.go") || isTestHelper(dir),
		})
	}
	return all, nil
})

// texts reads every file of the tree that is text and not fetched or built.
var texts = sync.OnceValues(func() ([]text, error) {
	var all []text
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if rel == ".git" && !entry.IsDir() { // of a linked working tree
			return nil
		}
		if entry.IsDir() {
			switch rel {
			case ".git", "bin", "dist", "bench/out", "web/node_modules", "web/dist":
				return filepath.SkipDir
			}
			return nil
		}
		content, err := os.ReadFile(name)
		if err == nil && entry.Type().IsRegular() && utf8.Valid(content) {
			all = append(all, text{rel, string(content)})
		}
		return err
	})
	return all, err
})

// isTestHelper reports whether the package serves tests alone, by its name.
func isTestHelper(dir string) bool { return strings.HasSuffix(dir, "test") }

// goFiles returns the module's Go files.
func goFiles(t *testing.T) []source {
	t.Helper()
	all, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// textFiles returns the module's text files.
func textFiles(t *testing.T) []text {
	t.Helper()
	all, err := texts()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// at says where in the module a node stands.
func (s source) at(n ast.Node) string {
	p := s.fset.Position(n.Pos())
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// imports calls f for each import: its path and where it stands.
func (s source) imports(f func(imported, at string)) {
	for _, spec := range s.file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			f(imported, s.at(spec))
		}
	}
}

// within reports whether the directory dir is under, or is, one of the
// directories in list.
func within(dir string, list ...string) bool {
	for _, d := range list {
		if dir == d || strings.HasPrefix(dir, d+"/") {
			return true
		}
	}
	return false
}

// calls calls f for each call of a name with one of these selectors, such as
// time.Sleep, with the text of what stands before the dot.
func (s source) calls(f func(call *ast.CallExpr, receiver, name string)) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
			receiver := ""
			if id, ok := selector.X.(*ast.Ident); ok {
				receiver = id.Name
			}
			f(call, receiver, selector.Sel.Name)
		}
		return true
	})
}

// explained reports whether a comment that begins with mark stands on the
// node's line or on the one above.
func (s source) explained(n ast.Node, mark string) bool {
	line := s.fset.Position(n.Pos()).Line
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			first, last := s.fset.Position(c.Pos()).Line, s.fset.Position(group.End()).Line
			if strings.HasPrefix(c.Text, mark) && first <= line && line <= last+1 {
				return true
			}
		}
	}
	return false
}
