package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// reference is everything that can be written.
type reference struct {
	sections []section
	plugins  []plugin
	every    []key // of every plugin
}

// section is a kind of section.
type section struct {
	kind  string // "servers"
	named bool   // there may be several, each with a name
	doc   string
	keys  []key
}

func (s *section) header() string {
	if s.named {
		return "[" + s.kind + ".name]"
	}
	return "[" + s.kind + "]"
}

// plugin is a category of plugins.
type plugin struct {
	category string
	doc      string
	keys     []key
}

// structs are those of the sections, in the order of the page.
var structs = []struct{ kind, name string }{
	{"basic", "Basic"}, {"servers", "Server"}, {"locations", "Location"}, {"upstreams", "Upstream"},
	{"certificates", "Certificate"}, {"storages", "Storage"}, {"plugins", "Plugin"},
}

func readReference(root string) (*reference, error) {
	config, err := readSource(filepath.Join(root, "config"), nil)
	if err != nil {
		return nil, err
	}
	r := &reference{}
	for _, s := range structs {
		_, doc, _ := strings.Cut(config.docs[s.name], ": ")
		next := section{kind: s.kind, named: s.kind != "basic", doc: sentence(doc)}
		name := s.name
		if s.kind == "plugins" {
			name = "pluginKeys"
		}
		if next.keys, err = config.keys(name); err != nil {
			return nil, err
		}
		r.sections = append(r.sections, next)
	}
	r.every = r.sections[len(r.sections)-1].keys
	return r, r.readPlugins(filepath.Join(root, "plugin"), config)
}

// readPlugins reads the packages below a directory. Each keeps its settings in
// a struct called settings, if it has any.
func (r *reference) readPlugins(directory string, config *source) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		s, err := readSource(filepath.Join(directory, entry.Name()), config)
		if err != nil {
			return err
		}
		p := plugin{category: s.strings["Category"]}
		if p.category == "" {
			continue
		}
		_, doc, _ := strings.Cut(s.doc, " is the plugin that ")
		p.doc = sentence(doc)
		if s.types["settings"] != nil {
			if p.keys, err = s.keys("settings"); err != nil {
				return fmt.Errorf("plugin %s: %w", p.category, err)
			}
		}
		r.plugins = append(r.plugins, p)
	}
	slices.SortFunc(r.plugins, func(a, b plugin) int { return strings.Compare(a.category, b.category) })
	return nil
}

// sentence puts a text into one line that begins with a capital.
func sentence(text string) string {
	text, _, _ = strings.Cut(text, "\n\n")
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
