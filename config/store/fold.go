package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Fold moves items that stand in other texts than the layout of the store has
// for them to where it has them, and keeps the old files under names that end
// in .bak. It returns what it did, a line for each file, for the log. What
// cannot be read is left as it is, and named in the error; everything works all
// the same, since items are found wherever they stand.
//
// A store of one file has nothing to fold.
func (s *Store) Fold(ctx context.Context) (report []string, err error) {
	if s.layout == single {
		return nil, nil
	}
	err = s.rewrite(ctx, func(before *Snapshot) (*save, error) {
		var strays map[string]bool
		if strays, err = before.strays(); len(strays) == 0 || err != nil {
			return nil, err
		}
		texts, err := before.assemble(s.layout, s.only)
		if err != nil {
			return nil, err
		}
		after := s.snapshot(texts, "")
		report = nil
		changes := after.changes(before)
		for _, t := range before.texts {
			if _, stays := after.find(t.key); strays[t.key] && stays {
				spare := t.key + "." + stampOf(time.Now()) + ".bak"
				changes = append(changes, change{was: text{key: spare}, is: t.data})
				report = append(report, fmt.Sprintf("%s held sections of other files; they were moved there, and the old file is kept as %s", s.medium.title(t.key), s.medium.title(spare)))
			}
		}
		for i, c := range changes {
			if c.is == "" {
				changes[i].keep = true
				report = append(report, fmt.Sprintf("the sections of %s were moved to the files of the layout; the old file is kept with a name in .bak", s.medium.title(c.was.key)))
			}
		}
		return &save{changes: changes}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("the files of %s stay as they are: %w", s, err)
	}
	slices.Sort(report)
	return report, nil
}

// ByItem reports whether the store has a text of its own for each item, as a
// directory with ?separation and etcd have. Its texts are then written by
// programs more than by hand.
func (s *Store) ByItem() bool { return s.layout == byItem }

// strays returns the keys of the texts that hold items which the layout has
// elsewhere.
func (s *Snapshot) strays() (map[string]bool, error) {
	strays := map[string]bool{}
	for _, t := range s.texts {
		pieces, err := s.parts(t)
		if err != nil {
			return nil, err
		}
		for _, p := range pieces {
			bare := p.name == "" && p.category != basic
			if !bare && s.layout.key(s.only, p.id) != t.key {
				strays[t.key] = true
			}
		}
	}
	if len(strays) > 0 {
		if _, problems := s.Decode(); len(problems.Errors()) > 0 {
			return nil, problems.Errors()[:1]
		}
	}
	return strays, nil
}
