package kdl

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"pingap/config"
)

// Write writes the sections of a document as KDL, each as a node of its own.
// The document must have been read without problems.
func Write(d *config.Document) ([]byte, error) {
	w := &writer{}
	for _, kind := range d.Root().Fields {
		if kind.Key == "basic" {
			w.section("basic", kind.Node, false)
			continue
		}
		word := strings.TrimSuffix(kind.Key, "s")
		for _, section := range kind.Node.Fields {
			w.section(word+" "+quote(section.Key), section.Node, word == "plugin")
		}
	}
	return w.Bytes(), w.err
}

type writer struct {
	bytes.Buffer
	err error
}

func (w *writer) fail(n *config.Node, format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("%s: %s", n.Position, fmt.Sprintf(format, args...))
	}
}

const step = "    "

// section writes a section. Only of plugins it is not known which keys are
// lists.
func (w *writer) section(header string, n *config.Node, plugin bool) {
	if w.Len() > 0 {
		w.WriteByte('\n')
	}
	w.WriteString(header + " {\n")
	for _, f := range n.Fields {
		if !plugin && f.Node.Kind == config.KindArray && len(f.Node.Items) == 1 && isScalar(f.Node.Items[0]) {
			f.Node = f.Node.Items[0]
		}
		w.key(f.Key, f.Node, step)
	}
	w.WriteString("}\n")
}

func isScalar(n *config.Node) bool { return n.Kind != config.KindTable && n.Kind != config.KindArray }

// key writes a key with its value on lines of its own.
func (w *writer) key(key string, n *config.Node, indent string) {
	switch {
	case n.Kind == config.KindTable:
		w.WriteString(indent + word(key) + " {\n")
		for _, f := range n.Fields {
			w.key(f.Key, f.Node, indent+step)
		}
		w.WriteString(indent + "}\n")
	case n.Kind != config.KindArray:
		w.WriteString(indent + word(key) + " ")
		w.scalar(n)
		w.WriteByte('\n')
	case len(n.Items) == 0:
		w.WriteString(indent + "(" + listType + ")" + word(key) + "\n")
	case len(n.Items) > 1 && allScalar(n.Items):
		w.WriteString(indent + word(key))
		for _, item := range n.Items {
			w.WriteByte(' ')
			w.scalar(item)
		}
		w.WriteByte('\n')
	default:
		w.WriteString(indent + word(key) + " {\n")
		for _, item := range n.Items {
			w.key("item", item, indent+step)
		}
		w.WriteString(indent + "}\n")
	}
}

func allScalar(items []*config.Node) bool {
	for _, item := range items {
		if !isScalar(item) {
			return false
		}
	}
	return true
}

func (w *writer) scalar(n *config.Node) {
	switch n.Kind {
	case config.KindString:
		w.WriteString(quote(n.Text))
	case config.KindInteger:
		fmt.Fprint(w, n.Integer)
	case config.KindBool:
		fmt.Fprintf(w, "#%t", n.Bool)
	case config.KindFloat:
		if !n.Decimal() {
			w.fail(n, "the number %s cannot be written in KDL", n.Text)
		}
		w.WriteString(n.Text)
	default:
		w.fail(n, "%s cannot be written in KDL", n.Kind)
	}
}

// word writes a name, without quotes if it needs none.
func word(name string) string {
	if isBareText(name) && strings.IndexFunc(name, func(r rune) bool { return !isIdentifier(r) }) < 0 {
		return name
	}
	return quote(name)
}

// quote writes a text in quotes.
func quote(s string) string {
	return config.Quote(s, unicode.IsPrint, func(r rune) string { return fmt.Sprintf(`\u{%x}`, r) })
}
