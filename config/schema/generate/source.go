package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// source is a package, as far as keys of a configuration are in it.
type source struct {
	types   map[string]ast.Expr        // declared types
	docs    map[string]string          // their comments
	methods map[string]map[string]bool // of each type
	strings map[string]string          // fields of literals that are texts, such as Category
	doc     string                     // the package's
	config  *source                    // that of package config; nil for itself
}

func readSource(directory string, config *source) (*source, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*.go"))
	if err != nil {
		return nil, err
	}
	s := &source{
		types: map[string]ast.Expr{}, docs: map[string]string{}, methods: map[string]map[string]bool{},
		strings: map[string]string{}, config: config,
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		if file.Doc != nil {
			s.doc = file.Doc.Text()
		}
		ast.Inspect(file, s.visit)
	}
	return s, nil
}

func (s *source) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		for _, spec := range n.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok {
				s.types[t.Name.Name], s.docs[t.Name.Name] = t.Type, t.Doc.Text()
				if len(n.Specs) == 1 {
					s.docs[t.Name.Name] = n.Doc.Text()
				}
			}
		}
	case *ast.FuncDecl:
		if n.Recv == nil {
			break
		}
		receiver := n.Recv.List[0].Type
		if pointer, ok := receiver.(*ast.StarExpr); ok {
			receiver = pointer.X
		}
		if name, ok := receiver.(*ast.Ident); ok {
			if s.methods[name.Name] == nil {
				s.methods[name.Name] = map[string]bool{}
			}
			s.methods[name.Name][n.Name.Name] = true
		}
	case *ast.KeyValueExpr:
		key, isName := n.Key.(*ast.Ident)
		value, isText := n.Value.(*ast.BasicLit)
		if isName && isText && value.Kind == token.STRING {
			if text, err := strconv.Unquote(value.Value); err == nil {
				s.strings[key.Name] = text
			}
		}
	}
	return true
}

// key is one key of a section or of a plugin.
type key struct {
	name   string
	doc    string
	shape  shape
	tag    reflect.StructTag
	nested []key // of a table
}

// keys returns those of a struct, and of the structs that it embeds.
func (s *source) keys(name string) ([]key, error) {
	t, ok := s.types[name].(*ast.StructType)
	if !ok {
		return nil, fmt.Errorf("there is no struct %s", name)
	}
	var keys []key
	names := map[string]string{} // of keys, by those of fields
	doc := ""
	for _, f := range t.Fields.List {
		if f.Doc != nil {
			doc = f.Doc.Text() // also of the fields that follow without one
		}
		if f.Tag == nil || len(f.Names) != 1 {
			continue
		}
		text, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			return nil, err
		}
		k := key{tag: reflect.StructTag(text), doc: doc}
		if k.name = k.tag.Get("config"); k.name == "" {
			continue
		}
		names[f.Names[0].Name] = k.name
		if k.shape, k.nested, err = s.shapeOf(f.Type); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", name, f.Names[0].Name, err)
		}
		keys = append(keys, k)
	}
	for i := range keys {
		keys[i].doc = keys[i].withoutName(inKeys(keys[i].doc, names))
	}
	return keys, nil
}

var goName = regexp.MustCompile(`-?\b[A-Z][A-Za-z0-9]+\b`)

// inKeys makes of a comment, which speaks of fields, a text that speaks of keys.
func inKeys(doc string, names map[string]string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	return goName.ReplaceAllStringFunc(doc, func(word string) string {
		if key, ok := names[word]; ok {
			return "`" + key + "`"
		}
		return word
	})
}

// withoutName leaves out what a table has in another column: that the key is
// what the text says.
func (k *key) withoutName(doc string) string {
	for _, verb := range []string{"is", "are"} {
		if rest, ok := strings.CutPrefix(doc, "`"+k.name+"` "+verb+" "); ok {
			return sentence(rest)
		}
	}
	return doc
}
