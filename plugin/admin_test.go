package plugin_test

import (
	"testing"

	"pingap/message"
	"pingap/plugin"
)

func TestAdminTakesWholeSegmentsBelowItsPrefix(t *testing.T) {
	for prefix, paths := range map[string]map[string]bool{
		"/a/b": {"/a/b": true, "/a/b/": true, "/a/b/c": true, "/a/bc": false, "/a": false, "/": false, "": false, "*": false, "/a%2fb/": false, "/A/b/": false},
		"":     {"/": true, "/a": true, "//a": true, "*": false, "": false},
	} {
		a := &plugin.Admin{Prefix: prefix, Handler: message.HandlerFunc(func(*message.Exchange) error { return nil })}
		for path, want := range paths {
			if got := a.Takes(path); got != want {
				t.Errorf("%q takes %q: %v", prefix, path, got)
			}
			if (&plugin.Admin{Prefix: prefix}).Takes(path) {
				t.Errorf("%q is taken by nobody", path)
			}
		}
	}
}

func FuzzValidAdminPrefix(f *testing.F) {
	for _, seed := range []string{"", "/", "/a", "/a/", "/a//b", "/{x}", "/a/../b", "/a b", "a", "/%61", "/\u00fc", "/a/{$}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, prefix string) {
		a := &plugin.Admin{Prefix: prefix, Handler: message.HandlerFunc(func(*message.Exchange) error { return nil })}
		if plugin.ValidAdminPrefix(prefix) && (!a.Takes(prefix+"/") || a.Takes(prefix+"x")) {
			t.Errorf("%q", prefix)
		}
	})
}
