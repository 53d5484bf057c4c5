package config

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Difference says how a section of one configuration stands to that of another.
type Difference string

// The differences there are.
const (
	Added    Difference = "added"
	Removed  Difference = "removed"
	Modified Difference = "changed"
)

// Change is a section in which two configurations differ.
type Change struct {
	// Kind is that of the section, such as "locations"; Name is "" for
	// [basic].
	Kind, Name string
	Difference Difference
	// Lines are the keys that differ, as a file has them, each behind "- "
	// for what it was or "+ " for what it is. Secrets are not shown.
	Lines []string
}

// Changes returns the sections in which c differs from before: kinds as they
// stand in c, sections of a kind by name. Where and in which order things are
// written makes no difference.
func (c *Config) Changes(before *Config) []Change {
	var changes []Change
	for _, kind := range bothKeys(c.root, before.root) {
		was, is := before.root.child(kind), c.root.child(kind)
		if kind == "basic" {
			changes = appendChange(changes, Change{Kind: kind}, was, is)
			continue
		}
		names := bothKeys(is, was)
		slices.Sort(names)
		for _, name := range names {
			changes = appendChange(changes, Change{Kind: kind, Name: name}, was.child(name), is.child(name))
		}
	}
	return changes
}

// child returns the value of a table's key, nil if there is none. n may be nil.
func (n *Node) child(key string) *Node {
	if n == nil {
		return nil
	}
	f, _ := n.Field(key)
	return f.Node
}

// bothKeys returns the keys of both tables: those of a, and then those that
// only b has.
func bothKeys(a, b *Node) (keys []string) {
	for _, n := range []*Node{a, b} {
		if n == nil {
			continue
		}
		for _, f := range n.Fields {
			if n == a || a.child(f.Key) == nil {
				keys = append(keys, f.Key)
			}
		}
	}
	return keys
}

// appendChange adds what has become of a section, if anything has.
func appendChange(changes []Change, change Change, was, is *Node) []Change {
	switch {
	case was.same(is):
		return changes
	case was == nil:
		change.Difference = Added
	case is == nil:
		change.Difference = Removed
	default:
		change.Difference = Modified
	}
	change.diff("", was, is)
	return append(changes, change)
}

// diff adds the lines in which two tables differ.
func (c *Change) diff(prefix string, was, is *Node) {
	for _, key := range bothKeys(is, was) {
		a, b := was.child(key), is.child(key)
		if a.same(b) {
			continue
		}
		if a.isTable() && b.isTable() || a == nil && b.isTable() || b == nil && a.isTable() {
			c.diff(prefix+writtenKey(key)+".", a, b)
			continue
		}
		for _, side := range []struct {
			sign string
			node *Node
		}{{"- ", a}, {"+ ", b}} {
			if side.node != nil {
				c.Lines = append(c.Lines, side.sign+prefix+writtenKey(key)+" = "+c.shown(key, side.node))
			}
		}
	}
}

func (n *Node) isTable() bool { return n != nil && n.Kind == KindTable }

// same reports whether two values are equal, wherever they stand. The order of
// a table's keys makes no difference. Either may be nil.
func (n *Node) same(o *Node) bool {
	if n == o {
		return true
	}
	if n == nil || o == nil || n.Kind != o.Kind || n.Kind != KindInteger && n.Text != o.Text || n.Integer != o.Integer || n.Bool != o.Bool ||
		len(n.Fields) != len(o.Fields) {
		return false
	}
	for _, f := range n.Fields {
		if other := o.child(f.Key); other == nil || !f.Node.same(other) {
			return false
		}
	}
	return slices.EqualFunc(n.Items, o.Items, (*Node).same)
}

// Same reports whether two items say the same, wherever they are written.
func (i *Item) Same(other *Item) bool {
	return i.Name == other.Name && i.table.node.same(other.table.node)
}

// shown writes a value of the section. What a storage keeps may be a secret or
// hold some.
func (c *Change) shown(key string, n *Node) string {
	if c.Kind == "storages" && key == "value" {
		return "(not shown)"
	}
	return shown(key, n)
}

// maxShown is how much of a value is shown.
const maxShown = 240

// shown writes a value as a file has it, unless it is nobody's business.
func shown(key string, n *Node) string {
	if isSecret(key) || n.hidden {
		return "(not shown)"
	}
	text := n.written()
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "..."
	}
	return text
}

// secretWords are the parts of a key's name that tell that its value is a
// secret, or holds one; secretKeys are whole names.
var (
	secretWords = []string{"secret", "password", "passwd", "token", "authorization", "cookie", "credential", "private"}
	secretKeys  = []string{"webhook", "sentry", "pyroscope", "dns_service_url"}
)

func isSecret(key string) bool {
	key = strings.ToLower(strings.TrimSpace(key))
	return slices.Contains(secretKeys, key) || strings.HasSuffix(key, "key") || strings.HasSuffix(key, "keys") ||
		slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(key, word) })
}

// userInfo is the password in a URL.
var userInfo = regexp.MustCompile(`(://[^/@:\s]*:)[^/@\s]*@`)

// shownText leaves the secrets out of a text: the value of a header field, the
// password in a URL, and private keys.
func shownText(text string) string {
	if strings.Contains(text, "PRIVATE KEY-----") {
		return "(not shown)"
	}
	if name, _, ok := strings.Cut(text, ":"); ok && isSecret(name) {
		return name + ": (not shown)"
	}
	return userInfo.ReplaceAllString(text, "$1(not shown)@")
}

// written returns a value as a TOML file has it, in one line.
func (n *Node) written() string {
	switch n.Kind {
	case KindString:
		if n.hidden {
			return "(not shown)"
		}
		return strconv.Quote(shownText(n.Text))
	case KindBool:
		return strconv.FormatBool(n.Bool)
	case KindInteger:
		return cmp.Or(n.Text, strconv.FormatInt(n.Integer, 10))
	case KindArray:
		var items []string
		for _, item := range n.Items {
			items = append(items, item.written())
		}
		return "[" + strings.Join(items, ", ") + "]"
	case KindTable:
		var fields []string
		for _, f := range n.Fields {
			fields = append(fields, writtenKey(f.Key)+" = "+shown(f.Key, f.Node))
		}
		return "{ " + strings.Join(fields, ", ") + " }"
	}
	return n.Text
}

// writtenKey returns a key as a TOML file has it.
func writtenKey(key string) string {
	for _, r := range key {
		if !(r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z') {
			return strconv.Quote(key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}
