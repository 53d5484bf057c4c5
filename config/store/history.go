package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pingap/config"
)

// maxVersions is how many versions of an item are kept.
const maxVersions = 20

// Version is an item as it was saved once.
type Version struct {
	Category, Name string
	// ID names the version among those of the item.
	ID     string
	Time   time.Time // when it was saved, or found
	Author string    // "" when it was not saved by this program, but found
	Text   string    // "" when the item was deleted
}

// ErrNoHistory is returned by stores that keep no earlier versions.
var ErrNoHistory = errors.New("this store keeps no history; open it with ?enable_history=true")

// History returns the versions of an item that are kept, the newest first, at
// most 20. Without category and name it returns those of all items, deleted
// ones among them. The newest is what is stored, unless somebody has changed it
// by hand since.
func (s *Store) History(ctx context.Context, category, name string) ([]Version, error) {
	if !s.history {
		return nil, ErrNoHistory
	}
	item := id{category, name}
	if item != (id{}) {
		if err := item.validate(); err != nil {
			return nil, err
		}
	}
	records, err := s.medium.records(ctx, item)
	if err != nil {
		return nil, err
	}
	versions := make([]Version, len(records))
	for i, r := range records {
		versions[i] = r.version()
	}
	return versions, nil
}

// ErrNoVersion is wrapped by the error of Version for one that is not kept.
var ErrNoVersion = errors.New("there is no such version")

// Version returns one of the versions of an item, by its ID.
func (s *Store) Version(ctx context.Context, category, name, version string) (Version, error) {
	versions, err := s.History(ctx, category, name)
	if err != nil {
		return Version{}, err
	}
	for _, v := range versions {
		if v.ID == version {
			return v, nil
		}
	}
	return Version{}, fmt.Errorf("%w: %q of [%s]; the newest %d are kept", ErrNoVersion, version, id{category, name}, maxVersions)
}

// Restore returns the edit that makes the item what it was in the version: one
// without text deletes it. base is the revision that the item has now, as in
// Edit.
func (v Version) Restore(base string) Edit {
	return Edit{Category: v.Category, Name: v.Name, Text: v.Text, Base: base}
}

// Diff returns the keys in which one version of an item differs from another,
// as config.Change has them: a line for each side, and secrets not shown.
// Comments, order and notation make no difference.
func Diff(was, is string) (lines []string) {
	before, _ := config.Parse("", []byte(was))
	after, _ := config.Parse("", []byte(is))
	for _, c := range after.Changes(before) {
		lines = append(lines, c.Lines...)
	}
	return lines
}

// record is a version as a medium keeps it.
type record struct {
	id
	stamp string // orders the records of an item; see stampOf
	data  string
}

// recordsOf returns what is to be kept of the items that edits change: what
// they will be and, where nobody has noted that, what they were.
func (s *Store) recordsOf(ctx context.Context, before *Snapshot, author string, edits []Edit) ([]record, error) {
	if !s.history {
		return nil, nil
	}
	kept, err := s.newest(ctx, edits)
	if err != nil {
		return nil, err
	}
	items, _ := before.Items()
	was := make(map[id]string, len(items))
	for _, item := range items {
		was[id{item.Category, item.Name}] = item.Text
	}
	var all []record
	now := time.Now()
	done := map[id]bool{}
	for _, e := range slices.Backward(edits) { // the last of an item is what it will be
		item := id{e.Category, e.Name}
		if done[item] {
			continue
		}
		done[item] = true
		if was[item] != "" && kept[item] != was[item] {
			all = append(all, newRecord(item, now.Add(-time.Nanosecond), "", was[item]))
		}
		all = append(all, newRecord(item, now, author, asRead(e.Text)))
	}
	return all, nil
}

// many is from how many items on all of a history are asked for at once.
const many = 16

// newest returns the texts of the newest versions of the items of edits.
func (s *Store) newest(ctx context.Context, edits []Edit) (map[id]string, error) {
	var records []record
	for _, e := range edits {
		item := id{e.Category, e.Name}
		if len(edits) >= many {
			item = id{}
		}
		more, err := s.medium.records(ctx, item)
		if err != nil {
			return nil, err
		}
		if records = append(records, more...); item == (id{}) {
			break
		}
	}
	texts := map[id]string{}
	for _, r := range slices.Backward(records) {
		texts[r.id] = r.version().Text
	}
	return texts, nil
}

// noteMark begins the line above a version's text that says whose it is.
const noteMark = "# saved by "

func newRecord(item id, at time.Time, author, text string) record {
	return record{item, stampOf(at), noteMark + strconv.Quote(author) + "\n" + text}
}

// version reads a record. Pingap's have no note.
func (r record) version() Version {
	v := Version{Category: r.category, Name: r.name, ID: r.stamp, Time: timeOf(r.stamp), Text: r.data}
	if line, text, ok := strings.Cut(r.data, "\n"); ok {
		if author, ok := strings.CutPrefix(line, noteMark); ok {
			v.Text = text
			v.Author, _ = strconv.Unquote(author)
		}
	}
	return v
}

// stampOf writes a time as the seconds since 1970 and their fraction: Pingap's
// records end with the seconds.
func stampOf(t time.Time) string { return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()) }

// timeOf reads a stamp; the zero time when it is none.
func timeOf(stamp string) time.Time {
	if i := strings.LastIndexByte(stamp, '-'); i >= 0 {
		stamp = stamp[i+1:] // Pingap has etcd's revision before it
	}
	seconds, fraction, _ := strings.Cut(stamp, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	n, _ := strconv.ParseInt(cmp.Or(fraction, "0"), 10, 64)
	return time.Unix(s, n)
}

// newestFirst sorts records, and leaves out what is none.
func newestFirst(records []record) []record {
	records = slices.DeleteFunc(records, func(r record) bool { return timeOf(r.stamp).IsZero() })
	slices.SortFunc(records, func(a, b record) int {
		return cmp.Or(timeOf(b.stamp).Compare(timeOf(a.stamp)), cmp.Compare(a.category, b.category), cmp.Compare(a.name, b.name))
	})
	return records
}

// surplus returns the records that are too many of their items. They are the
// newest first.
func surplus(records []record) (tooMany []record) {
	seen := map[id]int{}
	for _, r := range records {
		if seen[r.id]++; seen[r.id] > maxVersions {
			tooMany = append(tooMany, r)
		}
	}
	return tooMany
}
