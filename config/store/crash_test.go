package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// saverDirectory is the variable that makes the test binary a process that saves
// until it is killed.
const saverDirectory = "PINGAP_TEST_SAVES_IN"

// generation is the edits of one save: all items tell its number, and fill more
// than one page.
func generation(n int) []Edit {
	filler := strings.Repeat("x", 5000)
	edits := []Edit{{"basic", "", fmt.Sprintf("[basic]\nname = \"%d\"\n# %s\n", n, filler), Any}}
	for _, name := range []string{"a", "b", "c"} {
		edits = append(edits, Edit{"upstreams", name, fmt.Sprintf("# %s\n[upstreams.%s]\naddrs = [\"127.0.0.1:%d\"]\n", filler, name, n), Any})
	}
	return edits
}

// saveUntilKilled is the process that is killed. It says which generation it
// begins with, and which have been saved.
func saveUntilKilled(location string) {
	s, err := Open(location)
	for n, _ := strconv.Atoi(os.Getenv("PINGAP_TEST_SAVES_FROM")); err == nil; n++ {
		fmt.Println("begin", n)
		err = s.Save(context.Background(), "", generation(n)...)
		fmt.Println("saved", n)
	}
	fmt.Println("failed", err)
	os.Exit(1)
}

// generationOf returns which generation a store holds; it is an error when it
// holds parts of several.
func generationOf(s *Store) (int, error) {
	snapshot, err := s.Read(context.Background())
	if errors.Is(err, ErrEmpty) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	c, problems := snapshot.Decode()
	if wrong := problems.Errors(); len(wrong) > 0 {
		return 0, wrong
	}
	n, err := strconv.Atoi(c.Basic.Name)
	if err != nil {
		return 0, err
	}
	for _, e := range generation(n) {
		if item, _ := snapshot.Item(e.Category, e.Name); item.Text != e.Text {
			return n, fmt.Errorf("of generation %d, [%s.%s] is %.80q", n, e.Category, e.Name, item.Text)
		}
	}
	return n, nil
}

// saveAndKill runs the saving process from a generation on, kills it at some
// moment of its first or second save, and returns the last generations it has
// begun and saved, 0 when it has saved none. took is how long a save lasts, as far as it is known.
func saveAndKill(t *testing.T, location string, from int, took *time.Duration) (begun, saved int) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), saverDirectory+"="+location, fmt.Sprintf("PINGAP_TEST_SAVES_FROM=%d", from))
	out, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	lines, last := bufio.NewScanner(out), from+rand.IntN(2)
	var since time.Time
	for lines.Scan() {
		word, number, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.Atoi(number)
		switch {
		case err != nil:
			t.Fatal(lines.Text())
		case word == "saved":
			saved = n
			*took = time.Since(since)
			continue
		case n == last: // at a random moment of this save, or right after it
			time.AfterFunc(rand.N(*took+*took/4), func() { _ = command.Process.Kill() })
		}
		begun, since = n, time.Now()
	}
	_ = command.Wait()
	return begun, saved
}

func TestConfigurationIsWholeWheneverTheProcessIsKilled(t *testing.T) {
	t.Parallel()
	layouts := []string{"p.toml", "conf", "conf?separation", "conf?separation&enable_history"}
	for _, layout := range layouts {
		location := filepath.Join(t.TempDir(), layout)
		s := open(t, location)
		interrupted, old, stored, next, took := 0, 0, 0, 1, 4*time.Millisecond
		for range kills / len(layouts) {
			begun, saved := saveAndKill(t, location, next, &took)
			n, err := generationOf(s)
			if err != nil {
				t.Fatalf("%s: %v", layout, err)
			}
			// What was stored before is lost only to what has taken its place.
			if n != stored && n < next || n < saved || n > begun {
				t.Fatalf("%s: generation %d is stored; before it was %d, and then %d was begun and %d saved", layout, n, stored, begun, saved)
			}
			if begun > saved {
				interrupted++
			}
			if n < begun {
				old++
			}
			stored, next = n, max(begun, next)+1
		}
		t.Logf("%s: of %d saves, %d were interrupted, and %d of these left what was there before", layout, next-1, interrupted, old)
		if interrupted == 0 {
			t.Errorf("%s: no save was interrupted", layout)
		}
	}
}

func TestInterruptedSaveIsFinishedByTheNext(t *testing.T) {
	directory := t.TempDir()
	s := open(t, directory+"?separation")
	must(t, s.Save(t.Context(), "", generation(1)...))
	before, err := s.Read(t.Context())
	must(t, err)
	after, err := before.With(append(generation(2), Edit{Category: "upstreams", Name: "c", Base: Any})[0:]...)
	must(t, err)
	f := s.medium.(*files)
	var j journal
	for _, c := range after.changes(before) {
		must(t, j.add(c, f.title(c.was.key)))
	}
	if n, err := generationOf(s); n != 1 || err != nil {
		t.Errorf("before the journal, generation %d is stored, %v", n, err)
	}
	must(t, j.write(directory))
	for _, settle := range []bool{false, true} {
		if settle {
			must(t, s.Save(t.Context(), "", upstream("d", "1.1.1.1")))
		}
		c, problems := load(t, directory)
		if c.Basic.Name != "2" || c.Upstream("c") != nil || len(problems) > 0 || exists(filepath.Join(directory, journalName)) == settle {
			t.Errorf("settled %v: name %s, %v", settle, c.Basic.Name, problems)
		}
	}
	if entries := tree(t, directory); strings.Contains(entries, ".saving") {
		t.Error(entries)
	}
}

func TestSaveThatCannotPutFilesInPlaceSaysThatItHasSaved(t *testing.T) {
	directory := t.TempDir()
	must(t, os.Chmod(filepath.Dir(directory), 0o755))
	for _, name := range []string{"a", "b"} {
		write(t, directory, name+".toml", upstream(name, "1.1.1.1").Text)
	}
	// Whoever may make files here may not replace those of others.
	must(t, os.Chmod(directory, 0o777|os.ModeSticky))
	s := open(t, directory+"?separation")
	var err error
	asNobody(t, func() {
		err = s.Save(t.Context(), "", upstream("a", "2.2.2.2"), upstream("b", "2.2.2.2"))
	})
	if os.Geteuid() == 0 && (err == nil || !strings.HasPrefix(err.Error(), "the configuration has been saved, but not all of its files could be put in place; the next save tries again: ") || !errors.Is(err, syscall.EPERM)) {
		t.Errorf("it says %v", err)
	}
	for range 2 {
		snapshot, err := s.Read(t.Context())
		if !has("a", "2.2.2.2")(snapshot, err) || !has("b", "2.2.2.2")(snapshot, err) {
			t.Errorf("it has not been saved: %v", err)
		}
		must(t, s.Save(t.Context(), "", upstream("c", "1.1.1.1")))
	}
	if exists(filepath.Join(directory, journalName)) {
		t.Error("the next save has not put the files in place")
	}
}

func TestJournalThatLeadsOutIsRefused(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, "conf/basic.toml", "[basic]\n")
	write(t, directory, "conf/"+journalName, `{"Gone":["../other.toml"]}`)
	other := write(t, directory, "other.toml", "")
	if err := loadError(directory + "/conf"); err == nil || !strings.Contains(err.Error(), `lists "../other.toml", which is not a file below it; delete it`) {
		t.Error(err)
	}
	if err := open(t, directory+"/conf").Save(t.Context(), "", upstream("a", "1.1.1.1")); err == nil || !exists(other) {
		t.Error(err)
	}
}

func TestConfigurationIsWholeWhenTheDiskIsFull(t *testing.T) {
	t.Parallel()
	for _, layout := range []string{"p.toml", "conf", "conf?separation", "conf?separation&enable_history"} {
		disk := smallDisk(t)
		s := open(t, filepath.Join(disk, layout))
		must(t, s.Save(t.Context(), "", generation(1)...))
		full := 0
		for n := 2; n < 60; n++ {
			// What else lies on the disk leaves more and less room.
			ballast := filepath.Join(disk, "ballast")
			_ = os.WriteFile(ballast, make([]byte, max(0, room(t, disk)-n*2048)), 0o600)
			err := s.Save(t.Context(), "", generation(n)...)
			must(t, os.Truncate(ballast, 0)) // see hasRoom
			must(t, os.Remove(ballast))
			want := n
			if err != nil {
				full++
				want = n - 1
				if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk is full; nothing has been changed") {
					t.Fatalf("%s: %v", layout, err)
				}
			}
			if got, err := generationOf(s); got != want || err != nil {
				t.Fatalf("%s: generation %d is stored instead of %d, %v", layout, got, want, err)
			}
			hasRoom(t, func() error { return s.Save(t.Context(), "", generation(n)...) })
		}
		if full == 0 || full == 58 {
			t.Errorf("%s: the disk was full %d times", layout, full)
		}
	}
}

// hasRoom repeats a save as long as the disk is full. A file that is deleted keeps
// its room while a process that another test has just forked, and that has not begun
// its own program, has it open too.
func hasRoom(t *testing.T, save func() error) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); ; {
		err := save()
		if !errors.Is(err, syscall.ENOSPC) || time.Now().After(until) {
			must(t, err)
			return
		}
	}
}
