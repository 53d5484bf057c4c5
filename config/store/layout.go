package store

import (
	"fmt"
	"strings"

	"pingap/config"
)

// Categories are the kinds of sections that can be saved, in the order in which
// they are best read. All but basic have named items.
var Categories = []string{basic, "servers", "locations", "upstreams", "plugins", "certificates", "storages"}

// basic is the category that is one section without a name.
const basic = "basic"

// layout says which text of a store an item goes to. Items that stand
// elsewhere are read all the same, and stay where they are when they are saved.
type layout uint8

const (
	single     layout = iota // everything in one text
	byCategory               // servers.toml, locations.toml and so on
	byItem                   // servers/main.toml; basic.toml
)

// key returns the key of the text that an item goes to. only is that of the
// single text.
func (l layout) key(only string, item id) string {
	switch {
	case l == single:
		return only
	case l == byCategory, item.name == "":
		return item.category + extension
	}
	return item.category + "/" + item.name + extension
}

// validate says what is wrong with the name of an item. Names become paths, so
// nothing is saved without it.
func (i id) validate() error {
	known := false
	for _, category := range Categories {
		known = known || i.category == category
	}
	switch {
	case !known:
		return fmt.Errorf("%q is no kind of section; there are %s", i.category, strings.Join(Categories, ", "))
	case i.category == basic && i.name != "":
		return fmt.Errorf("[basic] has no name, but %q is given", i.name)
	case i.category == basic:
		return nil
	}
	if err := config.ValidName(i.name); err != nil {
		return fmt.Errorf("a section of %s cannot be called so: %w", i.category, err)
	}
	return nil
}
