package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// reference is what stands for a value from elsewhere.
var reference = regexp.MustCompile(`\$(ENV|SECRET):([\pL\pN_][\pL\pN_-]*)?`)

// substituteSections replaces the references in the sections of a kind.
func (e *expansion) substituteSections(kind Field) {
	if kind.Node.Kind != KindTable {
		return
	}
	for _, f := range kind.Node.Fields {
		switch {
		case kind.Key == "basic":
			e.substitute(kind.Key, f)
		case f.Node.Kind == KindTable:
			for _, key := range f.Node.Fields {
				e.substitute(kind.Key+"."+f.Key, key)
			}
		}
	}
}

// substitute replaces the references in a value: $ENV:NAME by that variable of
// the environment, $SECRET:name by the value of that storage. The value is
// hidden from then on.
func (e *expansion) substitute(section string, f Field) {
	switch n := f.Node; n.Kind {
	case KindArray:
		for _, item := range n.Items {
			e.substitute(section, Field{f.Key, item.Position, item})
		}
	case KindTable:
		for _, nested := range n.Fields {
			e.substitute(section, Field{f.Key + "." + nested.Key, nested.Position, nested.Node})
		}
	case KindString:
		if f.Key == "remark" || !strings.Contains(n.Text, "$") {
			return
		}
		n.Text = reference.ReplaceAllStringFunc(n.Text, func(found string) string {
			parts := reference.FindStringSubmatch(found)
			n.hidden = true
			value, message, hint := e.lookUp(parts[1], parts[2])
			if e.grown += len(value); e.grown > maxGrown {
				value, message, hint = "", fmt.Sprintf("references up to here stand for more than %d MiB", maxGrown>>20), ""
			}
			if message != "" {
				n.reported = true
				e.problem(n.Position, section, f.Key, message, hint)
			}
			return value
		})
	}
}

// lookUp returns what a reference stands for, or why it stands for nothing.
func (e *expansion) lookUp(kind, name string) (value, message, hint string) {
	switch s, ok := e.storages[name]; {
	case name == "":
		return "", fmt.Sprintf("$%s: is followed by no name", kind), fmt.Sprintf("write $%s:NAME", kind)
	case kind == "ENV":
		if value, ok = os.LookupEnv(name); !ok {
			message = fmt.Sprintf("the environment variable %s is not set", name)
		}
		return value, message, ""
	case !ok:
		message, hint = e.secrets().missing(name)
		return "", message, hint
	case s.category == "config":
		return "", fmt.Sprintf("the storage %q is no secret", name), `those that are referred to have category = "secret"`
	default:
		if s.value.Node == nil {
			return "", fmt.Sprintf("the storage %q has no value", name), ""
		}
		return s.text, "", ""
	}
}

// secrets are the names that $SECRET: may refer to.
func (e *expansion) secrets() *names {
	n := &names{kind: "storage", has: make(map[string]bool)}
	if f, ok := e.document.root.Field("storages"); ok {
		for _, s := range f.Node.Fields {
			if e.storages[s.Key] != nil && e.storages[s.Key].category != "config" {
				n.add(s.Key)
			}
		}
	}
	return n
}
