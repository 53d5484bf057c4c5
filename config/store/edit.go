package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Edit is the change of one item.
type Edit struct {
	Category, Name string // as in Item
	// Text is what the item shall be: TOML with its header, and nothing of
	// other items. "" deletes it.
	Text string
	// Base is the revision that the editor has seen: "" when there was no such
	// item, Any to overwrite whatever there is.
	Base string
}

// Conflict is the error of an edit whose item is not what the editor has seen.
type Conflict struct {
	Item Item // as it is now; without text when it has been deleted
}

func (c *Conflict) Error() string {
	header := id{c.Item.Category, c.Item.Name}
	if c.Item.Text == "" {
		return fmt.Sprintf("[%s] has been deleted in the meantime; nothing was saved", header)
	}
	return fmt.Sprintf("[%s] has been changed by someone else in the meantime; nothing was saved: read it again, and repeat the change", header)
}

// ErrAbsent is wrapped by the error of deleting an item that does not exist.
var ErrAbsent = errors.New("there is no such section")

// With returns the configuration as it would be after some edits, so that it
// can be checked before it is saved. The error is a *Conflict, ErrAbsent, or
// says what is wrong with an edit.
func (s *Snapshot) With(edits ...Edit) (*Snapshot, error) {
	next := *s
	next.texts = slices.Clone(s.texts)
	items, _ := s.Items() // what cannot be read is no reason to leave the rest as it is
	now := make(map[id]string, len(items))
	for _, item := range items {
		now[id{item.Category, item.Name}] = item.Text
	}
	will := map[id]string{}
	if len(edits) > 0 && len(s.texts) > 0 {
		// All are of one format. A TOML file beside others would be the only one
		// that counts.
		if err := s.writable(id{edits[0].Category, edits[0].Name}, s.texts[0].key); err != nil {
			return nil, err
		}
	}
	for _, e := range edits {
		item := id{e.Category, e.Name}
		if err := s.check(e, now[item]); err != nil {
			return nil, err
		}
		now[item] = asRead(e.Text)
		will[item] = now[item]
	}
	return &next, next.put(will)
}

// check says why an edit of an item cannot be made.
func (s *Snapshot) check(e Edit, now string) error {
	item := id{e.Category, e.Name}
	if err := item.validate(); err != nil {
		return err
	}
	switch {
	case e.Base != Any && e.Base != RevisionOf(now):
		return &Conflict{Item{e.Category, e.Name, now, RevisionOf(now)}}
	case e.Text == "" && now == "":
		return fmt.Errorf("delete [%s]: %w", item, ErrAbsent)
	}
	if err := s.writable(item, s.layout.key(s.only, item)); err != nil {
		return err
	}
	return checkEdit(item, e.Text)
}

// writable returns why an item cannot be saved where there is a text of a key.
func (s *Snapshot) writable(item id, key string) error {
	if f := formatOf(key); f.extension != extension {
		return fmt.Errorf("[%s] cannot be saved: %s is written in %s; only TOML can be changed: write the configuration to another place as TOML (--sync)", item, s.title(key), f.name)
	}
	return nil
}

// checkEdit makes sure that a text holds its item, and nothing of others.
func checkEdit(item id, text string) error {
	if text == "" {
		return nil
	}
	if len(text) > maxSize {
		return fmt.Errorf("[%s] is larger than %d MiB", item, maxSize>>20)
	}
	fragments, err := dissect(text)
	if err != nil {
		return fmt.Errorf("[%s] is no TOML that can be read: %w", item, err)
	}
	for _, f := range fragments {
		if f.id != item || f.loose {
			return fmt.Errorf("line %d: [%s] is to be saved, but [%s] stands here", f.line, item, f.id)
		}
	}
	if len(fragments) == 0 || strings.TrimSpace(text) == "" {
		return fmt.Errorf("[%s] is to be saved, but the text has no such header", item)
	}
	return nil
}

// put writes items where they stand, or, when they are new, where the layout
// has them. "" takes one out.
func (s *Snapshot) put(will map[id]string) error {
	for _, t := range slices.Clone(s.texts) {
		mine := map[id]string{}
		fragments, err := s.dissect(t)
		for _, f := range fragments {
			is, ok := will[f.id]
			switch {
			case !ok:
				continue
			case f.loose:
				return fmt.Errorf("[%s] cannot be saved: %s:%d: a part of it stands outside of that section; write it below the header [%s] with a text editor first", f.id, s.title(t.key), f.line, f.id)
			}
			if _, seen := mine[f.id]; !seen {
				mine[f.id] = is
			}
			will[f.id] = "" // it stands in one place from now on
		}
		if len(mine) == 0 {
			continue
		}
		if err == nil {
			s.set(t, splice(t.data, fragments, mine))
			continue
		}
		// Nothing but its item belongs into the file of an item, so it can be
		// replaced as a whole.
		for item, is := range mine {
			if s.layout != byItem || t.key != s.layout.key(s.only, item) {
				return fmt.Errorf("[%s] cannot be saved: %w", item, err)
			}
			s.set(t, is)
		}
	}
	return s.add(will)
}

// add writes the items that stand nowhere yet.
func (s *Snapshot) add(will map[id]string) error {
	added := map[string][]id{}
	for item, is := range will {
		if is != "" {
			key := s.layout.key(s.only, item)
			added[key] = append(added[key], item)
		}
	}
	for key, items := range added {
		t, _ := s.find(key)
		_, err := s.dissect(t)
		if err != nil && s.layout != byItem {
			return fmt.Errorf("[%s] cannot be saved: %w", items[0], err)
		} else if err != nil {
			t.data = ""
		}
		slices.SortFunc(items, func(a, b id) int { return strings.Compare(a.String(), b.String()) })
		parts := []string{withoutLastEmptyLines(t.data)}
		if strings.TrimSpace(parts[0]) == "" {
			parts = nil
		}
		for _, item := range items {
			parts = append(parts, strings.TrimRight(will[item], "\r\n"))
		}
		s.set(t, strings.Join(parts, "\n\n")+"\n")
	}
	return nil
}

// set replaces a text. One that has become empty is left out where the items
// have texts of their own.
func (s *Snapshot) set(t text, data string) {
	t.data = data
	at, found := slices.BinarySearchFunc(s.texts, t.key, func(t text, key string) int { return strings.Compare(t.key, key) })
	empty := strings.TrimSpace(strings.TrimPrefix(data, byteOrderMark)) == ""
	switch {
	case found && empty && s.layout != single:
		s.texts = slices.Delete(s.texts, at, at+1)
	case found:
		s.texts[at] = t
	default:
		s.texts = slices.Insert(s.texts, at, t)
	}
}

// save is what a medium does as a whole or not at all.
type save struct {
	changes []change
	records []record
	// seen are all texts as they were when the save was decided on, where it
	// depends on those too that stay as they are; otherwise nil.
	seen []text
}

// change is what becomes of one text.
type change struct {
	was    text   // data is "" and exists false when there was none
	is     string // "" when it is to go
	exists bool   // there was one
	keep   bool   // of a text that is to go: keep it as .bak
}

// changes returns what makes a configuration of another: first what is new or
// other, then what goes.
func (s *Snapshot) changes(before *Snapshot) []change {
	var puts, deletions []change
	for _, t := range s.texts {
		was, exists := before.find(t.key)
		if !exists || was.data != t.data {
			puts = append(puts, change{was: was, is: t.data, exists: exists})
		}
	}
	for _, t := range before.texts {
		if _, stays := s.find(t.key); !stays {
			deletions = append(deletions, change{was: t, exists: true})
		}
	}
	return append(puts, deletions...)
}

// find returns the text of a key. The texts are in the order of their keys.
func (s *Snapshot) find(key string) (text, bool) {
	at, found := slices.BinarySearchFunc(s.texts, key, func(t text, key string) int { return strings.Compare(t.key, key) })
	if !found {
		return text{key: key}, false
	}
	return s.texts[at], true
}

// asRead returns the text of an item as it will be read back: comments that
// stand apart from it at its begin or end would be nobody's, so the empty lines
// around them go.
func asRead(text string) string {
	fragments, _ := dissect(text)
	if len(fragments) == 0 {
		return ""
	}
	f := fragments[0]
	before, after := strings.TrimPrefix(text[:f.start], byteOrderMark), text[f.end:]
	return withoutEmptyLines(before) + withNewline(text[f.start:f.end]) + withNewline(withoutEmptyLines(after))
}

// withoutLastEmptyLines leaves the last line that says something as it is: blanks
// at its end belong to an item whose text is not to change.
func withoutLastEmptyLines(text string) string {
	for {
		i := strings.LastIndexByte(text, '\n')
		if i < 0 || strings.TrimSpace(text[i+1:]) != "" {
			return text
		}
		text = text[:i]
	}
}

func withoutEmptyLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(line)
		}
	}
	return b.String()
}
