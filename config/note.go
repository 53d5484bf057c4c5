package config

import (
	"fmt"
	"reflect"
)

// Note is something that the author of a configuration should know, although
// nothing is wrong: a key that this version accepts without acting on it, or
// one that has another name by now.
type Note struct {
	File string
	Line int
	Text string // section: key: what there is to know
}

// String returns the note in one line, as a Problem is written.
func (n Note) String() string {
	return fmt.Sprintf("%s: note: %s", Position{File: n.File, Line: n.Line}, n.Text)
}

// noEffect is what is said of keys whose feature is still to come.
const noEffect = "accepted, but has no effect in this version"

// report is what is found while a configuration is read.
type report struct {
	problems Problems
	notes    []Note
	plans    map[reflect.Type]*plan // of the structs met so far
	broken   bool                   // a file could not be read to its end, so what is missing may be there
}

// note adds a note about a key.
func (r *report) note(at Position, section, key, text string) {
	if len(r.notes) < maxProblems {
		r.notes = append(r.notes, Note{File: at.File, Line: at.Line, Text: section + ": " + key + ": " + text})
	}
}
