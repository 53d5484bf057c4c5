package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// example is a whole configuration in a page; parts of one are marked as such.
var example = regexp.MustCompile("(?s)```toml\n(.*?)```")

func TestEachConfigurationInThePagesIsAccepted(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range example.FindAllSubmatch(text, -1) {
			found++
			file := writeFile(t, t.TempDir(), "example.toml", string(m[1]))
			if code, out, err := command(t, nil, "-c", file, "-t"); code != 0 {
				t.Errorf("%s: %s%s\n%s", page, out, err, m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no page has an example")
	}
}
