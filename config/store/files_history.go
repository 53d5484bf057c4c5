package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// historyPath is the directory that keeps earlier versions, as Pingap names it.
func (f *files) historyPath() string { return filepath.Clean(f.path) + "-history" }

// recordBegin is what the names of the records of an item begin with.
func recordBegin(item id) string {
	if item.name == "" {
		return item.category + extension + "-"
	}
	return item.category + "-" + item.name + extension + "-"
}

// recordOf reads the name of a record.
func recordOf(name string) (r record, ok bool) {
	i := strings.LastIndex(name, extension+"-")
	if i < 0 || strings.HasPrefix(name, ".") {
		return r, false
	}
	r.category, r.name, _ = strings.Cut(name[:i], "-")
	r.stamp = name[i+len(extension)+1:]
	return r, true
}

func (f *files) records(_ context.Context, item id) ([]record, error) {
	records, err := f.recordNames()
	if err != nil {
		return nil, err
	}
	var kept []record
	for _, r := range records {
		if item != (id{}) && r.id != item {
			continue
		}
		data, err := read(f.recordPath(r), f.limit)
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody saves, and leaves out the oldest
		}
		if err != nil {
			return nil, err
		}
		r.data = string(data)
		kept = append(kept, r)
	}
	return kept, nil
}

// recordNames returns the records, the newest first, without their data.
func (f *files) recordNames() ([]record, error) {
	entries, err := os.ReadDir(f.historyPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, explain(f.historyPath(), err)
	}
	var records []record
	for _, entry := range entries {
		if r, ok := recordOf(entry.Name()); ok {
			records = append(records, r)
		}
	}
	return newestFirst(records), nil
}

func (f *files) recordPath(r record) string {
	return filepath.Join(f.historyPath(), recordBegin(r.id)+r.stamp)
}

// remember keeps records and returns their paths.
func (f *files) remember(records []record) (paths []string, err error) {
	for _, r := range records {
		path := f.recordPath(r)
		if err := writeFile(path, r.data); err != nil {
			return paths, explainSave(path, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// forget removes the records that are too many. That it fails does no harm: the
// next save tries again.
func (f *files) forget() {
	all, err := f.recordNames()
	if err != nil {
		return
	}
	for _, old := range surplus(all) {
		os.Remove(f.recordPath(old))
	}
}
