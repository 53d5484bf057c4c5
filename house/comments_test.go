package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

func TestEachPackageIsDocumentedInOneFile(t *testing.T) {
	documents := map[string][]string{}
	for _, s := range goFiles(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		documents[s.dir] = append(documents[s.dir], docOf(s)...)
	}
	for dir, files := range documents {
		switch len(files) {
		case 0:
			t.Errorf("%s: no file has a package comment", dir)
		case 1:
		default:
			t.Errorf("%s: more than one file has a package comment: %s", dir, strings.Join(files, ", "))
		}
	}
}

// docOf returns the file's path when it has a package comment of the usual
// form.
func docOf(s source) []string {
	begin := "Package " + s.file.Name.Name + " "
	if s.file.Name.Name == "main" {
		begin = "Command "
	}
	if strings.HasPrefix(s.file.Doc.Text(), begin) {
		return []string{s.path}
	}
	return nil
}

func TestExportedNamesHaveComments(t *testing.T) {
	for _, s := range goFiles(t) {
		if strings.HasSuffix(s.path, "_test.go") || s.file.Name.Name == "main" {
			continue
		}
		for _, d := range s.file.Decls {
			for _, n := range undocumented(d) {
				t.Errorf("%s: %s is exported and has no comment", s.at(n), n.Name)
			}
		}
	}
}

// undocumented returns the exported names of a declaration that no comment
// explains. In a group of constants or variables the group's comment will do.
func undocumented(d ast.Decl) []*ast.Ident {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) && !toldElsewhere[d.Name.Name] {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		var names []*ast.Ident
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
					names = append(names, spec.Name)
				}
			case *ast.ValueSpec:
				if d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
					names = append(names, spec.Names...)
				}
			}
		}
		return exported(names)
	}
	return nil
}

// toldElsewhere are methods whose contract is that of the standard library's
// interface of the same name.
var toldElsewhere = map[string]bool{"Error": true, "Unwrap": true, "String": true}

func exported(names []*ast.Ident) []*ast.Ident {
	var kept []*ast.Ident
	for _, n := range names {
		if n.IsExported() {
			kept = append(kept, n)
		}
	}
	return kept
}

// exportedReceiver reports whether the function is none's method, or that of
// an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	return ast.IsExported(receiverType(d))
}

// receiverType is the name of the type that a method belongs to.
func receiverType(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	for {
		switch e := t.(type) {
		case *ast.StarExpr:
			t = e.X
		case *ast.IndexExpr:
			t = e.X
		case *ast.IndexListExpr:
			t = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

func TestUndocumentedFindsWhatLacksAComment(t *testing.T) {
	const code = `package p
func Bare() {}
// Told does.
func Told() {}
func (hidden) Method() {}
func (*Shown) Method() {}
func (*Shown) Error() string { return "" }
type Shown struct{}
type (
	// Told is.
	Told struct{}
	Bare struct{}
)
// A group explains.
const (
	One = 1
	Two = 2
)
var Loose int
`
	var got []string
	for _, d := range parse(t, code).Decls {
		for _, n := range undocumented(d) {
			got = append(got, n.Name)
		}
	}
	if want := "Bare Method Shown Bare Loose"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func parse(t *testing.T, code string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", code, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
