package config

import (
	"fmt"
	"slices"

	"pingap/config/secret"
)

// expansion puts in place what sections of a document name from elsewhere:
// values of the environment, secrets, and the fragments that are storages.
type expansion struct {
	document *Document
	storages map[string]*storage
	names    *names // of storages that can be included
	grown    int    // bytes that references have been replaced by
}

// A short text can ask for a long one: each section may include the same
// storage, and each value refer to the same secret many times.
const (
	// maxFragment bounds the keys of a storage; no section has as many.
	maxFragment = 100
	// maxGrown bounds what all references of a document are replaced by, in
	// bytes.
	maxGrown = 64 << 20
)

// storage is a section [storages.name] before it is decoded.
type storage struct {
	section  string
	category string
	value    Field  // as it is written; its Node may be nil
	text     string // decrypted
	usable   bool   // text is what it should be
	secret   bool   // it was encrypted, or says that it is a secret

	fragment *Node // of text, once it has been parsed
}

// expand is called once, with all files in the tree.
func (d *Document) expand() {
	e := &expansion{document: d, storages: make(map[string]*storage), names: &names{kind: "storage", has: make(map[string]bool)}}
	if f, ok := d.root.Field("storages"); ok && f.Node.Kind == KindTable {
		for _, section := range f.Node.Fields {
			e.read(section)
		}
	}
	for _, kind := range d.root.Fields {
		if kind.Key != "storages" {
			e.substituteSections(kind)
		}
	}
	for i := range d.root.Fields {
		switch kind := &d.root.Fields[i]; {
		case kind.Key == "storages" || kind.Node.Kind != KindTable:
		case kind.Key == "basic":
			e.include(kind.Key, kind)
		default:
			e.includeSections(kind)
		}
	}
}

// includeSections merges fragments into the sections of a kind.
func (e *expansion) includeSections(kind *Field) {
	for i := range kind.Node.Fields {
		if section := &kind.Node.Fields[i]; section.Node.Kind == KindTable {
			e.include(kind.Key+"."+section.Key, section)
		}
	}
}

// read takes in a storage. What is wrong with the types of its keys is found
// when it is decoded.
func (e *expansion) read(section Field) {
	if section.Node.Kind != KindTable {
		return
	}
	s := &storage{section: "storages." + section.Key}
	e.storages[section.Key] = s
	text := func(key string) (Field, bool) {
		f, ok := section.Node.Field(key)
		return f, ok && f.Node.Kind == KindString
	}
	category, _ := text("category")
	if category.Node != nil {
		s.category = category.Node.Text
	}
	if s.category == "config" {
		e.names.add(section.Key)
	}
	value, hasValue := text("value")
	if !hasValue {
		return
	}
	s.value, s.text, s.usable = value, value.Node.Text, true
	s.secret = s.category == "secret"
	passphrase, encrypted := text("secret")
	if encrypted && passphrase.Node.Text != "" {
		e.substitute(s.section, passphrase)
		s.secret = true
		var err error
		if s.text, err = secret.Decrypt(value.Node.Text, passphrase.Node.Text); err != nil {
			s.usable = false
			e.problem(value.Node.Position, s.section, "value", "cannot be decrypted: "+err.Error(), "")
		}
	}
	value.Node.hidden = s.secret
}

func (e *expansion) problem(at Position, section, key, message, hint string) {
	e.document.found.problems.add(Problem{Position: at, Section: section, Key: key, Message: message, Hint: hint})
}

// include merges the fragments that a section asks for into it. Their keys win
// over its own.
func (e *expansion) include(name string, section *Field) {
	includes, ok := section.Node.Field("includes")
	if !ok || includes.Node.Kind != KindArray {
		return
	}
	merged := *section.Node
	merged.Fields, merged.index = slices.Clone(section.Node.Fields), nil
	merged.reindex()
	from := make(map[string]Field) // keys that fragments have set
	for i, item := range includes.Node.Items {
		if item.Kind != KindString {
			continue
		}
		if slices.ContainsFunc(includes.Node.Items[:i], func(n *Node) bool { return n.Kind == KindString && n.Text == item.Text }) {
			e.problem(item.Position, name, "includes", fmt.Sprintf("the storage %q is named twice", item.Text), "")
			continue
		}
		fragment := e.fragment(name, item)
		if fragment == nil {
			merged.reported = true // what is missing may be in it
			continue
		}
		for _, f := range fragment.Fields {
			first, twice := from[f.Key]
			switch {
			case f.Key == "includes":
				e.problem(f.Position, name, "includes", "a storage cannot include others", "name them in the section itself")
			case twice:
				e.problem(f.Position, name, f.Key, "is in two of the storages that are included", fmt.Sprintf("the first is at %s", first.Position))
			default:
				from[f.Key] = f
				merged.put(f)
			}
		}
	}
	section.Node = &merged
}

// fragment returns the keys of a storage that a section includes, nil after a
// problem.
func (e *expansion) fragment(section string, item *Node) *Node {
	s, ok := e.storages[item.Text]
	switch {
	case !ok:
		if !e.document.broken {
			message, hint := e.names.missing(item.Text)
			e.problem(item.Position, section, "includes", message, hint)
		}
		return nil
	case s.category == "secret":
		e.problem(item.Position, section, "includes", fmt.Sprintf("the storage %q is a secret", item.Text), `those that are included have category = "config"`)
		return nil
	case !s.usable: // has been reported, or is when it is decoded
		return nil
	case s.fragment == nil:
		s.parse(e)
	}
	if s.fragment.reported {
		return nil
	}
	return s.fragment
}

// parse reads the text of a storage as TOML, whose places are those in the file
// where it stands.
func (s *storage) parse(e *expansion) {
	var d Document
	p := tomlParser{document: &d, table: &d.root, file: s.value.Node.Position.File, section: s.section, fragment: s.section, text: []byte(s.text)}
	p.within(s.value.Node, s.secret)
	if problem, ok := p.readable(); ok {
		p.parse()
	} else {
		d.fail(problem)
	}
	s.fragment = &d.root
	s.fragment.reported = d.broken
	if count := len(s.fragment.Fields); count > maxFragment {
		s.fragment.reported = true
		d.found.problems.add(Problem{Position: s.value.Node.Position, Section: s.section, Key: "value",
			Message: fmt.Sprintf("holds %d keys; at most %d are allowed", count, maxFragment), Hint: "no section has as many"})
	}
	e.document.found.problems.add(d.found.problems...)
	for _, f := range s.fragment.Fields {
		e.substitute(s.section, f)
	}
}
