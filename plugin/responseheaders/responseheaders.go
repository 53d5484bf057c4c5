// Package responseheaders is the plugin that adds, removes, sets and renames fields
// of responses.
package responseheaders

import (
	"fmt"
	"strings"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a response_headers plugin. The lists are worked off in
// the order in which they stand here.
type settings struct {
	// AddHeaders are fields that are added, each "Name: value"; those of the same
	// name stay. The value may hold variables: see docs/variables.md.
	AddHeaders []config.Header `config:"add_headers"`
	// RemoveHeaders are names of fields that are removed.
	RemoveHeaders []string `config:"remove_headers" example:"X-Powered-By"`
	// SetHeaders are fields that take the place of those of the same name.
	SetHeaders []config.Header `config:"set_headers"`
	// SetHeadersNotExists are fields that are set where there are none of the
	// same name.
	SetHeadersNotExists []config.Header `config:"set_headers_not_exists"`
	// RenameHeaders are fields that get another name, each "Old: New".
	RenameHeaders []config.Header `config:"rename_headers"`
	// Mode tells which responses are changed: response, all that go to the
	// client; upstream, those of the upstream, before a cache keeps them.
	Mode string `config:"mode" enum:"response,upstream" default:"response"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "response_headers",
		Steps:    []plugin.Step{plugin.Response, plugin.UpstreamResponse},
		New:      build,
	})
}

func build(table *config.Table, env *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	b := builder{table: table, env: env, problems: table.Decode(&s)}
	p := &headers{
		step:   plugin.Response,
		add:    b.fields("add_headers", s.AddHeaders),
		remove: b.names("remove_headers", s.RemoveHeaders),
		set:    b.fields("set_headers", s.SetHeaders),
		absent: b.fields("set_headers_not_exists", s.SetHeadersNotExists),
		rename: b.renames(s.RenameHeaders),
	}
	if s.Mode == "upstream" {
		p.step = plugin.UpstreamResponse
	}
	return p, b.problems
}

// builder compiles the lists and collects what is wrong with them.
type builder struct {
	table    *config.Table
	env      *plugin.Environment
	problems config.Problems
}

func (b *builder) wrong(key, message, hint string) {
	b.problems = append(b.problems, b.table.Problem(key, message, hint))
}

// field is a field with the value that it has for an exchange.
type field struct {
	name  string
	value func(x *message.Exchange) string
}

func (b *builder) fields(key string, list []config.Header) []field {
	var fields []field
	for _, h := range list {
		value, err := b.env.Value(h.Value)
		if err != nil {
			b.wrong(key, err.Error(), "")
			continue
		}
		fields = append(fields, field{h.Name, value})
	}
	return fields
}

func (b *builder) names(key string, list []string) []string {
	for _, name := range list {
		if !isName(name) {
			b.wrong(key, fmt.Sprintf("%q is no name of a header", name), `write the name alone, such as "X-Powered-By"`)
		}
	}
	return list
}

func (b *builder) renames(list []config.Header) []message.Field {
	var renames []message.Field
	for _, h := range list {
		if !isName(h.Value) {
			b.wrong("rename_headers", fmt.Sprintf("%q is no name of a header", h.Value), `write it as "Old: New"`)
			continue
		}
		renames = append(renames, message.Field{Name: h.Name, Value: h.Value})
	}
	return renames
}

// isName reports whether s can be the name of a field (RFC 9110 section 5.1).
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r > '~' || message.Class[r]&message.TokenByte == 0 })
}

type headers struct {
	step             plugin.Step
	add, set, absent []field
	remove           []string
	rename           []message.Field // the value is the new name
}

// Step is where the mode puts the plugin.
func (p *headers) Step() plugin.Step { return p.step }

// Wrap changes the fields of the answers of next.
func (p *headers) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if err := next.Serve(x); err != nil {
			return err
		}
		p.change(x)
		return nil
	})
}

// change changes the fields of the answer. One whose value is empty is left out, or
// taken away.
func (p *headers) change(x *message.Exchange) {
	h := &x.Response.Header
	add := func(f field) {
		if value := f.value(x); value != "" {
			h.Add(f.name, value)
		}
	}
	for _, f := range p.add {
		add(f)
	}
	for _, name := range p.remove {
		h.Del(name)
	}
	for _, f := range p.set {
		if value := f.value(x); value != "" {
			h.Set(f.name, value)
		} else {
			h.Del(f.name)
		}
	}
	for _, f := range p.absent {
		if !h.Has(f.name) {
			add(f)
		}
	}
	for _, r := range p.rename {
		renameAll(h, r.Name, r.Value)
	}
}

// renameAll gives every field of a name another one. Pingap moved the first and
// lost the others.
func renameAll(h *message.Header, from, to string) {
	fields := h.Fields()
	for i := range fields {
		if message.EqualFold(fields[i].Name, from) {
			fields[i].Name = to
		}
	}
}
