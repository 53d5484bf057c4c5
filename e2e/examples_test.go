package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// example is a configuration in a page. What lacks more than a reader fills in
	// is marked as a part.
	example = regexp.MustCompile("(?s)```toml\n(.*?)```")

	aLocation  = regexp.MustCompile(`(?m)^\[locations\.([\w-]+)\]`)
	aPlugin    = regexp.MustCompile(`(?m)^\[plugins\.([\w-]+)\]`)
	upstreamOf = regexp.MustCompile(`(?m)^upstream = "([\w-]+)"`)
)

// namesIn returns what an expression finds.
func namesIn(e *regexp.Regexp, text string) (found []string) {
	for _, m := range e.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// completed adds to an example about plugins or locations what stands around them:
// a server, a location for plugins, and upstreams. Where there are some of a kind,
// none is added: a name that is written wrongly is to be found.
func completed(text string) string {
	locations := namesIn(aLocation, text)
	if plugins := namesIn(aPlugin, text); locations == nil && plugins != nil {
		locations = []string{"all"}
		text += fmt.Sprintf("\n[locations.all]\nupstream = \"app\"\nplugins = [\"%s\"]\n", strings.Join(plugins, `", "`))
	}
	if locations != nil && !strings.Contains(text, "[servers.") {
		text += fmt.Sprintf("\n[servers.main]\naddr = \"127.0.0.1:8080\"\nlocations = [\"%s\"]\n", strings.Join(locations, `", "`))
	}
	if strings.Contains(text, "[upstreams.") {
		return text
	}
	upstreams := namesIn(upstreamOf, text)
	slices.Sort(upstreams)
	for _, name := range slices.Compact(upstreams) {
		text += fmt.Sprintf("\n[upstreams.%s]\naddrs = [\"127.0.0.1:5000\"]\n", name)
	}
	return text
}

func TestEachConfigurationInThePagesIsAccepted(t *testing.T) {
	dir := t.TempDir()
	countriesOf(t, dir, "192.0.2.0/24", "SE")
	// A file that has to be there for its example to be accepted.
	there := strings.NewReplacer("/var/lib/GeoIP/GeoLite2-Country.mmdb", filepath.Join(dir, "countries.mmdb"))
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
			file := writeFile(t, t.TempDir(), "example.toml", there.Replace(completed(string(m[1]))))
			if code, out, err := command(t, nil, "-c", file, "-t"); code != 0 {
				t.Errorf("%s: %s%s\n%s", page, out, err, m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no page has an example")
	}
}
