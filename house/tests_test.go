package house

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

func TestTestsDoNotSleepToBeSafe(t *testing.T) {
	for _, s := range goFiles(t) {
		if !strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		s.calls(func(call *ast.CallExpr, receiver, name string) {
			if receiver == "time" && name == "Sleep" {
				s.mustExplainSleep(t, call)
			}
		})
		// <-time.After by itself is the same; as a case of select it is a limit.
		limits := make(map[ast.Stmt]bool)
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CommClause:
				limits[n.Comm] = true
			case *ast.ExprStmt:
				if !limits[n] && receivesFrom(n, "After") {
					s.mustExplainSleep(t, n)
				}
			}
			return true
		})
	}
}

// receivesFrom reports whether a statement does nothing but receive from what a
// function of that name returns.
func receivesFrom(statement *ast.ExprStmt, name string) bool {
	receive, ok := statement.X.(*ast.UnaryExpr)
	if !ok || receive.Op != token.ARROW {
		return false
	}
	call, ok := receive.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && f.Sel.Name == name
}

func (s source) mustExplainSleep(t *testing.T, n ast.Node) {
	t.Helper()
	if !s.explained(n, "// sleep:") {
		t.Errorf("%s: a test that sleeps is slow or wrong; wait for what it waits for, or say why not in a comment that begins with \"sleep:\"", s.at(n))
	}
}

func TestTestsAreNotSkipped(t *testing.T) {
	for _, s := range goFiles(t) {
		if !s.isTest {
			continue
		}
		s.calls(func(call *ast.CallExpr, receiver, name string) {
			isTest := slices.Contains([]string{"t", "b", "f", "tb"}, receiver)
			if isTest && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, name) && !s.explained(call, "// skip:") {
				t.Errorf("%s: a skipped test tests nothing; let make test install what it needs, or say why not in a comment that begins with \"skip:\"", s.at(call))
			}
		})
	}
}

func TestTestsAreNamedByBehaviour(t *testing.T) {
	for _, s := range goFiles(t) {
		if !strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, f := range functions(s) {
			if n := f.Name.Name; f.Recv == nil && strings.TrimRight(n, "0123456789") == "Test" {
				t.Errorf("%s: %s does not say what is expected", s.at(f), n)
			}
		}
	}
}

// leakChecked are the packages that start goroutines or coroutines: their
// tests fail when one is left.
var leakChecked = []string{"loop", "certificate", "http1", "http2", "http3", "upstream", "proxy", "server", "app", "accesslog", "admin", "e2e"}

func TestTestsOfRunningPartsLookForLeaks(t *testing.T) {
	checked := map[string]bool{} // by directory that has tests
	for _, s := range goFiles(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			checked[s.dir] = checked[s.dir] || looksForLeaks(s)
		}
	}
	for dir, ok := range checked {
		if slices.Contains(leakChecked, dir) && !ok {
			t.Errorf("%s: its tests do not look for leaks: add func TestMain(m *testing.M) { leaktest.Main(m) }", dir)
		}
	}
}

func looksForLeaks(s source) bool {
	found := false
	s.calls(func(_ *ast.CallExpr, receiver, name string) {
		found = found || receiver == "leaktest" && (name == "Main" || name == "Run")
	})
	return found
}

// functions returns the functions and methods that a file declares.
func functions(s source) []*ast.FuncDecl {
	var all []*ast.FuncDecl
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			all = append(all, f)
		}
	}
	return all
}
