package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pingap/config/store/etcdtest"
)

const (
	// counterLocation is the variable that makes the test binary a process that
	// counts in a store.
	counterLocation = "PINGAP_TEST_COUNTS_IN"
	// counts is how often each writer counts.
	counts = 10
)

// everyKind calls f for a store of each kind. Each call of open returns a handle
// of its own, as writers have who know nothing of each other; of a store in
// memory there is one.
func everyKind(t *testing.T, f func(t *testing.T, location string, open func() *Store)) {
	server := etcdtest.Start(t)
	directory := t.TempDir()
	for kind, location := range map[string]string{
		"memory": "memory:", "file": directory + "/p.toml", "by category": directory + "/a",
		"by item": directory + "/b?separation", "etcd": inEtcd(t, server, ""),
	} {
		inMemory := Memory("m", "")
		t.Run(kind, func(t *testing.T) {
			f(t, location, func() *Store {
				if isMemory(location) {
					return inMemory
				}
				return open(t, location)
			})
		})
	}
}

// countOn raises a number that is stored, again and again, as somebody does who
// reads a version and saves the next unless it is another by now.
func countOn(ctx context.Context, s *Store) error {
	for done := 0; done < counts; {
		snapshot, err := s.readToChange(ctx)
		if err != nil {
			return err
		}
		item, _ := snapshot.Item("basic", "")
		next := edited(number(item)+1, item.Revision)
		var conflict *Conflict
		switch err := s.Save(ctx, "", next); {
		case err == nil:
			done++
		case !errors.As(err, &conflict):
			return err
		}
	}
	return nil
}

func edited(number int, base string) Edit {
	return Edit{Category: "basic", Text: fmt.Sprintf("[basic]\nname = \"%d\"\n", number), Base: base}
}

func number(item Item) int {
	_, quoted, _ := strings.Cut(item.Text, "= ")
	text, _ := strconv.Unquote(strings.TrimSpace(quoted))
	n, _ := strconv.Atoi(text)
	return n
}

// countAndExit is the process that counts beside others.
func countAndExit(location string) {
	s, err := Open(location)
	if err == nil {
		err = countOn(context.Background(), s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func TestNoUpdateIsLostAmongWritersOfSeveralProcesses(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, location string, open func() *Store) {
		var writers sync.WaitGroup
		want := 0
		for range 3 {
			s := open()
			want += counts
			writers.Go(func() {
				if err := countOn(t.Context(), s); err != nil {
					t.Error(err)
				}
			})
		}
		if !isMemory(location) {
			want += counts
			other := exec.Command(os.Args[0])
			other.Env = append(os.Environ(), counterLocation+"="+location)
			if out, err := other.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		}
		writers.Wait()
		snapshot, err := open().Read(t.Context())
		must(t, err)
		if item, _ := snapshot.Item("basic", ""); number(item) != want {
			t.Errorf("after %d counts there is\n%s", want, item.Text)
		}
	})
}

func TestCheckedSaveIsOfWhatHasBeenChecked(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, _ string, open func() *Store) {
		s, other := open(), open()
		must(t, s.Save(t.Context(), "", upstream("a", "1.1.1.1")))
		asked := 0
		err := s.SaveIf(t.Context(), "alice", func(after *Snapshot) error {
			asked++
			if asked == 1 { // somebody else saves, but no item of this save
				return other.Save(t.Context(), "bob", upstream("b", "1.1.1.1"))
			}
			if !has("b", "1.1.1.1")(after, nil) || !has("c", "1.1.1.1")(after, nil) {
				return errors.New("it is asked about something else than what would be")
			}
			return nil
		}, upstream("c", "1.1.1.1"))
		if err != nil || asked != 2 {
			t.Errorf("asked %d times, %v", asked, err)
		}
		asked = 0
		err = s.SaveIf(t.Context(), "alice", func(*Snapshot) error {
			asked++
			if asked == 1 { // or deletes what this save needs
				return other.Save(t.Context(), "bob", Edit{Category: "upstreams", Name: "a", Base: Any})
			}
			return errors.New("wrong")
		}, upstream("d", "1.1.1.1"))
		if err == nil || err.Error() != "wrong" {
			t.Errorf("asked %d times, %v", asked, err)
		}
		if snapshot, err := s.Read(t.Context()); has("d", "1.1.1.1")(snapshot, err) {
			t.Error("what is wrong is saved")
		}
	})
}

func TestOneSaveMayChangeAnItemTwice(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, location string, _ func() *Store) {
		if !isMemory(location) {
			separator := "?"
			if strings.Contains(location, "?") {
				separator = "&"
			}
			location += separator + "enable_history"
		}
		s := open(t, location)
		must(t, s.Save(t.Context(), "alice", upstream("a", "1.1.1.1"), upstream("a", "2.2.2.2")))
		versions, err := s.History(t.Context(), "upstreams", "a")
		if err != nil || len(versions) != 1 || versions[0].Text != upstream("a", "2.2.2.2").Text {
			t.Errorf("%+v, %v", versions, err)
		}
	})
}
