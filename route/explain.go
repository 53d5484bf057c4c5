package route

import (
	"fmt"
	"slices"
	"strings"
)

// Candidate is a location as [Table.Explain] and [Table.Candidates] tell of it.
type Candidate struct {
	Name       string
	Weight     int
	Hosts      []string // as configured
	Path       string
	Conditions []string // as "header name:value"
}

// String returns the candidate in one line.
func (c Candidate) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%5d  %s", c.Weight, c.Name)
	if len(c.Hosts) > 0 {
		fmt.Fprintf(&b, "  host %s", strings.Join(c.Hosts, ","))
	}
	if c.Path != "" {
		fmt.Fprintf(&b, "  path %s", c.Path)
	}
	for i, condition := range c.Conditions {
		word := "if"
		if i > 0 {
			word = "and"
		}
		fmt.Fprintf(&b, "  %s %s", word, condition)
	}
	return b.String()
}

// Explanation is why a request is served by the location that serves it.
type Explanation struct {
	Host, Path string // in normal form
	// Candidates are the locations for this host and path in the order in
	// which they are tried. The first one whose conditions hold is chosen.
	Candidates []Candidate
	// Ambiguous lists other ways to read the path that lead to other
	// candidates. When there are any, the request gets no location.
	Ambiguous []string
}

// String returns the explanation in a few lines for people.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "host %q, path %q\n", e.Host, e.Path)
	for _, c := range e.Candidates {
		fmt.Fprintln(&b, c)
	}
	if len(e.Candidates) == 0 {
		fmt.Fprintln(&b, "no location")
	}
	for _, other := range e.Ambiguous {
		fmt.Fprintf(&b, "no location is chosen: the path may also be read as %q, which others serve\n", other)
	}
	return b.String()
}

// Candidates lists all locations in the order of choice.
func (t *Table[T]) Candidates() []Candidate {
	all := make([]Candidate, len(t.locations))
	for i, loc := range t.locations {
		all[i] = loc.candidate()
	}
	return all
}

// String returns all locations in the order of choice, one a line.
func (t *Table[T]) String() string {
	var b strings.Builder
	for _, c := range t.Candidates() {
		fmt.Fprintln(&b, c)
	}
	return b.String()
}

// Explain tells which locations are for a host (with or without port) and a
// path, both as a client would send them. It looks at each location in turn,
// without the index: it is for people and tests.
func (t *Table[T]) Explain(host, path string) Explanation {
	e := Explanation{Host: NormalizeHost(host), Path: NormalizePath(path)}
	chosen := t.scan(e.Host, e.Path)
	for _, loc := range chosen {
		e.Candidates = append(e.Candidates, loc.candidate())
	}
	if isPlain(path) {
		return e
	}
	for _, r := range otherReadings(path) {
		other := string(r.append(nil, path))
		if !slices.Equal(chosen, t.scan(e.Host, other)) {
			e.Ambiguous = append(e.Ambiguous, other)
		}
	}
	return e
}

// scan returns the locations for a host and path in order of rank, up to the
// first that has no conditions.
func (t *Table[T]) scan(host, path string) []*location {
	var found []*location
	for _, loc := range t.locations {
		if loc.hostMatches(host) && loc.path.matches(path) {
			found = append(found, loc)
			if len(loc.conditions) == 0 {
				break
			}
		}
	}
	return found
}

func (loc *location) candidate() Candidate {
	c := Candidate{Name: loc.name, Weight: loc.weight, Path: loc.path.source}
	for i := range loc.hosts {
		c.Hosts = append(c.Hosts, loc.hosts[i].source)
	}
	for _, condition := range loc.conditions {
		c.Conditions = append(c.Conditions, condition.of.String()+" "+condition.Condition.String())
	}
	return c
}
