package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// open opens a store for a test.
func open(t *testing.T, location string) *Store {
	t.Helper()
	s, err := Open(location)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// must ends a test at an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// upstream is an item for tests.
func upstream(name, addr string) Edit {
	return Edit{Category: "upstreams", Name: name, Base: Any, Text: fmt.Sprintf("[upstreams.%s]\naddrs = [%q]\n", name, addr)}
}

// tree returns the files in a directory with what they hold.
func tree(t *testing.T, directory string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(directory, path)
		fmt.Fprintf(&b, "== %s\n%s", name, data)
		return err
	}))
	return b.String()
}

func TestItemsGoToTheFilesOfTheLayout(t *testing.T) {
	basic := Edit{Category: "basic", Base: Any, Text: "[basic]\nname = \"x\"\n"}
	for location, want := range map[string]string{
		"p.toml":           "== p.toml\n[basic]\nname = \"x\"\n\n[upstreams.a]\naddrs = [\"1.1.1.1\"]\n\n[upstreams.b]\naddrs = [\"2.2.2.2\"]\n",
		"conf":             "== conf/basic.toml\n[basic]\nname = \"x\"\n== conf/upstreams.toml\n[upstreams.a]\naddrs = [\"1.1.1.1\"]\n\n[upstreams.b]\naddrs = [\"2.2.2.2\"]\n",
		"conf?separation":  "== conf/basic.toml\n[basic]\nname = \"x\"\n== conf/upstreams/a.toml\n[upstreams.a]\naddrs = [\"1.1.1.1\"]\n== conf/upstreams/b.toml\n[upstreams.b]\naddrs = [\"2.2.2.2\"]\n",
		"new/sub/x/p.toml": "== new/sub/x/p.toml\n[basic]\nname = \"x\"\n\n[upstreams.a]\naddrs = [\"1.1.1.1\"]\n\n[upstreams.b]\naddrs = [\"2.2.2.2\"]\n",
	} {
		directory := t.TempDir()
		s := open(t, directory+"/"+location)
		must(t, s.Save(t.Context(), "alice", basic))
		must(t, s.Save(t.Context(), "alice", upstream("a", "1.1.1.1"), upstream("b", "2.2.2.2")))
		if got := tree(t, directory); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", location, got, want)
		}
		again := open(t, directory+"/"+location)
		c, problems, err := again.Load()
		if err != nil || len(problems) > 0 || c.Upstream("b") == nil {
			t.Errorf("%s: %v %v", location, err, problems)
		}
		must(t, again.Save(t.Context(), "", Edit{Category: "upstreams", Name: "a", Base: Any}))
		snapshot, err := s.Read(t.Context())
		must(t, err)
		if items, err := snapshot.Items(); err != nil || len(items) != 2 || items[0].Category != "basic" || items[1].Name != "b" {
			t.Errorf("%s: after deleting a there is %v, %v", location, items, err)
		}
	}
}

func TestSavingKeepsCommentsAndWhatElseAFileHolds(t *testing.T) {
	directory := t.TempDir()
	const before = `# The head of the file.

# for a
[upstreams.a]
addrs = ["1.1.1.1"] # here
# addrs = ["old"]

# ---- more ----

[upstreams.b]
addrs = [
  "2.2.2.2", # [upstreams.c]

]
[plugins.p]
note = """
[upstreams.a]

"""
[plugins.p.inner]
x = 1
`
	path := write(t, directory, "all.toml", before)
	s := open(t, path)
	must(t, s.Save(t.Context(), "", upstream("a", "3.3.3.3")))
	want := strings.Replace(before, "# for a\n[upstreams.a]\naddrs = [\"1.1.1.1\"] # here\n# addrs = [\"old\"]\n", "[upstreams.a]\naddrs = [\"3.3.3.3\"]\n", 1)
	if got := tree(t, directory); got != "== all.toml\n"+want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	must(t, s.Save(t.Context(), "", Edit{Category: "plugins", Name: "p", Base: Any}, Edit{Category: "upstreams", Name: "a", Base: Any}))
	want = "# The head of the file.\n\n# ---- more ----\n\n[upstreams.b]\naddrs = [\n  \"2.2.2.2\", # [upstreams.c]\n\n]\n"
	if got := tree(t, directory); got != "== all.toml\n"+want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestItemIsSavedWhereItStands(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, "mine.toml", "[upstreams.a]\naddrs = [\"1.1.1.1\"]\n")
	write(t, directory, "upstreams.toml", "[upstreams.b]\naddrs = [\"1.1.1.1\"]\n")
	s := open(t, directory)
	must(t, s.Save(t.Context(), "", upstream("a", "2.2.2.2")))
	want := "== mine.toml\n[upstreams.a]\naddrs = [\"2.2.2.2\"]\n== upstreams.toml\n[upstreams.b]\naddrs = [\"1.1.1.1\"]\n"
	if got := tree(t, directory); got != want {
		t.Errorf("got\n%s", got)
	}
	if _, problems := load(t, directory); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestTwoWritersDoNotOverwriteEachOtherInSilence(t *testing.T) {
	for _, s := range []*Store{open(t, t.TempDir()+"/p.toml"), open(t, t.TempDir()+"/conf"), open(t, t.TempDir()+"/conf?separation"), Memory("m", "")} {
		create := upstream("a", "1.1.1.1")
		create.Base = ""
		must(t, s.Save(t.Context(), "alice", create))
		var conflict *Conflict
		if err := s.Save(t.Context(), "bob", create); !errors.As(err, &conflict) || conflict.Item.Text != create.Text {
			t.Errorf("%s: created twice: %v", s, err)
		}
		alice, bob := upstream("a", "2.2.2.2"), upstream("a", "3.3.3.3")
		alice.Base, bob.Base = RevisionOf(create.Text), RevisionOf(create.Text)
		must(t, s.Save(t.Context(), "alice", alice))
		if err := s.Save(t.Context(), "bob", bob); !errors.As(err, &conflict) || conflict.Item.Revision != RevisionOf(alice.Text) {
			t.Errorf("%s: overwritten: %v", s, err)
		}
		snapshot, err := s.Read(t.Context())
		must(t, err)
		if item, _ := snapshot.Item("upstreams", "a"); item.Text != alice.Text {
			t.Errorf("%s: %s", s, item.Text)
		}
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	for _, location := range []string{t.TempDir() + "/p.toml", t.TempDir() + "/conf", t.TempDir() + "/conf?separation"} {
		var writers sync.WaitGroup
		for i := range 8 {
			s := open(t, location)
			writers.Go(func() {
				for n := range 4 {
					if err := s.Save(t.Context(), "", upstream(fmt.Sprintf("u%d-%d", i, n), "1.1.1.1")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		if c, problems := load(t, strings.TrimSuffix(location, "?separation")); len(c.Upstreams) != 32 || len(problems) > 0 {
			t.Errorf("%s: %d upstreams, %v", location, len(c.Upstreams), problems)
		}
	}
}

func TestTOMLIsNotWrittenToFilesOfOtherFormats(t *testing.T) {
	directory := t.TempDir()
	from := Memory("m", upstream("a", "1.1.1.1").Text)
	for name, format := range map[string]string{"p.hcl": "HCL", "p.kdl": "KDL"} {
		s := open(t, filepath.Join(directory, name))
		if err := s.Save(t.Context(), "", upstream("a", "1.1.1.1")); err == nil || !strings.Contains(err.Error(), "is written in "+format+"; only TOML can be changed") {
			t.Errorf("%s is saved: %v", name, err)
		}
		_, err := Sync(t.Context(), "", from, s)
		if want := s.String() + " has the name of a file in " + format + ", but TOML is what is written; choose a name that ends in .toml"; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if got := tree(t, directory); got != "" {
		t.Errorf("there is\n%s", got)
	}
}

func TestNamesThatLeadOutOfTheDirectoryAreRefused(t *testing.T) {
	directory := t.TempDir()
	s := open(t, directory+"/conf?separation")
	for _, item := range []id{{"upstreams", "../x"}, {"upstreams", "a/b"}, {"upstreams", `a\b`}, {"upstreams", ".x"}, {"upstreams", ""},
		{"upstreams", "a\x00"}, {"upstreams", strings.Repeat("x", 200)}, {"../upstreams", "x"}, {"nonsense", "x"}, {"basic", "x"}} {
		text := fmt.Sprintf("[%s.%q]\n", item.category, item.name)
		if err := s.Save(t.Context(), "", Edit{item.category, item.name, text, Any}); err == nil {
			t.Errorf("%q is saved", item)
		}
		if err := s.Save(t.Context(), "", Edit{item.category, item.name, "", Any}); err == nil {
			t.Errorf("%q is deleted", item)
		}
	}
	if got := tree(t, directory); got != "" {
		t.Errorf("there is\n%s", got)
	}
}

func TestTextThatIsNotTheItemIsRefused(t *testing.T) {
	s := open(t, t.TempDir()+"/conf")
	for text, want := range map[string]string{
		"[upstreams.b]\n":                   "line 1: [upstreams.a] is to be saved, but [upstreams.b] stands here",
		"[upstreams.a]\n[basic]\n":          "line 2: [upstreams.a] is to be saved, but [basic] stands here",
		"upstreams.a.addrs = [\"1\"]\n":     "line 1: [upstreams.a] is to be saved, but [upstreams.a] stands here",
		"# nothing\n":                       "[upstreams.a] is to be saved, but the text has no such header",
		"[upstreams.a]\naddrs = [\n":        "[upstreams.a] is no TOML that can be read",
		"[upstreams]\na = { addrs = [] }\n": "line 1: [upstreams.a] is to be saved, but [upstreams] stands here",
	} {
		err := s.Save(t.Context(), "", Edit{"upstreams", "a", text, Any})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := s.Save(t.Context(), "", Edit{"upstreams", "a", "", Any}); !errors.Is(err, ErrAbsent) {
		t.Errorf("deleting what is not there: %v", err)
	}
}

func TestItemOutsideOfItsHeaderIsLeftAlone(t *testing.T) {
	path := write(t, t.TempDir(), "p.toml", "basic.name = \"x\"\n[upstreams]\na = { addrs = [\"1.1.1.1\"] }\n")
	s := open(t, path)
	err := s.Save(t.Context(), "", upstream("a", "2.2.2.2"))
	if want := "[upstreams.a] cannot be saved: " + path + ":3: a part of it stands outside of that section; write it below the header [upstreams.a] with a text editor first"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	must(t, s.Save(t.Context(), "", upstream("b", "2.2.2.2")))
	if c, problems := load(t, path); len(problems) > 0 || c.Upstream("a") == nil || c.Upstream("b") == nil || c.Basic.Name != "x" {
		t.Error(c.Upstreams, problems)
	}
}

func TestBrokenFileCanBeRepairedByItem(t *testing.T) {
	directory := t.TempDir()
	path := write(t, directory, "upstreams/a.toml", "[upstreams.a]\naddrs = [\n")
	write(t, directory, "upstreams/b.toml", "[upstreams.b]\naddrs = [\"1.1.1.1\"]\n")
	s := open(t, directory+"?separation")
	snapshot, err := s.Read(t.Context())
	must(t, err)
	if items, err := snapshot.Items(); len(items) != 2 || err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v %v", items, err)
	}
	must(t, s.Save(t.Context(), "", upstream("a", "1.1.1.1")))
	if _, problems := load(t, directory); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestSavingKeepsModeAndLinks(t *testing.T) {
	directory := t.TempDir()
	target := write(t, directory, "real/p.toml", "[upstreams.a]\naddrs = [\"1.1.1.1\"]\n")
	must(t, os.Chmod(target, 0o640))
	link := filepath.Join(directory, "p.toml")
	must(t, os.Symlink("real/p.toml", link))
	must(t, open(t, link).Save(t.Context(), "", upstream("a", "2.2.2.2")))
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is %v, %v", info, err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file is %v, %v", info, err)
	}
	if c, _ := load(t, link); c.Upstream("a").Addrs == nil {
		t.Error("nothing was saved")
	}
}

func TestNewFilesAreAsOpenAsTheirDirectory(t *testing.T) {
	for mode, want := range map[fs.FileMode]fs.FileMode{0o700: 0o600, 0o750: 0o640, 0o755: 0o644} {
		directory := t.TempDir()
		must(t, os.Chmod(directory, mode))
		must(t, open(t, directory+"?separation").Save(t.Context(), "", upstream("a", "1.1.1.1")))
		info, err := os.Stat(filepath.Join(directory, "upstreams", "a.toml"))
		must(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("in a directory of mode %o a file has %o", mode, info.Mode().Perm())
		}
	}
}

func TestSavingWithoutRightsSaysWhatToDo(t *testing.T) {
	directory := t.TempDir()
	must(t, os.Chmod(filepath.Dir(directory), 0o755))
	must(t, os.Chmod(directory, 0o555))
	path := filepath.Join(directory, "p.toml")
	var err error
	var user int
	asNobody(t, func() {
		user = os.Geteuid()
		err = open(t, path).Save(t.Context(), "", upstream("a", "1.1.1.1"))
	})
	want := fmt.Sprintf("save the configuration %s: user %d may not make files in %s; a file is replaced as a whole, so its directory must be writable (chown %d %s)",
		path, user, directory, user, directory)
	if !errors.Is(err, syscall.EACCES) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func FuzzDissectionLosesNothing(f *testing.F) {
	f.Add("# x\n[a.b]\nc = 1\n\n# y\n\n[d]\n[a.b.c]\n", "a", "b")
	f.Add("a.b = 1\r\n[a]\r\nc.d = {}\r\n[[x.y]]", "a", "c")
	f.Add("\uFEFF[basic]\nx = '''\n[y]\n'''", "basic", "")
	f.Fuzz(func(t *testing.T, text, category, name string) {
		fragments, err := dissect(text)
		at := 0
		for _, f := range fragments {
			if f.lead < at || f.start < f.lead || f.end < f.start || f.end > len(text) {
				t.Fatalf("%q: %+v", text, fragments)
			}
			at = f.end
		}
		if err != nil {
			return
		}
		item := id{category, name}
		without, err := dissect(splice(text, fragments, map[id]string{item: ""}))
		if err != nil {
			return // a loose part of a table that goes on
		}
		for _, f := range without {
			if f.id == item {
				t.Fatalf("%q: %s is still there", text, item)
			}
		}
	})
}

func FuzzSavingOneItemLeavesTheOthers(f *testing.F) {
	f.Add("# x\n[a.b]\nc = 1\n\n# y\n\n[upstreams.u]\n[upstreams.v]\nd = '''\n[upstreams.u]\n'''\n", "x = 1", uint8(0))
	f.Add("[upstreams.v]\n[servers]\n[upstreams.u.w]\n# tail", "[upstreams.u.x]", uint8(1))
	f.Add("basic.x = 1\n[upstreams.u]\r\na.b=1\r\n\r\n[[upstreams.u.y]]\r\nq = 2", "", uint8(2))
	f.Fuzz(func(t *testing.T, toml, body string, kind uint8) {
		before := Memory("m.toml", toml).snapshot([]text{{key: "m.toml", data: toml}}, "")
		if _, err := dissect(toml); err != nil || len(before.Document().Problems()) > 0 {
			return
		}
		is := "[upstreams.u]\n" + body
		if kind%3 == 2 {
			is = ""
		}
		after, err := before.With(Edit{"upstreams", "u", is, Any})
		if err != nil {
			return
		}
		if problems := (&Snapshot{texts: []text{{data: is}}, title: before.title}).Document().Problems(); len(problems) > 0 {
			return
		}
		if problems := after.Document().Problems(); len(problems) > 0 {
			t.Fatalf("%v with %v has become %v: %v", toml, is, after.texts, problems)
		}
		was, now := map[id]string{}, map[id]string{}
		for items, s := range map[*map[id]string]*Snapshot{&was: before, &now: after} {
			all, err := s.Items()
			if err != nil {
				t.Fatalf("%v: %v", s.texts, err)
			}
			for _, i := range all {
				(*items)[id{i.Category, i.Name}] = i.Text
			}
		}
		was[id{"upstreams", "u"}] = asRead(is)
		if is == "" {
			delete(was, id{"upstreams", "u"})
		}
		if !maps.Equal(was, now) {
			t.Fatalf("%v with %v has become %v:\n%v instead of\n%v", toml, is, after.texts, now, was)
		}
	})
}
