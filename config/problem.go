package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a file. Lines and columns count from 1, columns in
// bytes. Line 0 means the file as a whole.
type Position struct {
	File         string
	Line, Column int
}

// String returns file:line.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Problem is one thing that is wrong, or, as a warning, does not do what it
// seems to.
type Problem struct {
	Position
	Section string // such as "locations.api"; "" for the file as a whole
	Key     string // "" for the section as a whole
	Message string // what is wrong
	Hint    string // what would be right; may be ""
	Warning bool   // the configuration can be used nevertheless
}

// AsWarning returns the problem as one that does no harm.
func (p Problem) AsWarning() Problem {
	p.Warning = true
	return p
}

// String returns the problem in one line:
// file:line: section: key: what is wrong; what would be right.
func (p Problem) String() string {
	var b strings.Builder
	for _, part := range []string{p.Position.String(), p.Section, p.Key} {
		if part != "" {
			b.WriteString(part)
			b.WriteString(": ")
		}
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// Problems are all that was found. As an error they are one line each.
type Problems []Problem

// maxProblems is how many problems are kept: nobody reads more, and a file that
// is no configuration at all must not fill the memory.
const maxProblems = 1000

func (p *Problems) add(problems ...Problem) {
	for _, problem := range problems {
		if p.full() {
			return
		}
		*p = append(*p, problem)
		if len(*p) == maxProblems-1 {
			*p = append(*p, Problem{Position: problem.Position, Message: "there are more problems than are listed here; repair these first"})
		}
	}
}

func (p *Problems) full() bool { return len(*p) >= maxProblems }

// Sort puts the problems in the order in which a reader of the files meets
// them.
func (p Problems) Sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// once leaves out what has been said of the same place already: a fragment may
// be included in many sections.
func (p Problems) once() Problems {
	type place struct {
		Position
		key, message string
	}
	seen := make(map[place]bool, len(p))
	return slices.DeleteFunc(p, func(problem Problem) bool {
		at := place{problem.Position, problem.Key, problem.Message}
		again := seen[at] && problem.Line > 0
		seen[at] = true
		return again
	})
}

// Errors returns the problems that make a configuration unusable.
func (p Problems) Errors() Problems { return p.filter(false) }

// Warnings returns the others.
func (p Problems) Warnings() Problems { return p.filter(true) }

func (p Problems) filter(warnings bool) Problems {
	var kept Problems
	for _, problem := range p {
		if problem.Warning == warnings {
			kept = append(kept, problem)
		}
	}
	return kept
}

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}
