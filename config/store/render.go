package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pingap/config"
)

// render returns the items of a text as TOML, whatever it is written in: for
// formats that have no headers to divide it at, and for TOML that has not used
// them. Comments are lost.
func (s *Snapshot) render(t text) ([]piece, error) {
	var d config.Document
	formatOf(t.key).add(&d, s.title(t.key), []byte(t.data))
	if wrong := d.Problems().Errors(); len(wrong) > 0 {
		return nil, wrong[:1]
	}
	var pieces []piece
	for _, kind := range d.Root().Fields {
		switch {
		case kind.Node.Kind != config.KindTable:
			return nil, fmt.Errorf("%s: %s is no section", kind.Position, kind.Key)
		case kind.Key == basic:
			pieces = append(pieces, piece{id: id{category: basic}, text: Render(basic, "", kind.Node)})
			continue
		}
		for _, section := range kind.Node.Fields {
			if section.Node.Kind != config.KindTable {
				return nil, fmt.Errorf("%s: %s.%s is no section", section.Position, kind.Key, section.Key)
			}
			pieces = append(pieces, piece{id: id{kind.Key, section.Key}, text: Render(kind.Key, section.Key, section.Node)})
		}
	}
	return pieces, nil
}

// Render returns a section as an Item has it: its header, and a line for each
// key of its table. name is "" for basic.
func Render(category, name string, table *config.Node) string {
	header := "[" + category + "]\n"
	if category != basic {
		header = "[" + category + "." + renderKey(name) + "]\n"
	}
	return header + renderTable(table)
}

// renderTable returns the lines below a header.
func renderTable(n *config.Node) string {
	var b strings.Builder
	for _, f := range n.Fields {
		b.WriteString(renderKey(f.Key) + " = " + renderValue(f.Node) + "\n")
	}
	return b.String()
}

func renderValue(n *config.Node) string {
	var parts []string
	switch n.Kind {
	case config.KindString:
		return renderText(n.Text)
	case config.KindInteger:
		return strconv.FormatInt(n.Integer, 10)
	case config.KindBool:
		return strconv.FormatBool(n.Bool)
	case config.KindArray:
		for _, item := range n.Items {
			parts = append(parts, renderValue(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case config.KindTable:
		for _, f := range n.Fields {
			parts = append(parts, renderKey(f.Key)+" = "+renderValue(f.Node))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return n.Text
}

// renderKey puts a key in quotes if it needs them.
func renderKey(key string) string {
	bare := func(r rune) bool {
		return r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if key != "" && !slices.ContainsFunc([]rune(key), func(r rune) bool { return !bare(r) }) {
		return key
	}
	return quoteText(key)
}

// renderText keeps the lines of texts such as certificates.
func renderText(text string) string {
	control := func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }
	if strings.Contains(text, "\n") && !strings.Contains(text, "''") && !strings.HasSuffix(text, "'") && !strings.ContainsFunc(text, control) {
		return "'''\n" + text + "'''"
	}
	return quoteText(text)
}

// quoteText writes a basic string of TOML.
func quoteText(text string) string {
	return config.Quote(text,
		func(r rune) bool { return r >= ' ' && r != 0x7f },
		func(r rune) string { return fmt.Sprintf(`\u%04X`, r) })
}
