package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// journal is the list of what a save does to several files, so that it is done
// as a whole although the file system changes one name at a time. All new
// contents lie on disk under temporary names when the journal appears; from
// then on the save has happened: readers look at the temporary files, and
// whoever saves next puts them in place if the writer could not.
type journal struct {
	Puts []string // keys of files that a temporary one replaces
	Gone []string // keys of files that are deleted
	Kept []string // keys of files that are renamed to .bak
}

// journalName is that of the journal in the directory of a configuration.
const journalName = ".pingap-save.json"

// readJournal returns the journal of a directory; an empty one when there is
// none.
func readJournal(directory string) (journal, error) {
	var j journal
	path := filepath.Join(directory, journalName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return j, explain(path, err)
	}
	if err := json.Unmarshal(data, &j); err != nil {
		return j, fmt.Errorf("read %s, which lists a save that is under way: %w; delete it if it stays", path, err)
	}
	for _, keys := range [][]string{j.Puts, j.Gone, j.Kept} {
		for _, key := range keys {
			if !filepath.IsLocal(filepath.FromSlash(key)) {
				return j, fmt.Errorf("%s lists %q, which is not a file below it; delete it", path, key)
			}
		}
	}
	return j, nil
}

// source returns what tells the path that a text is read from.
func (j *journal) source(f *files) func(key string) string {
	puts := set(j.Puts)
	return func(key string) string {
		path := f.title(key)
		if puts[key] {
			if prepared := temporary(resolve(path)); exists(prepared) {
				return prepared
			}
		}
		return path
	}
}

// leaves returns what tells whether a file is to go.
func (j *journal) leaves() func(key string) bool {
	gone := set(j.Gone, j.Kept)
	return func(key string) bool { return gone[key] }
}

func set(lists ...[]string) map[string]bool {
	members := map[string]bool{}
	for _, list := range lists {
		for _, member := range list {
			members[member] = true
		}
	}
	return members
}

// add notes a change, and prepares the file that it needs.
func (j *journal) add(c change, path string) error {
	switch {
	case c.is != "":
		j.Puts = append(j.Puts, c.was.key)
		_, err := prepare(resolve(path), c.is)
		return err
	case c.keep:
		j.Kept = append(j.Kept, c.was.key)
	default:
		j.Gone = append(j.Gone, c.was.key)
	}
	return nil
}

// write makes the journal appear in a directory.
func (j *journal) write(directory string) error {
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(directory, journalName), string(data))
}

// recover does what the journal says, and removes it. The directory is locked.
func (f *files) recover() error {
	j, err := readJournal(f.path)
	if err != nil {
		return err
	}
	touched := map[string]bool{}
	for _, key := range j.Puts {
		path := resolve(f.title(key))
		if prepared := temporary(path); exists(prepared) {
			touched[filepath.Dir(path)] = true
			err = errors.Join(err, os.Rename(prepared, path))
		}
	}
	for _, key := range slices.Concat(j.Kept, j.Gone) {
		path := f.title(key)
		if !exists(path) {
			continue
		}
		touched[filepath.Dir(path)] = true
		if slices.Contains(j.Gone, key) {
			err = errors.Join(err, os.Remove(path))
		} else {
			err = errors.Join(err, os.Rename(path, spareName(path)))
		}
	}
	for directory := range touched {
		err = errors.Join(err, syncDirectory(directory))
	}
	path := filepath.Join(f.path, journalName)
	if err != nil || !exists(path) {
		return err
	}
	return errors.Join(os.Remove(path), syncDirectory(f.path))
}

// spareName returns a name for a file that is kept, which none has yet.
func spareName(path string) string {
	name := path + ".bak"
	for n := 1; exists(name); n++ {
		name = fmt.Sprintf("%s.bak.%d", path, n)
	}
	return name
}

// exists reports whether there is something with a name, be it a link that
// leads nowhere.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
