package hcl

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	hcl "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"pingap/config"
)

// inOrder returns attributes as they stand in the text.
func inOrder(attributes hclsyntax.Attributes) []*hclsyntax.Attribute {
	return slices.SortedFunc(maps.Values(attributes), func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.NameRange.Start.Byte, b.NameRange.Start.Byte)
	})
}

// attributes reads the keys of a block.
func (r *reader) attributes(body *hclsyntax.Body) (fields []config.Field) {
	for _, a := range inOrder(body.Attributes) {
		if n := r.value(a.Expr, a.Name); n != nil {
			fields = append(fields, config.Field{Key: a.Name, Position: r.place(a.NameRange.Start), Node: n})
		}
	}
	return fields
}

// value reads a value, or returns nil after a problem. Lists and tables are
// read element by element, for their places.
func (r *reader) value(e hclsyntax.Expression, key string) *config.Node {
	n := &config.Node{Position: r.place(e.Range().Start)}
	switch e := e.(type) {
	case *hclsyntax.TupleConsExpr:
		n.Kind = config.KindArray
		for _, element := range e.Exprs {
			if item := r.value(element, key); item != nil {
				n.Items = append(n.Items, item)
			}
		}
		return n
	case *hclsyntax.ObjectConsExpr:
		n.Kind = config.KindTable
		for _, item := range e.Items {
			r.item(n, item, key)
		}
		return n
	case *hclsyntax.ParenthesesExpr:
		return r.value(e.Expression, key)
	}
	v, diagnostics := e.Value(nil)
	if diagnostics.HasErrors() {
		r.problem(e.Range().Start, key, "is no plain value", wordsFor(diagnostics))
		return nil
	}
	switch {
	case r.broken && (v.IsNull() || !v.IsKnown()):
		return nil // what the parser makes of what it cannot read
	case v.IsNull() || !v.IsKnown():
		r.problem(e.Range().Start, key, "is null", "leave the key out")
		return nil
	case v.Type() == cty.String:
		n.Kind, n.Text = config.KindString, v.AsString()
		n.Lines = r.linesOf(e)
	case v.Type() == cty.Bool:
		n.Kind, n.Bool = config.KindBool, v.True()
	case v.Type() == cty.Number:
		number := v.AsBigFloat()
		n.Kind, n.Text = config.KindFloat, number.Text('g', -1)
		if whole, accuracy := number.Int64(); accuracy == 0 {
			n.Kind, n.Integer, n.Text = config.KindInteger, whole, fmt.Sprint(whole)
		}
	default:
		r.problem(e.Range().Start, key, "is no plain value", "")
		return nil
	}
	return n
}

// wordsFor says what is wrong with an expression. Names of things that HCL has
// elsewhere are the commonest mistake.
func wordsFor(diagnostics hcl.Diagnostics) string {
	for _, d := range diagnostics {
		if d.Summary == "Variables not allowed" {
			return `there are no variables: text stands in quotes, and "${" is written "$${"`
		}
		if d.Summary == "Function calls not allowed" {
			return "there are no functions"
		}
	}
	return oneLine(diagnostics[0].Detail)
}

// item reads one field of a table.
func (r *reader) item(table *config.Node, item hclsyntax.ObjectConsItem, key string) {
	name := hcl.ExprAsKeyword(item.KeyExpr)
	if name == "" {
		v, diagnostics := item.KeyExpr.Value(nil)
		if diagnostics.HasErrors() || v.IsNull() || v.Type() != cty.String {
			r.problem(item.KeyExpr.Range().Start, key, "has a name that is no text", "")
			return
		}
		name = v.AsString()
	}
	n := r.value(item.ValueExpr, key)
	if n == nil {
		return
	}
	at := item.KeyExpr.Range().Start
	if !table.Set(config.Field{Key: name, Position: r.place(at), Node: n}) {
		r.problem(at, key, fmt.Sprintf("the key %q is written a second time", name), "")
	}
}

// linesOf returns the line on which the text of a heredoc begins, or 0 for what
// is none.
func (r *reader) linesOf(e hclsyntax.Expression) int {
	start := e.Range().Start
	if start.Byte+1 < len(r.text) && string(r.text[start.Byte:start.Byte+2]) == "<<" {
		return start.Line + 1
	}
	return 0
}
