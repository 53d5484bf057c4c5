package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pingap/config"
)

// place is what a URL says.
type place struct {
	title   string // without secrets
	path    string // of a file or directory; the prefix in etcd
	layout  layout
	only    string // the key of the single text
	history bool
	options url.Values
}

// Open returns the store that a URL names:
//
//	/etc/pingap.toml                a file
//	/etc/pingap                     a directory: servers.toml, locations.toml and so on
//	/etc/pingap?separation          a directory: servers/main.toml and so on
//	etcd://host:2379/prefix?user=…  etcd, with keys like the files of a separated directory
//	memory:                         nothing, and nothing that lasts
//
// A path that exists speaks for itself; of others, those that end in .toml are
// files. "~/" is the home directory. ?enable_history=true keeps earlier
// versions of what is saved, beside the configuration: in pingap-history for
// the directory pingap. etcd has more options; see the package comment.
//
// Nothing is read, made or connected to yet.
func Open(location string) (*Store, error) {
	if isMemory(location) {
		return Memory("memory", ""), nil
	}
	if rest, ok := strings.CutPrefix(location, "etcd://"); ok {
		return openEtcd(rest)
	}
	p, err := placeOf(location)
	if err != nil {
		return nil, err
	}
	return newStore(&files{path: p.path, directory: p.layout != single, limit: maxSize}, p), nil
}

func newStore(m medium, p *place) *Store {
	s := &Store{medium: m, layout: p.layout, only: p.only, title: p.title, history: p.history}
	s.end, s.cancel = context.WithCancel(context.Background())
	return s
}

// fileOptions are what may stand behind the ? of a path.
var fileOptions = []string{"separation", "enable_history"}

// placeOf decides what a path is, here and nowhere else.
func placeOf(location string) (*place, error) {
	path, query := location, ""
	if _, err := os.Stat(location); err != nil { // no question mark of its own
		path, query, _ = strings.Cut(location, "?")
	}
	options, err := optionsOf(query, fileOptions)
	if err != nil {
		return nil, fmt.Errorf("the configuration %s: %w", location, err)
	}
	if path, err = config.ExpandHome(path); err != nil {
		return nil, fmt.Errorf("the configuration %s: %w", location, err)
	}
	if path == "" {
		return nil, errors.New("the configuration has no path; name a file, or a directory of " + extension + " files")
	}
	p := &place{title: path, path: path, only: filepath.Base(path), history: isOn(options, "enable_history"), options: options}
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		p.layout = byCategory
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("the configuration %s is neither a file nor a directory", path)
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		return nil, explain(path, err)
	case !slices.ContainsFunc(formats, func(f format) bool { return strings.HasSuffix(path, f.extension) }):
		p.layout = byCategory
	}
	if p.layout == byCategory && isOn(options, "separation") {
		p.layout = byItem
	}
	return p, nil
}

// optionsOf reads what stands behind the ? of a URL.
func optionsOf(query string, known []string) (url.Values, error) {
	options, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("the options behind the ? cannot be read: %w", err)
	}
	for name := range options {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no option %q; %s", name,
				cmp.Or(config.Suggest(name, known), "options are "+strings.Join(known, ", ")))
		}
	}
	return options, nil
}

// isOn reports whether an option is given and not denied.
func isOn(options url.Values, name string) bool {
	value := strings.ToLower(options.Get(name))
	return options.Has(name) && value != "false" && value != "0" && value != "off" && value != "no"
}
