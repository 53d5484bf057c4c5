// Package route chooses the location of a request by host and path, and
// rewrites paths.
//
// Every location has a weight; among those that match, the heaviest wins, and
// among equals the first in order. A Table finds it without trying them all:
// exact hosts and exact paths are looked up in maps, wildcard hosts by their
// suffixes, path prefixes in a tree. Only regular expressions are tried one by
// one, heaviest first, and no longer than one of them could still win.
//
// The package knows nothing of upstreams or plugins: what a location leads to
// is its type parameter.
package route

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"pingap/message"
)

// Spec describes a location.
type Spec[T any] struct {
	// Hosts are exact names, *.example.com (any depth of subdomain, not the
	// name itself) or ~regexp; none means any host.
	Hosts []string
	// Path is /prefix, =/exact or ~regexp; "" means any path.
	Path string
	// Weight replaces the weight computed from Hosts and Path if HasWeight.
	Weight    int
	HasWeight bool
	// Headers, Query and Cookies must all hold. They do not count for the
	// weight.
	Headers, Query, Cookies []Condition
	Target                  T
}

// Condition is what a header field, query parameter or cookie must be.
type Condition struct {
	Name     string
	Value    string
	HasValue bool // the value must be Value; otherwise presence is enough
}

// Weight returns the weight of a location with these hosts and path, in
// Pingap's arithmetic.
func Weight(hosts []string, path string) int {
	weight := 0
	if len(path) > 1 {
		switch path[0] {
		case '=':
			weight += 1024
		case '~':
			weight += 256
		default:
			weight += 512
		}
		weight += min(len(path), 64)
	}
	if len(hosts) > 0 {
		if slices.ContainsFunc(hosts, func(h string) bool { return strings.HasPrefix(h, "~") }) {
			weight += len(strings.Join(hosts, ","))
		} else {
			weight += 128
		}
	}
	return weight
}

// rule is a location, or the part of one that is for one of its hosts.
type rule[T any] struct {
	weight, order int
	host, path    *regexp.Regexp // nil where the index has decided already
	exact         string         // path, where only the host is a regexp
	prefix        string
	conditions    *conditions
	target        T
}

// beats reports whether r wins over other, which may be nil.
func (r *rule[T]) beats(other *rule[T]) bool {
	if other == nil || r.weight != other.weight {
		return other == nil || r.weight > other.weight
	}
	return r.order < other.order
}

// Table holds locations, ready to be chosen from. It does not change, so any
// number of goroutines may use it.
type Table[T any] struct {
	exact     map[string]*paths[T] // by host
	wildcards map[string]*paths[T] // by what follows the *, dot included
	any       paths[T]
	hosts     rules[T] // those whose host is a regexp
}

// New makes a table. It reports the first pattern that is wrong.
func New[T any](specs []Spec[T]) (*Table[T], error) {
	t := &Table[T]{exact: make(map[string]*paths[T]), wildcards: make(map[string]*paths[T])}
	for order, s := range specs {
		if err := t.add(order, s); err != nil {
			return nil, err
		}
	}
	for _, p := range t.exact {
		p.finish()
	}
	for _, p := range t.wildcards {
		p.finish()
	}
	t.any.finish()
	t.hosts.sort()
	return t, nil
}

func (t *Table[T]) add(order int, s Spec[T]) error {
	weight := s.Weight
	if !s.HasWeight {
		weight = Weight(s.Hosts, s.Path)
	}
	r := rule[T]{weight: weight, order: order, target: s.Target, conditions: newConditions(s.Headers, s.Query, s.Cookies)}
	if len(s.Hosts) == 0 {
		return t.any.add(r, s.Path)
	}
	for _, host := range s.Hosts {
		if err := t.addHost(host, r, s.Path); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table[T]) addHost(host string, r rule[T], path string) error {
	if expression, ok := strings.CutPrefix(host, "~"); ok {
		re, err := regexp.Compile(strings.TrimSpace(expression))
		if err != nil {
			return fmt.Errorf("host %s: %w", host, err)
		}
		r.host = re
		if err := r.setPath(path); err != nil {
			return err
		}
		t.hosts = append(t.hosts, &r)
		return nil
	}
	byHost, key := t.exact, Hostname(strings.ToLower(host))
	if suffix, ok := strings.CutPrefix(host, "*"); ok {
		byHost, key = t.wildcards, strings.ToLower(suffix)
	}
	p := byHost[key]
	if p == nil {
		p = &paths[T]{}
		byHost[key] = p
	}
	return p.add(r, path)
}

// splitPath tells the three ways to write a path apart.
func splitPath(path string) (exact, prefix string, re *regexp.Regexp, err error) {
	switch {
	case path == "":
		return "", "/", nil, nil
	case path[0] == '=':
		return strings.TrimSpace(path[1:]), "", nil, nil
	case path[0] == '~':
		re, err := regexp.Compile(strings.TrimSpace(path[1:]))
		if err != nil {
			return "", "", nil, fmt.Errorf("path %s: %w", path, err)
		}
		return "", "", re, nil
	}
	return "", path, nil, nil
}

// setPath makes the rule itself decide on the path.
func (r *rule[T]) setPath(path string) (err error) {
	r.exact, r.prefix, r.path, err = splitPath(path)
	return err
}

// acceptsPath reports whether the path is what the rule itself asks for.
func (r *rule[T]) acceptsPath(path string) bool {
	switch {
	case r.path != nil:
		return r.path.MatchString(path)
	case r.exact != "":
		return r.exact == path
	}
	return strings.HasPrefix(path, r.prefix) || r.prefix == "/"
}

// Match returns what the request's location leads to, and sets the named groups
// of its expressions as captures on x. It reports false when no location
// matches.
func (t *Table[T]) Match(x *message.Exchange) (target T, ok bool) {
	s := search[T]{x: x, host: NormalHost(x, x.Request.Host), path: NormalPath(x, x.Request.Path)}
	if len(t.exact) > 0 {
		if p := t.exact[s.host]; p != nil {
			p.find(&s)
		}
	}
	if len(t.wildcards) > 0 {
		t.findWildcard(&s)
	}
	t.any.find(&s)
	t.hosts.find(&s)
	if s.best == nil {
		return target, false
	}
	s.capture()
	return s.best.target, true
}

// maxLabels bounds how many suffixes of a host are looked up: a name in the DNS
// cannot have more.
const maxLabels = 127

func (t *Table[T]) findWildcard(s *search[T]) {
	rest := s.host
	for range maxLabels {
		dot := strings.IndexByte(rest, '.')
		if dot < 0 {
			return
		}
		// The star stands for at least one character.
		if suffix := rest[dot:]; dot > 0 || len(suffix) < len(s.host) {
			if p := t.wildcards[suffix]; p != nil {
				p.find(s)
			}
		}
		rest = rest[dot+1:]
	}
}

// search is one choice under way.
type search[T any] struct {
	x          *message.Exchange
	host, path string
	best       *rule[T]
}

// consider takes r if it wins over the best so far and its conditions hold.
// It reports whether a rule behind r in its list could still win.
func (s *search[T]) consider(r *rule[T]) (goOn bool) {
	if !r.beats(s.best) {
		return false
	}
	if r.host != nil && !r.host.MatchString(s.host) || r.path != nil && !r.path.MatchString(s.path) {
		return true
	}
	if r.host != nil && !r.acceptsPath(s.path) || !r.conditions.hold(s.x) {
		return true
	}
	s.best = r
	return false
}

// capture sets the named groups of the chosen rule.
func (s *search[T]) capture() {
	if s.best.host != nil {
		captureInto(s.x, s.best.host, s.host)
	}
	if s.best.path != nil {
		captureInto(s.x, s.best.path, s.path)
	}
}

func captureInto(x *message.Exchange, re *regexp.Regexp, text string) {
	if re.NumSubexp() == 0 {
		return
	}
	groups := re.FindStringSubmatchIndex(text)
	for i, name := range re.SubexpNames() {
		if name != "" && groups[2*i] >= 0 {
			x.SetCapture(name, text[groups[2*i]:groups[2*i+1]])
		}
	}
}

// Captures returns the names of the groups that the expressions of a location
// capture.
func Captures(hosts []string, path string) []string {
	var names []string
	for _, pattern := range append(slices.Clone(hosts), path) {
		expression, ok := strings.CutPrefix(pattern, "~")
		if !ok {
			continue
		}
		re, err := regexp.Compile(strings.TrimSpace(expression))
		if err != nil {
			continue
		}
		for _, name := range re.SubexpNames() {
			if name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}
