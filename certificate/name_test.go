package certificate

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// hostGrammar is what validHost accepts, as an expression and a few bounds.
var hostGrammar = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

func FuzzValidHostMatchesItsGrammar(f *testing.F) {
	for _, name := range []string{"a.test", "-a.test", "a-.test", "a..test", ".", "1.2.3.4", "1.2.3.4a", "x_y.test", strings.Repeat("x", 64), "A.test"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		last := name[strings.LastIndexByte(name, '.')+1:]
		want := len(name) <= 253 && hostGrammar.MatchString(name) && strings.Trim(last, "0123456789") != ""
		if got := validHost(name); got != want || validHost([]byte(name)) != want {
			t.Errorf("%q: got %v", name, got)
		}
		if _, err := netip.ParseAddr(name); err == nil && validHost(name) {
			t.Errorf("%q is an address", name)
		}
	})
}
