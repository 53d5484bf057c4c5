package directory

import (
	"io/fs"
	"net/url"
	"strings"
)

// target is what a path asks for.
type target struct {
	name  string // below the root, with slashes, "." for the root itself
	slash bool   // whether it ended with a slash, as directories do
}

// asDirectory is where the directory is, relative to the path without its slash. So
// it holds also where the path has been rewritten, and leads to no other host.
func (t target) asDirectory() string {
	last := t.name[strings.LastIndexByte(t.name, '/')+1:]
	return "./" + url.PathEscape(last) + "/"
}

// nameOf reads a path as it was sent. It is an error where that can be the name of
// nothing, with a NUL, a slash or a broken escape within a segment, and where it
// leads above the root.
func nameOf(path string) (t target, err error) {
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		decoded, err := url.PathUnescape(segment)
		if err != nil || strings.ContainsAny(decoded, "/\x00") {
			return target{}, fs.ErrNotExist
		}
		t.slash = false
		switch decoded {
		case "", ".":
			t.slash = true
		case "..":
			if len(kept) == 0 {
				return target{}, errEscape
			}
			kept, t.slash = kept[:len(kept)-1], true
		default:
			kept = append(kept, decoded)
		}
	}
	if t.name = strings.Join(kept, "/"); t.name == "" {
		t.name = "."
	}
	return t, nil
}
