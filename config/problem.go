package config

import (
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a file. Lines and columns count from 1; a column is
// in bytes. Line 0 means the file as a whole.
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

// Problem is one thing that is wrong, or, as a warning, odd.
type Problem struct {
	Position
	Section string // such as "locations.api", "" for the file as a whole
	Key     string // "" for the section as a whole
	Message string // what is wrong
	Hint    string // what would be right; may be ""
	Warning bool   // the configuration is usable nevertheless
}

// String returns the problem in one line:
// file:line: section: key: what is wrong; what would be right.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.Position.String() + ": ")
	}
	if p.Section != "" {
		b.WriteString(p.Section + ": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Problems are all that was found, in the order of files and lines once
// sorted.
type Problems []Problem

func (p *Problems) add(at Position, section, key, message, hint string) {
	*p = append(*p, Problem{Position: at, Section: section, Key: key, Message: message, Hint: hint})
}

func (p *Problems) warn(at Position, section, key, message, hint string) {
	*p = append(*p, Problem{Position: at, Section: section, Key: key, Message: message, Hint: hint, Warning: true})
}

// Sort puts problems in the order in which a reader meets them.
func (p Problems) Sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
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

// Error makes Problems an error: one line for each.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}
