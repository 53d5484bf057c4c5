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
	for _, e := range edits {
		if err := next.apply(e); err != nil {
			return nil, err
		}
	}
	return &next, nil
}

func (s *Snapshot) apply(e Edit) error {
	item := id{e.Category, e.Name}
	if err := item.validate(); err != nil {
		return err
	}
	now, exists := s.Item(e.Category, e.Name)
	switch {
	case e.Base != Any && e.Base != now.Revision:
		return &Conflict{now}
	case e.Text == "" && !exists:
		return fmt.Errorf("delete [%s]: %w", item, ErrAbsent)
	}
	if err := checkEdit(item, e.Text); err != nil {
		return err
	}
	// A TOML file beside others would be the only one that counts.
	for _, t := range s.texts {
		if f := formatOf(t.key); f.extension != extension {
			return fmt.Errorf("[%s] cannot be saved: %s is written in %s; only TOML can be changed: write the configuration to another place as TOML (--sync)", item, s.title(t.key), f.name)
		}
	}
	return s.put(item, withNewline(e.Text))
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

// put writes an item where it stands, or, when it is new, where the layout has
// it. "" takes it out.
func (s *Snapshot) put(item id, is string) error {
	home := s.layout.key(s.only, item)
	keys := s.holders(item)
	if len(keys) == 0 {
		keys = []string{home}
	}
	for i, key := range keys {
		t, _ := s.find(key)
		fragments, err := s.dissect(t)
		if err != nil && s.layout == byItem && key == home {
			fragments, t.data, err = nil, "", nil // nothing but this item belongs here
		}
		if err == nil {
			err = s.standsAlone(t, fragments, item)
		}
		if err != nil {
			return fmt.Errorf("[%s] cannot be saved: %w", item, err)
		}
		now := is
		if i > 0 {
			now = ""
		}
		s.set(t, splice(t.data, fragments, item, now))
	}
	return nil
}

// holders returns the keys of the texts that an item stands in.
func (s *Snapshot) holders(item id) (keys []string) {
	for _, t := range s.texts {
		fragments, _ := s.dissect(t)
		if slices.ContainsFunc(fragments, func(f fragment) bool { return f.id == item }) {
			keys = append(keys, t.key)
		}
	}
	return keys
}

// standsAlone says what of an item stands outside of a header of its own, where
// it cannot be replaced.
func (s *Snapshot) standsAlone(t text, fragments []fragment, item id) error {
	for _, f := range fragments {
		if f.id == item && f.loose {
			return fmt.Errorf("%s:%d: a part of it stands outside of that section; write it below the header [%s] with a text editor first", s.title(t.key), f.line, item)
		}
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
