package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// value converts a value. The parser has no place for lists: they get that of
// the key they belong to.
func (p *tomlParser) value(v *unstable.Node, owner Position, depth int) *Node {
	n := &Node{Position: owner, origin: literal}
	if v.Raw.Length > 0 {
		n.Position = p.at(v)
	}
	if depth >= maxNesting {
		n.reported = true
		p.tooDeep(n.Position)
		return n
	}
	switch v.Kind {
	case unstable.String:
		n.Kind, n.Text = KindString, string(v.Data)
		n.Lines = p.linesOf(v, n)
	case unstable.Bool:
		n.Kind, n.Bool = KindBool, string(v.Data) == "true"
	case unstable.Integer:
		p.integer(n, string(v.Data))
	case unstable.Float:
		n.Kind, n.Text = KindFloat, string(v.Data)
	case unstable.Array:
		n.Kind = KindArray
		for it := v.Children(); it.Next(); {
			n.Items = append(n.Items, p.value(it.Node(), n.Position, depth+1))
		}
	case unstable.InlineTable:
		n.Kind = KindTable
		for it := v.Children(); it.Next(); {
			p.keyValue(n, it.Node(), depth+1)
		}
	default:
		n.Kind, n.Text = KindDate, string(v.Data)
	}
	return n
}

func (p *tomlParser) integer(n *Node, text string) {
	n.Kind, n.Text = KindInteger, text
	v, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 0, 64)
	if err != nil {
		n.reported = true
		p.problem(n.Position, fmt.Sprintf("%s is too large for an integer", text), "")
	}
	n.Integer = v
}

// linesOf returns the line on which the text of a string begins, or 0 if it is
// written in any other way than line by line.
func (p *tomlParser) linesOf(v *unstable.Node, n *Node) int {
	raw := string(p.parser.Raw(v.Raw))
	line := n.Position.Line
	if p.fragment != "" || len(raw) < 6 || raw[:3] != `"""` && raw[:3] != "'''" {
		return 0
	}
	raw = raw[3:]
	if rest := strings.TrimPrefix(strings.TrimPrefix(raw, "\r"), "\n"); len(rest) < len(raw) {
		raw, line = rest, line+1
	}
	if strings.Count(raw, "\n") != strings.Count(n.Text, "\n") {
		return 0
	}
	return line
}
