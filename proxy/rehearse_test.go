package proxy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pingap/config"
)

// What a configuration in force has already is not asked for again: it works, whatever
// the resolver says today, and the process may have become another user.
func TestRehearsalLeavesOutWhatIsInUse(t *testing.T) {
	dir := t.TempDir()
	text := "[servers.s]\naddr = \":1\"\naccess_log = \"" + dir + "?rolling=never {status}\"\n[upstreams.u]\naddrs = [\"no.such.invalid\", \"127.0.0.1:80\"]\n[upstreams.v]\naddrs = [\"no.such.invalid\"]\n"
	c, problems := config.Parse("test.toml", []byte(text))
	if wrong := problems.Errors(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	found := Rehearse(t.Context(), c, nil)
	found.Sort()
	if len(found) != 3 || len(found.Errors()) != 2 {
		t.Fatalf("found are\n%v", found)
	}
	for i, want := range []string{
		"test.toml:3: servers.s: access_log: open log: open " + dir,
		"test.toml:5: upstreams.u: addrs: warning: ",
		`test.toml:7: upstreams.v: addrs: upstream "v" has no peer that can be reached`,
	} {
		if !strings.HasPrefix(found[i].String(), want) {
			t.Errorf("got %s, want %s", found[i], want)
		}
	}
	if again := Rehearse(t.Context(), c, c); len(again) > 0 {
		t.Errorf("beside itself:\n%v", again)
	}
}

func TestRehearsalMakesNoFiles(t *testing.T) {
	dir := t.TempDir()
	c, _ := config.Parse("test.toml", []byte("[servers.s]\naddr = \":1\"\naccess_log = \""+filepath.Join(dir, "logs", "a.log")+" combined\"\n"))
	found := Rehearse(t.Context(), c, nil)
	if left, err := os.ReadDir(dir); len(found) > 0 || len(left) > 0 {
		t.Errorf("found are %v; there are %v, %v", found, left, err)
	}
}
