// Package route chooses the location that serves a request, and rewrites the
// request's path.
//
// A [Table] is made once from the specifications of all locations and never
// changes; any number of loops may use it at a time. Each location has a
// weight, given or computed from how exactly it says which host and path it is
// for, and the heaviest location that matches wins. The table is an index, not
// a list: how long a choice takes depends on the host and path of the request
// and hardly on the number of locations. A regular expression is evaluated only
// where it could beat what the index has found.
//
// Matching sees the host without port, in lower case, and the path in a normal
// form, so that no spelling of a path leads around a location: see [Host] and
// [Path]. The request itself keeps its path as it was sent.
package route

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"pingap/message"
)

// Spec says which requests a location is for.
type Spec[T any] struct {
	// Name is the location's name, for messages and [Table.Explain].
	Name string
	// Hosts are the hosts that it serves, any of them; none stands for every
	// host. Each is a name or IP address, "*.example.com" for the names below
	// example.com at any depth but not for example.com itself, or "~regexp".
	// Case does not matter. An expression is looked for anywhere in the host
	// unless it is anchored.
	Hosts []string
	// Path is what the path begins with ("/api", which "/apix" does too), "="
	// and the whole path, or "~" and a regular expression. "/" and "" stand
	// for every path.
	Path string
	// Weight is the place in the order of choice, higher first, when
	// HasWeight is set; otherwise it is computed.
	Weight    int
	HasWeight bool
	// Headers, Query and Cookies are conditions on the request. All of them
	// must hold. They do not change the weight.
	Headers, Query, Cookies []Condition
	// Target is what Match returns.
	Target T
}

// SpecError says what is wrong with one key of one location.
type SpecError struct {
	Location string
	Key      string // "host", "path", "match_headers", "match_query", "match_cookies"
	Err      error
}

func (e *SpecError) Error() string {
	return fmt.Sprintf("location %q: %s: %v", e.Location, e.Key, e.Err)
}

// Unwrap returns what is wrong.
func (e *SpecError) Unwrap() error { return e.Err }

// Table chooses among locations. It is immutable and safe for use by many
// goroutines at a time.
type Table[T any] struct {
	index     index
	locations []*location // by rank
	targets   []T         // by rank
}

// location is a Spec made ready.
type location struct {
	name       string
	weight     int
	rank       int32 // its place in the order of choice: 0 is looked at first
	hosts      []hostPattern
	path       pathPattern
	conditions []condition
	captures   bool // whether an expression has named groups
}

// New makes a table. Where weights are equal, the specification that stands
// first wins. The error joins a *[SpecError] for each thing that is wrong.
func New[T any](specs []Spec[T]) (*Table[T], error) {
	var problems []error
	type place struct{ weight, spec int }
	order := make([]place, 0, len(specs))
	locations := make([]*location, 0, len(specs))
	for i := range specs {
		loc, err := newLocation(&specs[i])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		locations = append(locations, loc)
		order = append(order, place{loc.weight, i})
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	slices.SortFunc(order, func(a, b place) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.spec, b.spec))
	})
	t := &Table[T]{
		locations: make([]*location, len(specs)),
		targets:   make([]T, len(specs)),
	}
	for rank, place := range order {
		t.locations[rank], t.targets[rank] = locations[place.spec], specs[place.spec].Target
		t.locations[rank].rank = int32(rank)
	}
	t.index = newIndex(t.locations)
	return t, nil
}

func newLocation[T any](spec *Spec[T]) (*location, error) {
	loc := &location{name: spec.Name, weight: weight(spec)}
	var problems []error
	fail := func(key string, err error) {
		if err != nil {
			problems = append(problems, &SpecError{spec.Name, key, err})
		}
	}
	for _, text := range spec.Hosts {
		host, err := parseHost(text)
		fail("host", err)
		loc.hosts = append(loc.hosts, host)
		loc.captures = loc.captures || hasNames(host.regexp)
	}
	var err error
	loc.path, err = parsePath(spec.Path)
	fail("path", err)
	loc.captures = loc.captures || hasNames(loc.path.regexp)
	for _, list := range []struct {
		key        string
		of         part
		conditions []Condition
	}{
		{"match_headers", headerPart, spec.Headers},
		{"match_query", queryPart, spec.Query},
		{"match_cookies", cookiePart, spec.Cookies},
	} {
		for _, c := range list.conditions {
			if c.Name == "" {
				fail(list.key, errors.New(`a condition needs a name: write "name" or "name:value"`))
			}
			loc.conditions = append(loc.conditions, newCondition(list.of, c))
		}
	}
	return loc, errors.Join(problems...)
}

// Match returns the target of the location that the exchange is for, and sets
// the named groups of that location's expressions as captures of the exchange;
// a group of the path stands before one of the host with the same name. ok is
// false when no location matches, and also when the path is so written that
// two upstreams could read it as paths of different locations (see [Path], and
// [Table.Ambiguous] for which of the two it is).
//
// It allocates nothing, except once per expression with named groups in the
// chosen location.
func (t *Table[T]) Match(x *message.Exchange) (target T, ok bool) {
	r := request{x: x, host: Host(x), path: x.Request.Path}
	plain := isPlain(r.path)
	if !plain {
		r.path = Path(x)
	}
	found := t.index.find(&r)
	if found == noEntry || !plain && !t.unambiguous(r, found.rank) {
		return target, false
	}
	if found.captures {
		t.locations[found.rank].capture(&r)
	}
	return t.targets[found.rank], true
}

// Ambiguous tells, of an exchange for which Match has found none, whether there is a
// location for its path, but another one or none for another reading of it.
func (t *Table[T]) Ambiguous(x *message.Exchange) bool {
	return t.index.find(&request{x: x, host: Host(x), path: Path(x)}) != noEntry
}

// unambiguous reports whether the location of a rank is chosen however the path
// is read.
func (t *Table[T]) unambiguous(r request, rank int32) bool {
	sent, normal := r.x.Request.Path, r.path
	buffer := r.x.Buffer(len(sent))
	for _, reading := range otherReadings(sent) {
		buffer = reading.append(buffer[:0], sent)
		if r.path = message.View(buffer); r.path == normal {
			continue
		}
		if t.index.find(&r).rank != rank {
			return false
		}
	}
	return true
}

// request is what locations are matched with: host and path in normal form.
type request struct {
	x          *message.Exchange
	host, path string
}

// capture sets the named groups of the expressions that made the location
// match.
func (loc *location) capture(r *request) {
	for i := range loc.hosts {
		if h := &loc.hosts[i]; h.matches(r.host) {
			setCaptures(r.x, h.regexp, r.host)
			break
		}
	}
	setCaptures(r.x, loc.path.regexp, r.path)
}
