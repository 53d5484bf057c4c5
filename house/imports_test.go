package house

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// order lists the packages from the ground up: one may import only what
// stands above it. A directory belongs to the longest entry that it is under;
// "/*" stands for each directory below on its own.
var order = []string{
	"loop",
	"loop/*",
	"message",
	"http1",
	"http2",
	"http3",
	"config",
	"config/hcl",
	"config/kdl",
	"config/schema",
	"config/store",
	"certificate",
	"upstream",
	"route",
	"cache",
	"geo",
	"plugin",
	"plugin/*",
	"plugin/all",
	"logfile",
	"accesslog",
	"telemetry",
	"notify",
	"proxy",
	"server",
	"admin",
	"app",
	"cmd/pingap",
}

// apart are the directories outside that order: they look at the rest from
// without and nothing imports them.
var apart = []string{"bench", "e2e", "house"}

// unaware says what a package must not know although the order would let it.
var unaware = map[string][]string{
	"http2":       {"http1"},
	"http3":       {"http1", "http2"},
	"config":      {"loop", "message", "http1", "http2", "http3"}, // how it is run
	"certificate": {"loop", "message", "http1", "http2", "http3"}, // listeners
	"route":       {"loop", "http1", "http2", "http3", "certificate", "upstream"},
	"plugin":      {"http1", "http2", "http3"}, // the wire
	"cache":       {"http1", "http2", "http3", "config", "plugin", "upstream"},
	"geo":         {"loop", "message", "http1", "http2", "http3", "config", "certificate", "upstream", "route", "cache"},
	"accesslog":   {"http1", "http2", "http3", "upstream", "plugin"},
	"server":      {"plugin", "upstream", "route"},
	"admin":       {"loop", "http1", "http2", "http3"}, // the hot path
}

// rank is the place of a directory in order and the entry it falls under; -1
// when it has none.
func rank(dir string) (int, string) {
	best, place := "", -1
	for i, entry := range order {
		under := strings.TrimSuffix(entry, "/*")
		if entry != under && dir == under {
			continue
		}
		if within(dir, under) && len(entry) > len(best) {
			best, place = entry, i
		}
	}
	return place, best
}

func TestEachPackageHasItsPlaceInTheImportOrder(t *testing.T) {
	for _, s := range goFiles(t) {
		if place, _ := rank(s.dir); place < 0 && !within(s.dir, apart...) && !isTestHelper(s.dir) {
			t.Errorf("%s: the directory %s is not in the list of packages: put it below one that is there, or give it a place in the order", s.path, s.dir)
		}
	}
}

func TestPackagesImportOnlyWhatStandsAboveThem(t *testing.T) {
	forModuleImports(t, func(s source, imported, at string) {
		switch {
		case s.isTest && within(imported, s.dir): // an external test
		case isTestHelper(imported):
			if !s.isTest {
				t.Errorf("%s: %s serves tests alone", at, imported)
			}
		case within(s.dir, "bench"):
		case !mayImport(s.dir, imported):
			t.Errorf("%s: %s may not import %s, which does not stand above it in the order of packages", at, s.dir, imported)
		}
	})
}

// mayImport is the rule of the order. Inside one entry, a directory may import
// its ancestors and be imported by them, but knows nothing of its siblings.
func mayImport(from, to string) bool {
	fromPlace, fromEntry := rank(from)
	toPlace, toEntry := rank(to)
	if fromPlace < 0 || toPlace < 0 {
		return false
	}
	if fromEntry == toEntry {
		return within(from, to) || within(to, from)
	}
	return toPlace < fromPlace
}

func TestMayImportFollowsTheOrder(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"message", "loop", true},
		{"loop", "message", false},
		{"proxy", "config", true},
		{"config/store", "config", true},
		{"config", "config/store", false},
		{"plugin/ping", "plugin", true},
		{"plugin", "plugin/ping", false},
		{"plugin/ping", "plugin/mock", false},
		{"proxy", "plugin/ping", true},
		{"cmd/pingap", "app", true},
		{"http1/internal/token", "http1", true},
		{"http1", "e2e", false},
		{"house", "loop", false},
	} {
		if got := mayImport(c.from, c.to); got != c.want {
			t.Errorf("mayImport(%q, %q) = %v", c.from, c.to, got)
		}
	}
}

func TestPackagesStayUnawareOfWhatIsNotTheirs(t *testing.T) {
	forModuleImports(t, func(s source, imported, at string) {
		if s.isTest {
			return
		}
		_, entry := rank(s.dir)
		entry = strings.TrimSuffix(entry, "/*")
		if forbidden := unaware[entry]; within(imported, forbidden...) {
			t.Errorf("%s: %s knows nothing of %s", at, entry, imported)
		}
	})
}

// forModuleImports calls f for each import of one package of the module by
// another.
func forModuleImports(t *testing.T, f func(s source, imported, at string)) {
	for _, s := range goFiles(t) {
		s.imports(func(imported, at string) {
			if dir, ok := strings.CutPrefix(imported, module+"/"); ok {
				f(s, dir, at)
			}
		})
	}
}

// dataPath are the packages that each request passes.
var dataPath = []string{"loop", "message", "http1", "http2", "http3", "route", "upstream", "plugin", "cache", "geo", "accesslog", "proxy", "server"}

// httpUsers are those that may use net/http, as a client or, where said, as a
// server: none of them is on the data path, but for plugins that ask somebody else
// beside the loops.
var httpUsers = []string{"certificate", "config/store", "plugin/jwt", "plugin/forwardauth", "telemetry", "notify", "admin", "bench", "e2e"}

// httpServers may use net/http's server too: the admin's requests are few,
// and the bench needs a peer.
var httpServers = []string{"admin", "bench", "e2e"}

func TestNetHTTPStaysOffTheDataPath(t *testing.T) {
	forForeignImports(t, func(s source, imported, at string) {
		if (imported == "net/http" || strings.HasPrefix(imported, "net/http/")) && !within(s.dir, httpUsers...) {
			t.Errorf("%s: %s does not use %s: the wire is ours here", at, s.dir, imported)
		}
	})
}

func TestNetHTTPServesNowhereButInAdmin(t *testing.T) {
	serving := []string{"Server", "Serve", "ServeTLS", "ListenAndServe", "ListenAndServeTLS"}
	for _, s := range goFiles(t) {
		if s.isTest || within(s.dir, httpServers...) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if id, ok := selector.X.(*ast.Ident); ok && id.Name == "http" && slices.Contains(serving, selector.Sel.Name) {
				t.Errorf("%s: net/http serves nowhere but in admin", s.at(n))
			}
			return true
		})
	}
}

func TestTheDataPathStandsOnTheStandardLibrary(t *testing.T) {
	forForeignImports(t, func(s source, imported, at string) {
		first, _, _ := strings.Cut(imported, "/")
		if !within(s.dir, dataPath...) || !strings.Contains(first, ".") {
			return
		}
		// Plugins wrap libraries that are not about the wire; their own
		// packages say which.
		if _, entry := rank(s.dir); entry == "plugin/*" {
			return
		}
		if !strings.HasPrefix(imported, "golang.org/x/") {
			t.Errorf("%s: %s is on the data path and imports %s; that path is the standard library, golang.org/x and what is written here", at, s.dir, imported)
		}
	})
}

func TestOnlyTestsImportTesting(t *testing.T) {
	forForeignImports(t, func(s source, imported, at string) {
		if imported == "testing" || strings.HasPrefix(imported, "testing/") {
			t.Errorf("%s: imports %s outside tests", at, imported)
		}
	})
}

// forForeignImports calls f for each import of a package outside the module
// by code that is not a test.
func forForeignImports(t *testing.T, f func(s source, imported, at string)) {
	for _, s := range goFiles(t) {
		if s.isTest {
			continue
		}
		s.imports(func(imported, at string) {
			if imported != module && !strings.HasPrefix(imported, module+"/") {
				f(s, imported, at)
			}
		})
	}
}
