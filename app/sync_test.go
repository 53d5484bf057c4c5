package app

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

func TestFilesOfAnotherLayoutAreMovedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	text := strings.ReplaceAll(pinging(""), "%ADDR%", "unix:"+socket(t))
	if err := os.WriteFile(filepath.Join(dir, "mine.toml"), []byte("# by hand\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	// A check changes nothing, and in a directory that is written by hand
	// nothing is moved either.
	for _, args := range [][]string{{"-c", dir + "?separation", "-t"}, {"-c", dir, "--threads", "1"}} {
		p := &process{signals: make(chan os.Signal, 1), stdout: newRecord(), stderr: newRecord(), exited: make(chan int, 1)}
		p.signals <- syscall.SIGTERM
		p.exited <- Main(args, System{Stdout: p.stdout, Stderr: p.stderr, Getenv: environ(nil), Signals: p.signals})
		p.exit(t)
		if names, _ := filepath.Glob(dir + "/*"); len(names) != 1 || strings.Contains(p.stderr.String(), "migrated") {
			t.Errorf("%q: the directory holds %q:\n%s", args, names, p.stderr)
		}
	}
	p := &process{signals: make(chan os.Signal, 1), stdout: newRecord(), stderr: newRecord(), exited: make(chan int, 1)}
	p.signals <- syscall.SIGTERM
	p.exited <- Main([]string{"-c", dir + "?separation", "--threads", "1"}, System{Stdout: p.stdout, Stderr: p.stderr, Getenv: environ(nil), Signals: p.signals})
	p.exit(t)
	if p.stderr.after("config layout migrated: ") == "" || p.stderr.after("listening on ") == "" {
		t.Errorf("it says:\n%s", p.stderr)
	}
	for _, name := range []string{"servers/web.toml", "locations/ping.toml", "mine.toml*.bak"} {
		if found, _ := filepath.Glob(filepath.Join(dir, name)); len(found) != 1 {
			t.Errorf("%s: there is %q", name, found)
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
