package store

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pingap/config"
	"pingap/config/store/etcdtest"
)

const (
	mixedServer   = "# The server.\n[servers.main]\naddr = \"127.0.0.1:6188\"\nlocations = [\"l\"]\n"
	mixedLocation = "[locations.l]\nupstream = \"a\"\n"
	mixedUpstream = "[upstreams.a]\naddrs = [\"1.1.1.1\"]\n"
	mixedOther    = "[upstreams.b]\naddrs = [\"2.2.2.2\"]\n"
)

func TestMixedLayoutsAreFoldedAndTheOldFilesKept(t *testing.T) {
	for separation, want := range map[string]string{
		"": "== mine.toml.bak\n" + mixedServer + "\n" + mixedLocation + "== servers.toml\n" + mixedServer +
			"== locations.toml\n" + mixedLocation + "== upstreams.toml\n" + mixedUpstream + "\n" + mixedOther + "== upstreams/b.toml.bak\n" + mixedOther,
		"?separation": "== mine.toml.bak\n" + mixedServer + "\n" + mixedLocation + "== servers/main.toml\n" + mixedServer +
			"== locations/l.toml\n" + mixedLocation + "== upstreams/a.toml\n" + mixedUpstream + "== upstreams/b.toml\n" + mixedOther + "== upstreams.toml.bak\n" + mixedUpstream,
	} {
		directory := t.TempDir()
		write(t, directory, "mine.toml", mixedServer+"\n"+mixedLocation)
		write(t, directory, "upstreams.toml", mixedUpstream)
		write(t, directory, "upstreams/b.toml", mixedOther)
		s := open(t, directory+separation)
		before, _, err := s.Load()
		must(t, err)
		report, err := s.Fold(t.Context())
		if err != nil || len(report) != 2 || !strings.Contains(report[0], filepath.Join(directory, "mine.toml")) {
			t.Errorf("%q, %v", report, err)
		}
		got := tree(t, directory)
		for part := range strings.SplitSeq(want, "== ") {
			if !strings.Contains(got, part) {
				t.Errorf("%s: got\n%s\nwithout\n%s", separation, got, part)
			}
		}
		after, problems, err := s.Load()
		if changes := after.Changes(before); err != nil || len(problems) > 0 || len(changes) > 0 {
			t.Errorf("%v %v %v", changes, problems, err)
		}
		if report, err := s.Fold(t.Context()); len(report) > 0 || err != nil {
			t.Errorf("folded again: %q, %v", report, err)
		}
		if again := tree(t, directory); again != got {
			t.Errorf("folding what is folded makes\n%s", again)
		}
	}
}

func TestFileThatHoldsMoreThanItsNameSaysIsDivided(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, "servers.toml", mixedServer+mixedLocation+mixedUpstream)
	s := open(t, directory)
	report, err := s.Fold(t.Context())
	if err != nil || len(report) != 1 {
		t.Errorf("%q, %v", report, err)
	}
	got := regexp.MustCompile(`servers\.toml\.\d+\.\d+\.bak`).ReplaceAllString(tree(t, directory), "servers.toml.bak")
	want := "== locations.toml\n" + mixedLocation + "== servers.toml\n" + mixedServer + "== servers.toml.bak\n" + mixedServer + mixedLocation + mixedUpstream + "== upstreams.toml\n" + mixedUpstream
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWhatCannotBeReadIsNamedAndLeft(t *testing.T) {
	for text, want := range map[string]string{
		"[upstreams.a]\naddrs = [\n":             "mine.toml is no TOML that can be read",
		"[upstreams.b]\naddrs = [\"1.1.1.1\"]\n": "[upstreams.b] is written a second time",
	} {
		directory := t.TempDir()
		write(t, directory, "mine.toml", text)
		write(t, directory, "upstreams.toml", mixedOther)
		before := tree(t, directory)
		report, err := open(t, directory).Fold(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "the files of "+directory+" stay as they are: ") || len(report) > 0 {
			t.Errorf("%q, %v", report, err)
		}
		if got := tree(t, directory); got != before {
			t.Errorf("got\n%s", got)
		}
	}
}

func TestSyncDeletesWhatIsAbsent(t *testing.T) {
	t.Parallel()
	from := Memory("all.toml", mixedServer+"\n"+mixedLocation+"\n"+mixedUpstream)
	server := etcdtest.Start(t)
	for _, location := range []string{t.TempDir() + "/p.toml", t.TempDir() + "/conf", t.TempDir() + "/conf?separation", t.TempDir() + "/h?separation&enable_history", inEtcd(t, server, "enable_history")} {
		to := open(t, location)
		must(t, to.Save(t.Context(), "alice", upstream("old", "1.1.1.1"), upstream("a", "9.9.9.9")))
		if !strings.HasSuffix(location, ".toml") && !strings.HasPrefix(location, "etcd") {
			write(t, to.String(), "stray.toml", mixedOther)
		}
		_, err := Sync(t.Context(), "bob", from, to)
		must(t, err)
		want, _, err := from.Load()
		must(t, err)
		got, problems, err := to.Load()
		if changes := got.Changes(want); err != nil || len(changes) > 0 || len(problems.Errors()) > 0 {
			t.Errorf("%s: %v %v %v", location, changes, problems, err)
		}
		if edits, err := Sync(t.Context(), "bob", from, to); len(edits) != 0 || err != nil {
			t.Errorf("%s: a second time, %+v; %v", location, edits, err)
		}
		back := Memory("back.toml", "")
		if _, err := Sync(t.Context(), "", to, back); err != nil {
			t.Error(err)
		}
		if got, _, _ := back.Load(); len(got.Changes(want)) > 0 {
			t.Errorf("%s: it comes back as %v", location, got.Changes(want))
		}
		if versions, err := to.History(t.Context(), "upstreams", "old"); to.history && (err != nil || len(versions) != 2 || versions[0].Text != "" || versions[0].Author != "bob") {
			t.Errorf("%s: %+v, %v", location, versions, err)
		}
	}
}

func TestSyncRepairsAStoreThatCannotBeRead(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, "upstreams.toml", "[upstreams.\n")
	write(t, directory, "broken.toml", "[[[")
	from, to := Memory("all.toml", mixedUpstream), open(t, directory)
	edits, err := Sync(t.Context(), "", from, to)
	must(t, err)
	if len(edits) != 1 || edits[0].Base != "" {
		t.Errorf("%+v", edits)
	}
	if got, want := tree(t, directory), "== broken.toml.bak\n[[[== upstreams.toml\n"+mixedUpstream; got != want {
		t.Errorf("got\n%s", got)
	}
	if _, err := os.Stat(filepath.Join(directory, journalName)); err == nil {
		t.Error("the journal is left")
	}
}

func TestOtherFormatsAreReadAndWrittenAsTOML(t *testing.T) {
	for name, text := range map[string]string{
		"p.hcl":  "upstream \"a b\" {\n  addrs = [\"1.1.1.1\"]\n}\nbasic {\n  name = \"x\"\n}\n",
		"p.kdl":  "upstream \"a b\" {\n  addrs \"1.1.1.1\"\n}\nbasic {\n  name \"x\"\n}\n",
		"p.toml": "basic.name = \"x\"\n[upstreams]\n\"a b\" = { addrs = [\"1.1.1.1\"] }\n",
	} {
		directory := t.TempDir()
		path := write(t, directory, "conf/"+name, text)
		want := "== basic.toml\n[basic]\nname = \"x\"\n== upstreams/a b.toml\n[upstreams.\"a b\"]\naddrs = [\"1.1.1.1\"]\n"
		to := filepath.Join(directory, "to")
		_, err := Sync(t.Context(), "", open(t, path), open(t, to+"?separation"))
		must(t, err)
		if got := tree(t, to); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
		s := open(t, filepath.Dir(path)+"?separation")
		if name != "p.toml" {
			for _, s := range []*Store{open(t, path), s} {
				err := s.Save(t.Context(), "", upstream("b", "1.1.1.1"))
				if want := "[upstreams.b] cannot be saved: " + path + " is written in " + strings.ToUpper(name[2:]) + "; only TOML can be changed"; err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("%v", err)
				}
			}
		}
		report, err := s.Fold(t.Context())
		if err != nil || len(report) != 1 {
			t.Errorf("%q %v", report, err)
		}
		if got := tree(t, filepath.Dir(path)); got != strings.Replace(want, "== u", "== "+name+".bak\n"+text+"== u", 1) {
			t.Errorf("%s: folded to\n%s", name, got)
		}
	}
}

func FuzzRenderedTextsMeanTheSame(f *testing.F) {
	f.Add("a", "x\n'y'\n")
	f.Add("b\"", "\\\x00\t''\r\n")
	f.Fuzz(func(t *testing.T, key, text string) {
		if !utf8.ValidString(key) || !utf8.ValidString(text) {
			return
		}
		toml := "[basic]\n" + renderKey(key) + " = " + renderText(text) + "\n"
		var d config.Document
		d.AddTOML("t", []byte(toml))
		if len(d.Problems()) > 0 {
			t.Fatalf("%q: %v", toml, d.Problems())
		}
		basic, _ := d.Root().Field("basic")
		if value, ok := basic.Node.Field(key); !ok || value.Node.Text != text {
			t.Fatalf("%q has become %q in %q", text, value.Node.Text, toml)
		}
	})
}

func TestDirectoryIsBroughtIntoAnotherShapeByWritingItToItself(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, "mine.toml", mixedServer+"\n"+mixedLocation)
	write(t, directory, "upstreams.toml", mixedUpstream+"\n"+mixedOther)
	before, _ := load(t, directory)
	edits, err := Sync(t.Context(), "", open(t, directory), open(t, directory+"?separation"))
	if err != nil || len(edits) != 0 {
		t.Errorf("%+v, %v", edits, err)
	}
	after, problems := load(t, directory)
	if changes := after.Changes(before); len(changes) > 0 || len(problems.Errors()) > 0 {
		t.Error(changes, problems)
	}
	want := "== locations/l.toml\n" + mixedLocation + "== mine.toml.bak\n" + mixedServer + "\n" + mixedLocation + "== servers/main.toml\n" + mixedServer +
		"== upstreams/a.toml\n" + mixedUpstream + "== upstreams/b.toml\n" + mixedOther + "== upstreams.toml.bak\n" + mixedUpstream + "\n" + mixedOther
	if got := tree(t, directory); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
