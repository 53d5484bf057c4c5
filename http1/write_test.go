package http1

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestHasControlIsThatOfTheSlowTwin(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50000 {
		line := make([]byte, random.IntN(40))
		for i := range line {
			line[i] = byte(' ' + random.IntN(90))
			if random.IntN(60) == 0 {
				line[i] = byte(random.Uint32())
			}
		}
		slow := false
		for _, c := range line {
			slow = slow || isControl(c)
		}
		if got := hasControl(line); got != slow {
			t.Fatalf("%q: %v, want %v", line, got, slow)
		}
	}
}

func TestAppendFieldMakesOneLineOrNone(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"A", "b", "A: b\r\n"},
		{"A", "", "A: \r\n"},
		{"A", "b\tc", "A: b\tc\r\n"},
		{"A", "b\r\nX: y", "A: b  X: y\r\n"},
		{"A-long-name", "a long value with a tab\t and\x00 more", "A-long-name: a long value with a tab\t and  more\r\n"},
		{"A\r\nX", "y", ""},
		{"A\x7f", "y\x00", ""},
	} {
		b := appendField([]byte("before\r\n"), c.name, c.value)
		if got := string(bytes.TrimPrefix(b, []byte("before\r\n"))); got != c.want {
			t.Errorf("%q: %q gives %q, want %q", c.name, c.value, got, c.want)
		}
	}
}
