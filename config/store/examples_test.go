package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pingap/config"
)

const examples = "../../docs/examples"

func TestEachExampleOfTheDocumentationIsRight(t *testing.T) {
	entries, err := os.ReadDir(examples)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(examples, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, entry := range entries {
		if !entry.IsDir() && filepath.Ext(entry.Name()) != extension {
			continue
		}
		count++
		c, problems := load(t, filepath.Join(examples, entry.Name()))
		problems = append(problems, c.Check(pluginsOf(c))...)
		if len(problems) > 0 {
			t.Error(problems)
		}
		if !strings.Contains(string(page), "["+entry.Name()+"]") {
			t.Errorf("%s is not on the page of examples", entry.Name())
		}
	}
	if count < 8 {
		t.Errorf("only %d examples", count)
	}
}

// pluginsOf takes it that there are the plugins which a configuration has: the
// end-to-end tests run each example.
func pluginsOf(c *config.Config) (checks config.Checks) {
	for _, p := range c.Plugins {
		checks.Categories = append(checks.Categories, p.Category)
	}
	for _, l := range c.Locations {
		for _, name := range l.Plugins {
			if strings.HasPrefix(name, config.ReadyMadePrefix) {
				checks.ReadyMade = append(checks.ReadyMade, name)
			}
		}
	}
	return checks
}

func TestCommentedDefaultsOfTheExamplesAreTheDefaults(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(examples, "limits.toml"))
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for line := range strings.Lines(string(text)) {
		if key, ok := strings.CutPrefix(line, "# "); ok && strings.Contains(line, " = ") {
			line = key
		}
		shown.WriteString(line)
	}
	as, problems := config.Parse("limits.toml", text)
	written, more := config.Parse("limits.toml", []byte(shown.String()))
	if len(problems)+len(more) > 0 || shown.String() == string(text) {
		t.Fatal(problems, more)
	}
	a, b := *as.Servers[0], *written.Servers[0]
	if a.MaxHeaderFields != b.MaxHeaderFields || a.DownstreamReadTimeout != b.DownstreamReadTimeout || a.DownstreamWriteTimeout != b.DownstreamWriteTimeout {
		t.Errorf("the server is %+v\nand with its defaults written %+v", a, b)
	}
	u, v := *as.Upstreams[0], *written.Upstreams[0]
	if u.ConnectionTimeout != v.ConnectionTimeout || u.WriteTimeout != v.WriteTimeout || u.IdleTimeout != v.IdleTimeout {
		t.Errorf("the upstream is %+v\nand with its defaults written %+v", u, v)
	}
}
