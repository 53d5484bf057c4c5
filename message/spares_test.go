package message

import "testing"

// What served a rush of exchanges is kept for others to come, but not all of it.
func TestSparesKeepOnlySoMany(t *testing.T) {
	var s Spares[int]
	if s.Take() != nil {
		t.Error("something is kept from the start")
	}
	last := new(int)
	for range maxSpares - 1 {
		s.Keep(new(int))
	}
	s.Keep(last)
	for range 100 {
		s.Keep(new(int))
	}
	if s.Take() != last {
		t.Error("what was kept last is not taken first")
	}
	kept := 1
	for s.Take() != nil {
		kept++
	}
	if kept != maxSpares {
		t.Errorf("%d are kept", kept)
	}
	allocated := testing.AllocsPerRun(100, func() {
		s.Keep(last)
		s.Take()
	})
	if allocated > 0 {
		t.Errorf("keeping one allocates %v times", allocated)
	}
}
