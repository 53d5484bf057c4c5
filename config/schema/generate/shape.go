package main

import (
	"fmt"
	"go/ast"
)

// shape is how a value is written.
type shape struct {
	kind kind
	list bool
	form string // of a text or integer, such as "Header"; names the type
}

type kind int

const (
	text kind = iota
	boolean
	integer
	duration
	size
	table
	regular // a regular expression
)

// shapeOf returns how values of a type are written, and the keys of a table.
func (s *source) shapeOf(t ast.Expr) (shape, []key, error) {
	switch t := t.(type) {
	case *ast.StarExpr:
		return s.shapeOf(t.X)
	case *ast.ArrayType:
		element, nested, err := s.shapeOf(t.Elt)
		element.list = true
		return element, nested, err
	case *ast.SelectorExpr:
		switch name := t.X.(*ast.Ident).Name + "." + t.Sel.Name; name {
		case "time.Duration":
			return shape{kind: duration}, nil, nil
		case "regexp.Regexp":
			return shape{kind: regular}, nil, nil
		}
		if s.config == nil {
			return shape{}, nil, fmt.Errorf("a type of package %s", t.X)
		}
		return s.config.named(t.Sel.Name)
	case *ast.Ident:
		switch t.Name {
		case "string":
			return shape{kind: text}, nil, nil
		case "bool":
			return shape{kind: boolean}, nil, nil
		case "int", "int64":
			return shape{kind: integer}, nil, nil
		}
		return s.named(t.Name)
	}
	return shape{}, nil, fmt.Errorf("a type that cannot be described: %T", t)
}

// named returns the shape of a type that the package declares.
func (s *source) named(name string) (shape, []key, error) {
	fromText, fromInteger := s.methods[name]["UnmarshalText"], s.methods[name]["UnmarshalInteger"]
	switch {
	case fromText && fromInteger:
		return shape{kind: size}, nil, nil
	case fromInteger:
		return shape{kind: integer, form: name}, nil, nil
	case fromText:
		return shape{kind: text, form: name}, nil, nil
	}
	if _, ok := s.types[name].(*ast.StructType); ok {
		nested, err := s.keys(name)
		return shape{kind: table}, nested, err
	}
	return s.shapeOf(s.types[name])
}
