// Package hcl reads and writes configurations in HCL, as Pingap has it:
//
//	server "web" {
//	  addr = "0.0.0.0:80"
//	  location "all" {
//	    upstream "app" {
//	      addrs = ["127.0.0.1:5000"]
//	    }
//	  }
//	}
//
// It makes the tree of config.Document, so that everything else is the same as
// for TOML. There are no variables and no functions. A text with "${name}" in
// it is written "$${name}".
package hcl

import (
	"bytes"
	"fmt"
	"strings"

	hcl "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"pingap/config"
)

// Add adds the sections of an HCL text. file is its name in problems.
func Add(d *config.Document, file string, text []byte) {
	r := &reader{file: file, text: text}
	if problem, ok := r.readable(); !ok {
		d.AddBlocks(file, nil, config.Problems{problem}, true)
		return
	}
	parsed, diagnostics := hclsyntax.ParseConfig(text, file, hcl.InitialPos)
	for _, diagnostic := range diagnostics[:min(len(diagnostics), maxDiagnostics)] {
		r.diagnose(diagnostic)
	}
	var blocks []*config.Block
	r.broken = diagnostics.HasErrors()
	if body, ok := parsed.Body.(*hclsyntax.Body); ok {
		blocks = r.sections(body)
	}
	d.AddBlocks(file, blocks, r.problems, r.broken)
}

type reader struct {
	file     string
	text     []byte
	problems config.Problems
	section  string
	broken   bool // what is no HCL has been reported
}

// place converts a place of the parser, whose columns count characters.
func (r *reader) place(p hcl.Pos) config.Position {
	before := r.text[:min(p.Byte, len(r.text))]
	return config.Position{File: r.file, Line: p.Line, Column: len(before) - bytes.LastIndexByte(before, '\n')}
}

func (r *reader) problem(at hcl.Pos, key, message, hint string) {
	r.problems = append(r.problems, config.Problem{Position: r.place(at), Section: r.section, Key: key, Message: message, Hint: hint})
}

// diagnose takes over a problem that the parser has found.
func (r *reader) diagnose(d *hcl.Diagnostic) {
	p := config.Problem{Position: config.Position{File: r.file, Line: 1, Column: 1}, Message: "not HCL: " + lowerFirst(d.Summary), Hint: oneLine(d.Detail)}
	if d.Subject != nil {
		p.Position = r.place(d.Subject.Start)
	}
	r.problems = append(r.problems, p)
}

// oneLine makes one of a text.
func oneLine(text string) string {
	return strings.TrimSuffix(lowerFirst(strings.Join(strings.Fields(text), " ")), ".")
}

func lowerFirst(text string) string {
	if text == "" || len(text) > 1 && text[1] >= 'A' && text[1] <= 'Z' {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// sections reads the blocks of a whole text.
func (r *reader) sections(body *hclsyntax.Body) (blocks []*config.Block) {
	for _, a := range inOrder(body.Attributes) {
		r.problem(a.NameRange.Start, "", fmt.Sprintf("the key %q stands outside of any section", a.Name), `keys stand in a block such as basic { }`)
	}
	for _, b := range body.Blocks {
		blocks = append(blocks, r.block(b))
	}
	return blocks
}

// block reads a section.
func (r *reader) block(b *hclsyntax.Block) *config.Block {
	outer := r.section
	defer func() { r.section = outer }()
	block := &config.Block{Kind: b.Type, Position: r.place(b.TypeRange.Start)}
	if len(b.Labels) > 0 {
		block.Name = cty.NormalizeString(b.Labels[0]) // as the parser does with the texts that refer to it
	}
	kind := config.KindOf(b.Type)
	r.section = strings.TrimSuffix(kind+"."+block.Name, ".")
	if len(b.Labels) > 1 {
		r.problem(b.LabelRanges[1].Start, "", "has more than one name", fmt.Sprintf("write %s %q", b.Type, block.Name))
	}
	block.Fields = r.attributes(b.Body)
	if kind == "plugins" {
		block.Fields = append(block.Fields, r.tables(b.Body)...)
		return block
	}
	for _, nested := range b.Body.Blocks {
		block.Blocks = append(block.Blocks, r.block(nested))
	}
	return block
}

// tables reads the blocks within a plugin, which are tables among its settings.
// Blocks of the same name make a list of tables.
func (r *reader) tables(body *hclsyntax.Body) []config.Field {
	all := &config.Node{Kind: config.KindTable}
	for _, b := range body.Blocks {
		at := r.place(b.TypeRange.Start)
		if len(b.Labels) > 0 {
			r.problem(b.LabelRanges[0].Start, b.Type, "has a name", fmt.Sprintf("a table is written %s { }", b.Type))
		}
		table := &config.Node{Kind: config.KindTable, Position: at}
		for _, f := range append(r.attributes(b.Body), r.tables(b.Body)...) {
			table.Set(f)
		}
		if first, ok := all.Field(b.Type); !ok {
			table.Single = true
			all.Set(config.Field{Key: b.Type, Position: at, Node: table})
		} else if first.Node.Kind == config.KindArray {
			first.Node.Items = append(first.Node.Items, table)
		} else {
			one := *first.Node
			*first.Node = config.Node{Kind: config.KindArray, Position: one.Position, Items: []*config.Node{&one, table}}
		}
	}
	return all.Fields
}
