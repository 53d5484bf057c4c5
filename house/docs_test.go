package house

import (
	"go/ast"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// symbol is what a page writes in backquotes for something in the code:
// pkg.Name, pkg.Type.Member, with or without a call's parentheses.
var symbol = regexp.MustCompile("`([a-z][a-z0-9]*)\\.([A-Za-z]\\w*)(?:\\.([A-Za-z]\\w*))?(?:\\([^`]*\\))?`")

// standard are the packages of the standard library that pages speak of; what
// they hold is not checked.
var standard = map[string]bool{"net": true, "iter": true, "tls": true, "http": true, "httputil": true, "strings": true, "io": true}

// endings are those of files and hosts, whose names look like symbols.
var endings = map[string]bool{"toml": true, "md": true, "go": true, "json": true, "conf": true, "log": true, "pem": true, "sock": true, "com": true}

func TestPagesNameSymbolsThatExist(t *testing.T) {
	declared := declarations(t)
	for _, page := range pages(t) {
		for _, m := range symbol.FindAllStringSubmatch(page.content, -1) {
			if endings[m[2]] {
				continue
			}
			members, isPackage := declared[m[1]]
			name := strings.TrimSuffix(m[2]+"."+m[3], ".")
			switch {
			case !isPackage && (standard[m[1]] || !ast.IsExported(m[2])): // basic.threads, say
			case !isPackage:
				t.Errorf("%s: %s: there is no package %s here", page.path, m[0], m[1])
			case !members[name]:
				t.Errorf("%s: %s: package %s has no %s", page.path, m[0], m[1], name)
			}
		}
	}
}

func TestSymbolMatchesWhatPagesWrite(t *testing.T) {
	for text, want := range map[string]string{
		"`loop.Conn`":                "loop.Conn.",
		"`loop.Conn.Read`":           "loop.Conn.Read",
		"`http1.server.serve(x, y)`": "http1.server.serve",
	} {
		m := symbol.FindStringSubmatch(text)
		if m == nil || strings.Join(m[1:], ".") != want {
			t.Errorf("%s: %q, want %q", text, m, want)
		}
	}
}

// declarations lists, for each package's last path element, the names at its
// top level and the members of its types, as "Name" and "Type.Member".
func declarations(t *testing.T) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, s := range goFiles(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		name := path.Base(s.dir)
		if all[name] == nil {
			all[name] = map[string]bool{}
		}
		for _, d := range s.file.Decls {
			declare(d, all[name])
		}
	}
	return all
}

func declare(d ast.Decl, names map[string]bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			names[receiverType(d)+"."+d.Name.Name] = true
		} else {
			names[d.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names[spec.Name.Name] = true
				for _, member := range members(spec.Type) {
					names[spec.Name.Name+"."+member] = true
				}
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					names[n.Name] = true
				}
			}
		}
	}
}

// members returns the fields of a struct or the methods of an interface.
func members(t ast.Expr) []string {
	var list *ast.FieldList
	switch t := t.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return nil
	}
	var names []string
	for _, f := range list.List {
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
	}
	return names
}

// sourceFile is what a page writes in backquotes for a file.
var sourceFile = regexp.MustCompile("`([a-z0-9_]+/[a-z0-9_/.-]+\\.(?:go|md|toml))`")

func TestPagesNameFilesThatExist(t *testing.T) {
	for _, page := range pages(t) {
		for _, m := range sourceFile.FindAllStringSubmatch(page.content, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s: %s: %v", page.path, m[0], err)
			}
		}
	}
}

func TestPagesLinkToWhatExists(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(page.content, -1) {
			target, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %s: %v", page.path, m[0], err)
				continue
			}
			if target.Scheme != "" || target.Path == "" {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, path.Dir(page.path), target.Path)); err != nil {
				t.Errorf("%s: link to %s: %v", page.path, m[1], err)
			}
		}
	}
}

// pages returns the files that are written for people.
func pages(t *testing.T) []text {
	var all []text
	for _, f := range textFiles(t) {
		if path.Ext(f.path) == ".md" {
			all = append(all, f)
		}
	}
	return all
}
