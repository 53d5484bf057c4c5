package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pingap/config"
)

// write makes a file, and the directories it stands in.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// load reads a configuration that can be read.
func load(t *testing.T, path string) (*config.Config, config.Problems) {
	t.Helper()
	origin, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c, problems, err := origin.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c, problems
}

// loadError returns why a configuration cannot be read.
func loadError(path string) error {
	origin, err := Open(path)
	if err != nil {
		return err
	}
	_, _, err = origin.Load()
	return err
}

func TestFileIsLoadedWhateverItsName(t *testing.T) {
	path := write(t, t.TempDir(), "pingap.conf", "[upstreams.a]\naddrs = [\"127.0.0.1\"]\n")
	c, problems := load(t, path)
	if len(problems) > 0 || c.Upstream("a") == nil {
		t.Errorf("%v, %v", c.Upstreams, problems)
	}
	if at := c.Upstream("a").Source; at.File != path {
		t.Errorf("the upstream is said to stand in %s", at.File)
	}
}

func TestDirectoryIsOneConfigurationInTheOrderOfNames(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "upstreams/b.toml", "[upstreams.b]\naddrs = [\"127.0.0.1\"]\n")
	write(t, dir, "upstreams/a.toml", "[upstreams.a]\naddrs = [\"127.0.0.1\"]\n")
	write(t, dir, "basic.toml", "[basic]\nname = \"x\"\n")
	write(t, dir, "z.toml", "[upstreams.z]\naddrs = [\"127.0.0.1\"]\n")
	write(t, dir, "notes.txt", "this is no TOML")
	write(t, dir, "old.toml.bak", "[basic]\nname = \"old\"\n")
	write(t, dir, ".hidden.toml", "[basic]\nname = \"hidden\"\n")
	write(t, dir, ".git/config.toml", "[basic]\nname = \"hidden\"\n")
	c, problems := load(t, dir)
	var names []string
	for _, u := range c.Upstreams {
		names = append(names, u.Name)
	}
	if got := strings.Join(names, " "); len(problems) > 0 || got != "a b z" || c.Basic.Name != "x" {
		t.Errorf("upstreams %s, name %q, %v", got, c.Basic.Name, problems)
	}
}

func TestProblemsNameTheFileTheyStandIn(t *testing.T) {
	dir := t.TempDir()
	first := write(t, dir, "a.toml", "\n[upstreams.a]\naddrs = [\"127.0.0.1\"]\n")
	second := write(t, dir, "sub/b.toml", "[upstreams.a]\naddrs = []\n[basic]\nname = 5\n")
	_, problems := load(t, dir)
	problems.Sort()
	want := fmt.Sprintf("%s:1: upstreams.a: [upstreams.a] is written a second time; the first is at %s:2\n"+
		"%s:4: basic: name: is an integer; text is expected, such as name = \"pingap\"", second, first, second)
	if got := problems.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPathThatExistsSpeaksForItself(t *testing.T) {
	parent := t.TempDir()
	write(t, parent, "conf.toml/basic.toml", "[basic]\nname = \"directory\"\n")
	if c, _ := load(t, filepath.Join(parent, "conf.toml")); c.Basic.Name != "directory" {
		t.Error("a directory called conf.toml is not taken for one")
	}
	write(t, parent, "conf", "[basic]\nname = \"file\"\n")
	if c, _ := load(t, filepath.Join(parent, "conf")); c.Basic.Name != "file" {
		t.Error("a file called conf is not taken for one")
	}
}

func TestLinksAreFollowed(t *testing.T) {
	// As a volume of a container lays out its files.
	dir := t.TempDir()
	write(t, dir, "..2026_08_01/basic.toml", "[basic]\nname = \"mounted\"\n")
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..2026_08_01", "..data")
	link("..data/basic.toml", "basic.toml")
	link(".", "link")
	if c, problems := load(t, filepath.Join(dir, "link")); c.Basic.Name != "mounted" || len(problems) > 0 {
		t.Errorf("name %q, %v", c.Basic.Name, problems)
	}
}

func TestWhatCannotBeReadIsExplained(t *testing.T) {
	dir := t.TempDir()
	pipes := filepath.Join(dir, "pipes")
	if err := os.Mkdir(pipes, 0o755); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(pipes, "pipe.toml")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling", "a.toml")
	write(t, dir, "dangling/b.toml", "")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "missing"): "the configuration " + filepath.Join(dir, "missing") + " does not exist; name a file, or a directory of .toml files",
		pipe:                          "the configuration " + pipe + " is neither a file nor a directory",
		pipes:                         "read the configuration: " + pipe + " is not a file",
		empty:                         "the configuration " + empty + " is a directory without .toml, .hcl or .kdl files",
		filepath.Dir(dangling):        "read the configuration: stat " + dangling + ": no such file or directory",
	} {
		if err := loadError(path); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", path, err, want)
		}
	}
}

func TestSizeIsBoundedOverAllFiles(t *testing.T) {
	dir := t.TempDir()
	second := write(t, dir, "b.toml", "")
	for _, path := range []string{write(t, dir, "a.toml", ""), second} {
		if err := os.Truncate(path, 1<<19+1); err != nil {
			t.Fatal(err)
		}
	}
	origin, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	origin.medium.(*files).limit = 1 << 20
	_, _, err = origin.Load()
	if want := "read the configuration: with " + second + " it is larger than 1 MiB"; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	origin.medium.(*files).limit += 2
	if _, _, err = origin.Load(); err != nil {
		t.Errorf("just as large as allowed: %v", err)
	}
}

// asNobody runs f with the rights of a user who owns nothing.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		const nobody = 65534
		if err := syscall.Seteuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Seteuid(0); err != nil {
				t.Fatal(err)
			}
		}()
	}
	f()
}

func TestMissingPermissionsAreExplainedWithWhatToDo(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	file := write(t, dir, "conf/a.toml", "")
	closed := filepath.Dir(write(t, dir, "closed/conf/a.toml", ""))
	for path, mode := range map[string]fs.FileMode{file: 0o200, filepath.Dir(closed): 0o600} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(filepath.Dir(closed), 0o700)
	uid, gid := os.Geteuid(), os.Getegid()
	var errFile, errDirectory, errBelow error
	var reader int
	asNobody(t, func() {
		reader = os.Geteuid()
		errFile = loadError(file)
		errDirectory = loadError(filepath.Dir(file))
		errBelow = loadError(closed)
	})
	wantFile := fmt.Sprintf("read the configuration: permission denied for %s (owner %d:%d, mode 0200), as user %d; give it to that user (chown %d %s && chmod u+r %s), or let all read it (chmod a+r %s)",
		file, uid, gid, reader, reader, file, file, file)
	outer := filepath.Dir(closed)
	wantBelow := fmt.Sprintf("read the configuration: permission denied for %s (owner %d:%d, mode 0600), as user %d; give it to that user (chown %d %s && chmod u+rx %s), or let all read it (chmod a+rx %s)",
		outer, uid, gid, reader, reader, outer, outer, outer)
	for _, c := range []struct {
		err  error
		want string
	}{{errFile, wantFile}, {errDirectory, wantFile}, {errBelow, wantBelow}} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", c.err, c.want)
		}
	}
}

func TestErrorsOfTheSystemAreKept(t *testing.T) {
	if err := explain("x", fs.ErrClosed); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("%v", err)
	}
}
