package app

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestEarlierVersionsAreListedAndRestored(t *testing.T) {
	target := filepath.Join(t.TempDir(), "kept") + "?separation&enable_history"
	for _, path := range []string{"/api", "/v2"} {
		from := conf(t, strings.Replace(good, `path = "/api"`, `path = "`+path+`"`, 1))
		if code, out, err := call([]string{"-c", from, "--sync", target}); code != 0 {
			t.Fatalf("exit code %d, %s%s", code, out, err)
		}
	}
	code, all, err := call([]string{"history", "-c", target})
	if code != 0 || strings.Count(all, "  pingap --sync         locations.api  ") != 2 || !strings.Contains(all, "servers.web") {
		t.Errorf("exit code %d:\n%s%s", code, all, err)
	}
	code, one, err := call([]string{"history", "-c", target, "locations.api"})
	if code != 0 || !strings.Contains(one, "- path = \"/api\"\n   + path = \"/v2\"\n") || strings.Contains(one, "servers.web") {
		t.Fatalf("exit code %d:\n%s%s", code, one, err)
	}
	first := ""
	for line := range strings.Lines(one) {
		if fields := strings.Fields(line); strings.Contains(line, "locations.api") {
			first = fields[len(fields)-1]
		}
	}
	if code, out, err := call([]string{"history", "-c", target, "locations.api", "--restore", first}); code != 0 || !strings.Contains(out, "locations.api is what it was in version "+first) {
		t.Errorf("exit code %d, %s%s", code, out, err)
	}
	if _, out, _ := call([]string{"-c", target, "-t"}); !strings.Contains(out, "/api") || strings.Contains(out, "/v2") {
		t.Errorf("after the first version was restored:\n%s", out)
	}
	if _, out, _ := call([]string{"history", "-c", target, "locations.api"}); strings.Count(out, "pingap history") != 1 {
		t.Errorf("the restoration is no version:\n%s", out)
	}
}

func TestHistoryThatIsNotThereIsExplained(t *testing.T) {
	kept := conf(t, good)
	for want, args := range map[string][]string{
		"no store is named: give -c CONF": {},
		"this store keeps no history":     {"-c", kept},
		"nothing has been saved":          {"-c", kept + "?enable_history"},
		`"b" is one argument too many`:    {"-c", kept, "a", "b"},
		"--restore needs the section":     {"-c", kept, "--restore", "1"},
		`there is no version "1"`:         {"-c", kept + "?enable_history", "locations.api", "--restore", "1"},
		"unknown flag: --all":             {"--all"},
		"no host is named":                {"-c", "etcd://"},
	} {
		if code, out, err := call(append([]string{"history"}, args...)); !strings.Contains(out+err, want) || (code == 0) != (out != "") {
			t.Errorf("%q: exit code %d, %s%s; want %s", args, code, out, err, want)
		}
	}
}
