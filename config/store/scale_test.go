package store

import (
	"fmt"
	"testing"
)

// large fills a store with 10,000 locations and 2,000 upstreams.
func large(tb testing.TB, location string) *Store {
	tb.Helper()
	s, err := Open(location)
	if err != nil {
		tb.Fatal(err)
	}
	var edits []Edit
	for i := range 10_000 {
		edits = append(edits, Edit{"locations", fmt.Sprint("l", i), fmt.Sprintf("[locations.l%d]\npath = \"/%d\"\nupstream = \"u%d\"\n", i, i, i%2000), Any})
	}
	for i := range 2_000 {
		edits = append(edits, upstream(fmt.Sprint("u", i), "127.0.0.1:80"))
	}
	if err := s.Save(tb.Context(), "", edits...); err != nil {
		tb.Fatal(err)
	}
	return s
}

func BenchmarkLargeConfigurationIsReadAndSaved(b *testing.B) {
	for _, layout := range []string{"p.toml", "conf", "conf?separation"} {
		s := large(b, b.TempDir()+"/"+layout)
		b.Run("read "+layout, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Read(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("save "+layout, func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				if err := s.Save(b.Context(), "", upstream("u1", fmt.Sprintf("127.0.0.1:%d", 1+n%60000))); err != nil {
					b.Fatal(err)
				}
			}
		})
		s.Close()
	}
}
