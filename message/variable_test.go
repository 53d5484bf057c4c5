package message

import "testing"

func TestNamesThatAreOneVariableAreTold(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"X-Forwarded-For", "x_forwarded_for", true},
		{"X-Forwarded-For", "X-Forwarded-For", true},
		{"X-Forwarded-For", "X-Forwarded-Fo", false},
		{"X-Forwarded-For", "X.Forwarded.For", false},
		{"a", "b", false},
		{"", "", true},
	} {
		if SameVariable(c.a, c.b) != c.same || SameVariable(c.b, c.a) != c.same {
			t.Errorf("%q and %q are the same: %v", c.a, c.b, !c.same)
		}
	}
}
