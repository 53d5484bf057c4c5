package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSyncMakesAnotherStoreHoldTheSame(t *testing.T) {
	from := conf(t, good)
	dir := t.TempDir()
	for _, target := range []string{filepath.Join(dir, "one.toml"), filepath.Join(dir, "by-category"), filepath.Join(dir, "by-item") + "?separation"} {
		code, out, err := call([]string{"-c", from, "--sync", target})
		if code != 0 || !strings.Contains(out, "holds the same") || !strings.Contains(out, "added servers.web") {
			t.Fatalf("%s: exit code %d, %s%s", target, code, out, err)
		}
		if code, out, err = call([]string{"-c", target, "-t"}); code != 0 || !strings.Contains(out, "is right: 1 server, 3 locations, 1 upstream, 0 plugins") {
			t.Errorf("%s: exit code %d, %s%s", target, code, out, err)
		}
		if code, out, err = call([]string{"-c", from, "--sync", target}); code != 0 || !strings.Contains(out, "already") {
			t.Errorf("%s again: exit code %d, %s%s", target, code, out, err)
		}
		changed := conf(t, strings.NewReplacer(`path = "/api"`, `path = "/v1"`, "[locations.spare]\nupstream = \"peer\"\n", "").Replace(good))
		code, out, err = call([]string{"-c", changed, "--sync", target})
		if code != 0 || !strings.Contains(out, "changed locations.api") || !strings.Contains(out, "removed locations.spare") || strings.Contains(out, "servers.web") {
			t.Errorf("%s: exit code %d, %s%s", target, code, out, err)
		}
		if code, out, err = call([]string{"-c", target, "-t"}); code != 0 || !strings.Contains(out, "2 locations") || !strings.Contains(out, "/v1") {
			t.Errorf("%s: exit code %d, %s%s", target, code, out, err)
		}
	}
}

func TestSyncOfWhatIsWrongWritesNothing(t *testing.T) {
	target := filepath.Join(t.TempDir(), "x.toml")
	for _, args := range [][]string{{"-c", conf(t, "[servers.a]\nnonsense = 1\n")}, {}} {
		if code, _, err := call(append(args, "--sync", target)); code != 1 || err == "" {
			t.Errorf("%v: exit code %d, %s", args, code, err)
		}
	}
	if _, err := os.Stat(target); !os.IsNotExist(err) {
		t.Errorf("there is a target: %v", err)
	}
}

func TestCommandLineBecomesAConfiguration(t *testing.T) {
	target := filepath.Join(t.TempDir(), "x.toml")
	if code, out, err := call([]string{"--upstream", "127.0.0.1:5000", "--addr", ":8080", "--sync", target}); code != 0 {
		t.Fatalf("exit code %d, %s%s", code, out, err)
	}
	if code, out, err := call([]string{"-c", target, "-t"}); code != 0 || !strings.Contains(out, "upstream pingap") {
		t.Errorf("exit code %d, %s%s", code, out, err)
	}
}
