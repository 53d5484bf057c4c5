package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"

	"pingap/config"
	"pingap/config/hcl"
	"pingap/config/kdl"
)

// Snapshot is a stored configuration as it was at one moment. It does not
// change.
type Snapshot struct {
	// Notice says what the reader should know of where this comes from: that
	// etcd could not be reached and this is the copy of a certain time. It is
	// "" when there is nothing to say.
	Notice string

	texts  []text // by key
	layout layout
	only   string                  // the key of the single text
	title  func(key string) string // the name of a text in messages
}

// text is one file of a configuration.
type text struct {
	key      string // its path within the store, with slashes
	data     string
	revision int64 // etcd's, of its last change; 0 elsewhere
}

// Item is one section of a configuration as it is written.
type Item struct {
	Category string // one of Categories
	Name     string // "" for basic
	Text     string // TOML, with its header and the comments above that
	Revision string // names this text: another text has another revision
}

// Any stands for every revision.
const Any = "*"

// RevisionOf returns the revision of an item's text; that of none is "".
func RevisionOf(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// Decode reads the texts. The problems name each text by its path.
func (s *Snapshot) Decode() (*config.Config, config.Problems) {
	return s.Document().Decode()
}

// Document returns the tree that the texts make, as they are stored: nothing is
// included, no secret decrypted.
func (s *Snapshot) Document() *config.Document {
	var d config.Document
	for _, t := range s.texts {
		formatOf(t.key).add(&d, s.title(t.key), []byte(t.data))
	}
	return &d
}

// Texts yields the files of the configuration: the name of each in messages,
// and what it holds.
func (s *Snapshot) Texts() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, t := range s.texts {
			if !yield(s.title(t.key), t.data) {
				return
			}
		}
	}
}

// Revision names the configuration as a whole: another one has another.
func (s *Snapshot) Revision() string {
	h := sha256.New()
	for _, t := range s.texts {
		fmt.Fprintf(h, "%d %s %d ", len(t.key), t.key, len(t.data))
		h.Write([]byte(t.data))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Items returns the sections of the configuration, by category and name. What
// cannot be taken apart is left out, and named in the error: the other items
// are there all the same. Sections that are written in another format than TOML
// are translated.
func (s *Snapshot) Items() ([]Item, error) {
	var wrong error
	found := map[id]string{}
	for _, t := range s.texts {
		pieces, err := s.parts(t)
		wrong = cmp.Or(wrong, err)
		for _, p := range pieces {
			if p.name == "" && p.category != basic {
				continue // a header such as [servers], above no keys
			}
			found[p.id] += p.text
		}
	}
	var items []Item
	for i, text := range found {
		items = append(items, Item{i.category, i.name, text, RevisionOf(text)})
	}
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(slices.Index(Categories, a.Category)-slices.Index(Categories, b.Category), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	return items, wrong
}

// Item returns one section; ok is false when there is none. Its text is not
// read for problems.
func (s *Snapshot) Item(category, name string) (item Item, ok bool) {
	for _, t := range s.texts {
		pieces, _ := s.parts(t)
		for _, p := range pieces {
			if p.id == (id{category, name}) {
				item.Text += p.text
			}
		}
	}
	item.Category, item.Name, item.Revision = category, name, RevisionOf(item.Text)
	return item, item.Text != ""
}

// parts returns the items in a text, as far as it can be read.
func (s *Snapshot) parts(t text) ([]piece, error) {
	if formatOf(t.key).extension != extension {
		return s.render(t)
	}
	fragments, err := s.dissect(t)
	pieces := make([]piece, len(fragments))
	for i, f := range fragments {
		pieces[i] = piece{id: f.id, text: withNewline(t.data[f.start:f.end])}
	}
	return pieces, err
}

// piece is an item, or a part of one, as TOML.
type piece struct {
	id
	text string
	next bool // it followed the piece before it in the same text
}

// dissect takes a text apart. Errors name it.
func (s *Snapshot) dissect(t text) ([]fragment, error) {
	if f := formatOf(t.key); f.extension != extension {
		return nil, fmt.Errorf("%s is written in %s, not in TOML", s.title(t.key), f.name)
	}
	fragments, err := dissect(t.data)
	if err != nil {
		return fragments, fmt.Errorf("%s is no TOML that can be read: %w", s.title(t.key), err)
	}
	return fragments, nil
}

// format is a way to write a configuration.
type format struct {
	name      string
	extension string
	add       func(d *config.Document, file string, text []byte)
}

// formats are the ones there are. In a directory, files of the first that is
// found count alone.
var formats = []format{
	{"TOML", extension, (*config.Document).AddTOML},
	{"HCL", ".hcl", hcl.Add},
	{"KDL", ".kdl", kdl.Add},
}

// extension is that of the files that are written.
const extension = ".toml"

// formatOf returns the format of a file; TOML when its name does not tell.
func formatOf(name string) format {
	for _, f := range formats {
		if strings.HasSuffix(name, f.extension) {
			return f
		}
	}
	return formats[0]
}
