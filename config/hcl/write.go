package hcl

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"pingap/config"
)

// Write writes the sections of a document as HCL, each as a block of its own.
// The document must have been read without problems.
func Write(d *config.Document) ([]byte, error) {
	w := &writer{}
	for _, kind := range d.Root().Fields {
		word := strings.TrimSuffix(kind.Key, "s")
		if kind.Key == "basic" {
			w.block("basic", kind.Node)
			continue
		}
		for _, section := range kind.Node.Fields {
			w.block(word+" "+quote(section.Key), section.Node)
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

func (w *writer) block(header string, n *config.Node) {
	if w.Len() > 0 {
		w.WriteByte('\n')
	}
	w.WriteString(header + " {\n")
	for _, f := range n.Fields {
		if !hclsyntax.ValidIdentifier(f.Key) {
			w.fail(f.Node, "the key %q cannot be written in HCL", f.Key)
		}
		w.WriteString("  " + f.Key + " = ")
		w.value(f.Node, "  ")
		w.WriteByte('\n')
	}
	w.WriteString("}\n")
}

// value writes a value; indent is that of the line it begins on.
func (w *writer) value(n *config.Node, indent string) {
	switch n.Kind {
	case config.KindString:
		w.text(n.Text)
	case config.KindInteger:
		fmt.Fprint(w, n.Integer)
	case config.KindBool:
		fmt.Fprint(w, n.Bool)
	case config.KindFloat:
		if !n.Decimal() {
			w.fail(n, "the number %s cannot be written in HCL", n.Text)
		}
		w.WriteString(n.Text)
	case config.KindArray:
		w.list(n, indent)
	case config.KindTable:
		w.WriteString("{\n")
		for _, f := range n.Fields {
			w.WriteString(indent + "  ")
			if hclsyntax.ValidIdentifier(f.Key) {
				w.WriteString(f.Key)
			} else {
				w.WriteString(quote(f.Key))
			}
			w.WriteString(" = ")
			w.value(f.Node, indent+"  ")
			w.WriteByte('\n')
		}
		w.WriteString(indent + "}")
	default:
		w.fail(n, "%s cannot be written in HCL", n.Kind)
	}
}

// list writes a list: in one line if it is short.
func (w *writer) list(n *config.Node, indent string) {
	const longest = 72
	start := w.Len()
	w.WriteByte('[')
	for i, item := range n.Items {
		if i > 0 {
			w.WriteString(", ")
		}
		w.value(item, indent+"  ")
	}
	w.WriteByte(']')
	if line := w.Bytes()[start:]; len(line) <= longest && !bytes.ContainsRune(line, '\n') {
		return
	}
	w.Truncate(start)
	w.WriteString("[\n")
	for _, item := range n.Items {
		w.WriteString(indent + "  ")
		w.value(item, indent+"  ")
		w.WriteString(",\n")
	}
	w.WriteString(indent + "]")
}

// text writes a text: in quotes, or line by line if it has several.
func (w *writer) text(s string) {
	if !strings.HasSuffix(s, "\n") || strings.Count(s, "\n") < 2 || !isPlain(s) {
		w.WriteString(quote(s))
		return
	}
	end := "EOT"
	for strings.Contains(s, end) {
		end += "_"
	}
	w.WriteString("<<" + end + "\n" + escapeTemplate(s) + end)
}

// isPlain reports whether a text can be written without escapes.
func isPlain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
}

func escapeTemplate(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s)
}

// quote writes a text in quotes.
func quote(s string) string {
	return config.Quote(escapeTemplate(s), unicode.IsPrint, func(r rune) string {
		if r <= 0xffff {
			return fmt.Sprintf(`\u%04x`, r)
		}
		return fmt.Sprintf(`\U%08x`, r)
	})
}
