package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed introduction.txt
var introduction string

// markdown returns the reference page.
func (r *reference) markdown() []byte {
	var b bytes.Buffer
	b.WriteString(introduction)
	b.WriteString("\n## Sections\n\n")
	for _, s := range r.sections {
		fmt.Fprintf(&b, "- [`%s`](#%s): %s\n", s.header(), s.anchor(), s.doc)
	}
	for _, s := range r.sections {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", s.header(), s.doc)
		writeKeys(&b, "", s.keys)
	}
	b.WriteString("\nWhich other keys a plugin has depends on its category.\n")
	for _, p := range r.plugins {
		fmt.Fprintf(&b, "\n### Plugin %s\n\n%s\n\n", p.category, p.doc)
		if len(p.keys) > 0 {
			writeKeys(&b, "", p.keys)
		} else {
			b.WriteString("It has no keys of its own.\n")
		}
	}
	return b.Bytes()
}

// anchor is where a header is linked to.
func (s *section) anchor() string {
	return strings.Trim(strings.ReplaceAll(s.header(), ".", ""), "[]")
}

func writeKeys(b *bytes.Buffer, prefix string, keys []key) {
	if prefix == "" {
		b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
	}
	for _, k := range keys {
		fmt.Fprintf(b, "| `%s%s` | %s | %s | %s |\n", prefix, k.name, k.typeName(), k.defaultText(), linked(cell(k.description())))
		if k.shape.kind == table {
			inner := prefix + k.name + "."
			if k.shape.list {
				inner = prefix + k.name + "[]."
			}
			writeKeys(b, inner, k.nested)
		}
	}
}

// cell makes a text one of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// pageName is how comments name another page.
var pageName = regexp.MustCompile(`docs/([a-z-]+\.md)`)

// linked makes links of the pages that a text names.
func linked(text string) string { return pageName.ReplaceAllString(text, "[$1]($1)") }

// forms are the types whose texts have a form of their own.
var forms = map[string]string{
	"ListenAddrs": "list with commas", "Hosts": "list with commas", "Domains": "list with commas",
	"NameServers": "list with commas", "Statuses": "list with commas", "Header": "header", "FieldName": "name of a header", "PeerAddr": "address",
	"Network": "address or network", "Condition": "condition", "HealthCheck": "URL",
}

func (k *key) typeName() string {
	name := [...]string{
		text: "text", boolean: "bool", integer: "integer", duration: "duration", size: "size", table: "table",
		regular: "regular expression",
	}[k.shape.kind]
	if form, ok := forms[k.shape.form]; ok {
		name = form
	}
	if k.shape.list {
		name = "list of " + plural(name)
	}
	return name
}

// plural of a name, the way English has it here.
func plural(name string) string {
	switch name {
	case "text", "header", "table", "integer", "condition":
		return name + "s"
	case "address":
		return "addresses"
	case "address or network":
		return "addresses or networks"
	}
	return name
}

func (k *key) defaultText() string {
	written, ok := k.tag.Lookup("default")
	switch {
	case k.tag.Get("required") != "":
		return "required"
	case ok && (k.shape.kind == text || k.shape.kind == duration || k.shape.kind == size):
		return "`\"" + written + "\"`"
	case ok:
		return "`" + written + "`"
	case k.shape.kind == boolean:
		return "`false`"
	case k.shape.kind == integer && k.shape.form == "" && k.tag.Get("min") == "0":
		return "`0`"
	}
	return ""
}

// description is the comment, with what the tags say besides.
func (k *key) description() string {
	parts := []string{k.doc}
	var words []string
	for _, word := range k.words() {
		if word != "" {
			words = append(words, "`"+word+"`")
		}
	}
	if len(words) > 0 {
		parts = append(parts, "One of "+strings.Join(words, ", ")+".")
	}
	least, most := k.tag.Get("min"), k.tag.Get("max")
	switch {
	case least != "" && most != "":
		parts = append(parts, fmt.Sprintf("From %s to %s.", least, most))
	case least != "":
		parts = append(parts, fmt.Sprintf("At least %s.", least))
	case most != "":
		parts = append(parts, fmt.Sprintf("At most %s.", most))
	}
	if text := k.tag.Get("example"); text != "" {
		parts = append(parts, "Such as `"+text+"`.")
	}
	switch inert := k.tag.Get("inert"); inert {
	case "":
	case "true":
		parts = append(parts, "*No effect yet.*")
	default:
		parts = append(parts, "*No effect yet: "+strings.ReplaceAll(inert, ",", ", ")+".*")
	}
	return strings.Join(parts, " ")
}
