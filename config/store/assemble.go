package store

import (
	"fmt"
	"slices"
	"strings"
)

// assemble returns the texts that a configuration has in a layout. Comments go
// with what follows them. What the result means has been compared with what
// the snapshot means, so that nothing is lost or gained on the way.
func (s *Snapshot) assemble(l layout, only string) ([]text, error) {
	if l == single && len(s.texts) == 1 && formatOf(s.texts[0].key).extension == extension {
		return []text{{key: only, data: s.texts[0].data}}, nil
	}
	to := &Snapshot{layout: l, only: only, title: func(key string) string { return key }}
	pieces, err := s.pieces(l)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(pieces, func(a, b piece) int {
		return slices.Index(Categories, a.category) - slices.Index(Categories, b.category)
	})
	parts, last := map[string][]string{}, ""
	for _, p := range pieces {
		key := l.key(only, p.id)
		here := parts[key]
		if n := len(here); n > 0 && (!p.next || last != key) {
			here[n-1] = strings.TrimRight(here[n-1], " \t\r\n") + "\n\n"
			p.text = strings.TrimLeft(p.text, "\r\n")
		} else if n == 0 {
			p.text = strings.TrimLeft(p.text, "\r\n")
		}
		parts[key], last = append(here, p.text), key
	}
	for key, here := range parts {
		to.set(text{key: key}, strings.Join(here, ""))
	}
	before, _ := s.Decode()
	after, problems := to.Decode()
	if changes := after.Changes(before); len(changes) > 0 {
		return nil, fmt.Errorf("the configuration cannot be divided into other files; [%s] would be %s", id{changes[0].Kind, changes[0].Name}, changes[0].Difference)
	}
	if len(problems.Errors()) > 0 && s.correct() {
		return nil, fmt.Errorf("the configuration cannot be divided into other files: %w", problems.Errors()[:1])
	}
	return to.texts, nil
}

// correct reports whether the texts can be read, each for itself.
func (s *Snapshot) correct() bool {
	_, problems := s.Decode()
	return len(problems.Errors()) == 0
}

// pieces divides the texts for a layout. Comments stay where the text has a
// header for each item.
func (s *Snapshot) pieces(l layout) ([]piece, error) {
	var pieces []piece
	for _, t := range s.texts {
		fragments, err := s.dissect(t)
		if formatOf(t.key).extension != extension || slices.ContainsFunc(fragments, func(f fragment) bool { return f.loose }) {
			rendered, err := s.render(t)
			if err != nil {
				return nil, err
			}
			pieces = append(pieces, rendered...)
			continue
		}
		if err != nil {
			return nil, err
		}
		for i, f := range fragments {
			end := f.end
			if i == len(fragments)-1 {
				end = len(t.data)
			}
			if f.name == "" && f.category != basic && l == byItem {
				continue // a header such as [servers], above no keys
			}
			data := strings.TrimPrefix(t.data[f.lead:end], byteOrderMark)
			pieces = append(pieces, piece{f.id, withNewline(data), i > 0})
		}
	}
	return pieces, nil
}
