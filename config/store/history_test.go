package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pingap/config/store/etcdtest"
)

func TestHistoryTellsWhoSavedWhatAndWhen(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	for _, s := range []*Store{
		Memory("m", ""), open(t, inEtcd(t, server, "enable_history=true")), open(t, t.TempDir()+"/p.toml?enable_history"),
		open(t, t.TempDir()+"/conf?enable_history=true"), open(t, t.TempDir()+"/conf?separation&enable_history"),
	} {
		begin := time.Now().Add(-time.Second)
		for n, author := range []string{"alice", "bob \"the\nbuilder\"", ""} {
			must(t, s.Save(t.Context(), author, upstream("a", fmt.Sprintf("1.1.1.%d", n))))
		}
		must(t, s.Save(t.Context(), "carol", Edit{Category: "upstreams", Name: "a", Base: Any}, Edit{"basic", "", "[basic]\n", Any}))
		versions, err := s.History(t.Context(), "upstreams", "a")
		must(t, err)
		var got []string
		for _, v := range versions {
			got = append(got, fmt.Sprintf("%q %q", v.Author, v.Text))
			if v.Time.Before(begin) || v.Time.After(time.Now()) || v.Category != "upstreams" || v.Name != "a" {
				t.Errorf("%s: %+v", s, v)
			}
		}
		want := fmt.Sprintf(`"carol" "" | "" %q | "bob \"the\nbuilder\"" %q | "alice" %q`, upstream("a", "1.1.1.2").Text, upstream("a", "1.1.1.1").Text, upstream("a", "1.1.1.0").Text)
		if len(got) != 4 || strings.Join(got, " | ") != want {
			t.Errorf("%s: got\n%s\nwant\n%s", s, strings.Join(got, " | "), want)
		}
		if all, err := s.History(t.Context(), "", ""); err != nil || len(all) != 5 {
			t.Errorf("%s: %d versions of all items, %v", s, len(all), err)
		}
		first, err := s.Version(t.Context(), "upstreams", "a", versions[3].ID)
		must(t, err)
		must(t, s.Save(t.Context(), "dave", first.Restore("")))
		snapshot, err := s.Read(t.Context())
		if !has("a", "1.1.1.0")(snapshot, err) {
			t.Errorf("%s: not restored: %v", s, err)
		}
		if versions, err := s.History(t.Context(), "upstreams", "a"); err != nil || len(versions) != 5 || versions[0].Author != "dave" {
			t.Errorf("%s: %v", s, err)
		}
		if _, err := s.Version(t.Context(), "upstreams", "a", "nonsense"); !errors.Is(err, ErrNoVersion) || !strings.Contains(err.Error(), `"nonsense" of [upstreams.a]`) {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestDifferencesOfVersionsDoNotShowSecrets(t *testing.T) {
	was := "[plugins.p]\ncategory = \"jwt\"\nsecret = \"one\"\n# a comment\n"
	is := "[plugins.p]\nsecret = \"two\"\ncategory = \"jwt\"\ndelay = \"1s\"\n"
	if got, want := strings.Join(Diff(was, is), "\n"), "- secret = (not shown)\n+ secret = (not shown)\n+ delay = \"1s\""; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := strings.Join(Diff(is, ""), "\n"); !strings.Contains(got, "- category = \"jwt\"") {
		t.Errorf("of one that was deleted: %s", got)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	server := etcdtest.Start(t)
	for _, s := range []*Store{Memory("m", ""), open(t, inEtcd(t, server, "enable_history=true")), open(t, t.TempDir()+"/conf?enable_history=true")} {
		for n := range maxVersions + 5 {
			must(t, s.Save(t.Context(), "", upstream("a", fmt.Sprintf("1.1.1.%d", n)), upstream("b", fmt.Sprintf("1.1.1.%d", n))))
		}
		versions, err := s.History(t.Context(), "upstreams", "a")
		if err != nil || len(versions) != maxVersions || versions[0].Text != upstream("a", fmt.Sprintf("1.1.1.%d", maxVersions+4)).Text {
			t.Errorf("%s: %d versions, %v", s, len(versions), err)
		}
	}
}

func TestHistoryKeepsWhatWasWrittenByHand(t *testing.T) {
	path := write(t, t.TempDir(), "p.toml", upstream("a", "1.1.1.1").Text)
	s := open(t, path+"?enable_history")
	must(t, s.Save(t.Context(), "alice", upstream("a", "2.2.2.2")))
	versions, err := s.History(t.Context(), "upstreams", "a")
	if err != nil || len(versions) != 2 || versions[1].Text != upstream("a", "1.1.1.1").Text || versions[1].Author != "" {
		t.Errorf("%+v, %v", versions, err)
	}
}

func TestHistoryOfPingapIsRead(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, "conf/upstreams/a-b.toml", upstream("a-b", "1.1.1.1").Text)
	write(t, directory, "conf-history/upstreams-a-b.toml-1700000000", upstream("a-b", "2.2.2.2").Text)
	write(t, directory, "conf-history/upstreams-a.toml-1700000001", upstream("a", "2.2.2.2").Text)
	write(t, directory, "conf-history/notes.txt", "")
	s := open(t, filepath.Join(directory, "conf?separation=true&enable_history=true"))
	versions, err := s.History(t.Context(), "upstreams", "a-b")
	if err != nil || len(versions) != 1 || versions[0].Time.Unix() != 1700000000 || versions[0].Text != upstream("a-b", "2.2.2.2").Text {
		t.Errorf("%+v, %v", versions, err)
	}
}

func TestNothingIsKeptUnlessAskedFor(t *testing.T) {
	directory := t.TempDir()
	s := open(t, directory+"/conf?enable_history=false")
	must(t, s.Save(t.Context(), "", upstream("a", "1.1.1.1")))
	if _, err := s.History(t.Context(), "upstreams", "a"); !errors.Is(err, ErrNoHistory) {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func FuzzRecordsAreReadAsTheyAreKept(f *testing.F) {
	f.Add("upstreams-a-b.toml-1700000000", "alice", "[x]\n")
	f.Add("basic.toml-1.5", "\"\n", "# saved by \"x\"\n")
	f.Fuzz(func(t *testing.T, name, author, text string) {
		if r, ok := recordOf(name); ok && r.validate() == nil && !timeOf(r.stamp).IsZero() {
			if again, ok := recordOf(recordBegin(r.id) + r.stamp); !ok || again != r {
				t.Fatalf("%q is read as %+v and then as %+v", name, r, again)
			}
		}
		r := newRecord(id{"upstreams", "a"}, time.Unix(1, 5), author, text)
		if v := r.version(); utf8.ValidString(author) && (v.Author != author || v.Text != text || !v.Time.Equal(time.Unix(1, 5))) {
			t.Fatalf("%q of %q is read as %+v", text, author, v)
		}
	})
}
