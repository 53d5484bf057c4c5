package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEarlierVersionsAreListedAndRestored(t *testing.T) {
	target := filepath.Join(t.TempDir(), "kept") + "?separation&enable_history"
	for _, path := range []string{"/api", "/v2"} {
		from := conf(t, strings.Replace(good, `path = "/api"`, `path = "`+path+`"`, 1))
		if code, out, err := call([]string{"-c", from, "--sync", target}, "SUDO_USER=alice"); code != 0 {
			t.Fatalf("exit code %d, %s%s", code, out, err)
		}
	}
	code, all, err := call([]string{"history", "-c", target})
	if code != 0 || len(regexp.MustCompile(`(?m)^\S+ \S+  alice, pingap --sync +locations\.api  \d+\.\d+$`).FindAllString(all, -1)) != 2 || !strings.Contains(all, "servers.web") {
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

func TestRestoringLeavesNothingWrong(t *testing.T) {
	target := filepath.Join(t.TempDir(), "kept") + "?separation&enable_history"
	versionOf := func(section string) string {
		_, out, _ := call([]string{"history", "-c", target, section})
		for line := range strings.Lines(out) {
			if fields := strings.Fields(line); strings.Contains(line, section) && !strings.Contains(line, "deleted") {
				return fields[len(fields)-1]
			}
		}
		t.Fatalf("there is no version of %s:\n%s", section, out)
		return ""
	}
	without := strings.NewReplacer("[locations.spare]\nupstream = \"peer\"\n", "", "upstream = \"peer\"", "plugins = [\"pingap:ping\"]", "[upstreams.peer]\naddrs = [\"127.0.0.1:5000\"]\n", "").Replace(good)
	for _, text := range []string{good, without} {
		if code, out, err := call([]string{"-c", conf(t, text), "--sync", target}); code != 0 {
			t.Fatalf("exit code %d, %s%s", code, out, err)
		}
	}
	// Without its upstream, the location would be wrong.
	spare := versionOf("locations.spare")
	code, out, err := call([]string{"history", "-c", target, "locations.spare", "--restore", spare})
	if code != 1 || !strings.Contains(err, "the configuration would be wrong, so nothing was saved") || !strings.Contains(err, "peer") {
		t.Errorf("exit code %d, %s%s", code, out, err)
	}
	for _, section := range []string{"upstreams.peer", "locations.spare"} {
		if code, out, err := call([]string{"history", "-c", target, section, "--restore", versionOf(section)}); code != 0 {
			t.Errorf("exit code %d, %s%s", code, out, err)
		}
	}
	// Where everything has been deleted, everything can be had back.
	directory, _, _ := strings.Cut(target, "?")
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	if code, out, err := call([]string{"history", "-c", target, "upstreams.peer", "--restore", versionOf("upstreams.peer")}); code != 0 {
		t.Errorf("exit code %d, %s%s", code, out, err)
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
		`there is no such version: "1"`:   {"-c", kept + "?enable_history", "locations.api", "--restore", "1"},
		"unknown flag: --all":             {"--all"},
		"no host is named":                {"-c", "etcd://"},
	} {
		if code, out, err := call(append([]string{"history"}, args...)); !strings.Contains(out+err, want) || (code == 0) != (out != "") {
			t.Errorf("%q: exit code %d, %s%s; want %s", args, code, out, err, want)
		}
	}
}
