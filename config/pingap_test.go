package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigurationsOfPingapLoad reads the files in testdata/pingap, each of
// which is right for Pingap. Below it stand the notes there are on it.
func TestConfigurationsOfPingapLoad(t *testing.T) {
	t.Setenv("PINGAP_TEST_TOKEN", "token")
	files, err := filepath.Glob("testdata/pingap/*.toml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".toml"), func(t *testing.T) { loads(t, file) })
	}
}

const notesMark = "\n# notes:\n"

func loads(t *testing.T, file string) {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, want, ok := strings.Cut(string(content), notesMark)
	if !ok {
		t.Fatalf("no line says %q", strings.TrimSpace(notesMark))
	}
	c, problems := Parse("a.toml", []byte(text))
	problems = append(problems, c.Check(Checks{Categories: laterCategories, ReadyMade: laterPlugins})...)
	if wrong := problems.Errors(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	var got strings.Builder
	for _, n := range append(notesOf(problems), c.Notes...) {
		got.WriteString("# " + n.String() + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(text+notesMark+got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// notesOf makes notes of warnings.
func notesOf(warnings Problems) (notes []Note) {
	warnings.Sort()
	for _, w := range warnings {
		notes = append(notes, Note{File: w.File, Line: w.Line, Text: strings.TrimPrefix(w.String(), w.Position.String()+": ")})
	}
	return notes
}

func TestReferencesMayStandWithinAURL(t *testing.T) {
	t.Setenv("PINGAP_TEST_TOKEN", "token")
	c, problems := Parse("a.toml", []byte("[certificates.web]\ndomains = \"example.com\"\nacme = \"lets_encrypt\"\ndns_service_url = \"https://api.cloudflare.com?token=$ENV:PINGAP_TEST_TOKEN&x=1\"\n"))
	if got := c.Certificates[0].DNSServiceURL; got != "https://api.cloudflare.com?token=token&x=1" || len(problems) > 0 {
		t.Errorf("the URL is %s, %v", got, problems)
	}
}
