package config

// Mask returns a copy of a section's table in which mark has replaced what is a
// secret: values whose keys say so, passwords in URLs, private keys, header
// fields that carry credentials. mark is given the whole text that holds the
// secret, and returns what stands in its place. kind is that of the section,
// such as "plugins".
func Mask(kind string, table *Node, mark func(text string) string) *Node {
	m := masker{mark: mark}
	return m.table(table, func(key string) bool { return kind == "storages" && key == "value" })
}

// masker copies values without their secrets.
type masker struct {
	mark func(string) string
}

// table copies a table; also tells which of its keys hold secrets beside those
// that are always taken for some.
func (m masker) table(n *Node, also func(key string) bool) *Node {
	c := *n
	c.Fields = make([]Field, 0, len(n.Fields))
	c.index = nil
	for _, f := range n.Fields {
		f.Node = m.value(f.Node, isSecret(f.Key) || also(f.Key))
		c.set(f)
	}
	return &c
}

// value copies a value, all of which is a secret or only what looks like one.
func (m masker) value(n *Node, secret bool) *Node {
	c := *n
	switch n.Kind {
	case KindTable:
		return m.table(n, func(string) bool { return secret })
	case KindArray:
		c.Items = make([]*Node, len(n.Items))
		for i, item := range n.Items {
			c.Items[i] = m.value(item, secret)
		}
	case KindString:
		if n.Text != "" && (secret || n.hidden || shownText(n.Text) != n.Text) {
			c.Text = m.mark(n.Text)
		}
	}
	return &c
}
