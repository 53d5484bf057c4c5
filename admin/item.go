package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"

	"pingap/config"
)

// maxDepth bounds how deeply values of JSON may be nested; a configuration needs
// three levels.
const maxDepth = 16

// toJSON returns a value of a configuration as encoding/json takes it.
func toJSON(n *config.Node) any {
	switch n.Kind {
	case config.KindTable:
		fields := make(map[string]any, len(n.Fields))
		for _, f := range n.Fields {
			fields[f.Key] = toJSON(f.Node)
		}
		return fields
	case config.KindArray:
		items := make([]any, len(n.Items))
		for i, item := range n.Items {
			items[i] = toJSON(item)
		}
		return items
	case config.KindInteger:
		return n.Integer
	case config.KindFloat:
		return json.Number(n.Text)
	case config.KindBool:
		return n.Bool
	}
	return n.Text
}

// fromJSON reads the table of a section. Keys keep their order; null stands for
// a key that is not there.
func fromJSON(r io.Reader) (*config.Node, error) {
	d := json.NewDecoder(r)
	d.UseNumber()
	n, err := nextNode(d, 0)
	if err != nil {
		return nil, err
	}
	if n == nil || n.Kind != config.KindTable {
		return nil, fmt.Errorf("a section is an object, such as {\"path\": \"/\"}")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the object")
	}
	return n, nil
}

// nextNode reads one value; it returns nil for null.
func nextNode(d *json.Decoder, depth int) (*config.Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("values are nested more than %d levels deep", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch value := token.(type) {
	case json.Delim:
		if value == '{' {
			return nextTable(d, depth)
		}
		return nextList(d, depth)
	case string:
		return &config.Node{Kind: config.KindString, Text: value}, nil
	case bool:
		return &config.Node{Kind: config.KindBool, Bool: value}, nil
	case json.Number:
		return number(value), nil
	}
	return nil, nil
}

func number(value json.Number) *config.Node {
	if i, err := value.Int64(); err == nil {
		return &config.Node{Kind: config.KindInteger, Integer: i, Text: value.String()}
	}
	if f, err := value.Float64(); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return &config.Node{Kind: config.KindInteger, Integer: int64(f)} // 1e3 is a number of JSON too
	}
	return &config.Node{Kind: config.KindFloat, Text: value.String()}
}

func nextTable(d *json.Decoder, depth int) (*config.Node, error) {
	table := &config.Node{Kind: config.KindTable}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		n, err := nextNode(d, depth+1)
		if err != nil {
			return nil, err
		}
		if n != nil && !table.Set(config.Field{Key: key.(string), Node: n}) {
			return nil, fmt.Errorf("the key %q is written twice", key)
		}
	}
	_, err := d.Token()
	return table, err
}

func nextList(d *json.Decoder, depth int) (*config.Node, error) {
	list := &config.Node{Kind: config.KindArray}
	for d.More() {
		n, err := nextNode(d, depth+1)
		if err != nil {
			return nil, err
		}
		if n == nil {
			return nil, fmt.Errorf("null stands in a list")
		}
		list.Items = append(list.Items, n)
	}
	_, err := d.Token()
	return list, err
}

// isTOML reports whether a body is the text of a section instead of JSON.
func isTOML(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/toml", "text/plain", "text/x-toml":
		return true
	}
	return false
}
