package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"pingap/config"
)

// object is a JSON object. Keys come out sorted, so the text is always the
// same.
type object = map[string]any

const (
	// references are what may stand for any text.
	references  = `\$(ENV|SECRET):`
	sizePattern = `^\s*(\d+\.?\d*|\.\d+)\s*([bB]|[kKmMgGtTpP][iI]?[bB]?)?\s*$|` + references
	// namePattern is what names of sections hold.
	namePattern = `^[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*$`
)

// durationPattern is made of the units that there are.
var durationPattern = `^\s*(0|(\d+ *(` + strings.Join(config.DurationUnits(), "|") + `) *)+)\s*$|` + references

// jsonSchema returns the schema of a whole configuration.
func (r *reference) jsonSchema() ([]byte, error) {
	properties := object{}
	for _, s := range r.sections {
		one := tableOf(s.keys)
		if s.kind == "plugins" {
			one = r.pluginSchema()
		}
		for key, text := range config.FormerKeys(s.kind) {
			one["properties"].(object)[key] = object{"description": sentence(text), "deprecated": true}
		}
		one["description"] = s.doc
		if s.named {
			one = object{"type": "object", "description": s.doc, "propertyNames": object{"pattern": namePattern}, "additionalProperties": one}
		}
		properties[s.kind] = one
	}
	text, err := json.MarshalIndent(object{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "Configuration of Pingap",
		"type":                 "object",
		"properties":           properties,
		"additionalProperties": false,
	}, "", "  ")
	return append(text, '\n'), err
}

// orIncluded is the schema of a table that has the required keys, or takes keys
// in from elsewhere, which may be these.
func orIncluded(required []string) []object {
	return []object{{"required": required}, {"required": []string{"includes"}}}
}

// pluginSchema is the schema of one plugin: which keys there are depends on its
// category. One without a category takes it in from elsewhere.
func (r *reference) pluginSchema() object {
	var categories []string
	var cases []object
	for _, p := range r.plugins {
		categories = append(categories, p.category)
		cases = append(cases, object{
			"if":   object{"required": []string{"category"}, "properties": object{"category": object{"const": p.category}}},
			"then": tableOf(append(append([]key(nil), r.every...), p.keys...)),
		})
	}
	return object{
		"type":       "object",
		"anyOf":      orIncluded([]string{"category"}),
		"properties": object{"category": object{"enum": categories}},
		"allOf":      cases,
	}
}

// tableOf is the schema of a table with these keys.
func tableOf(keys []key) object {
	properties := object{}
	var required []string
	for _, k := range keys {
		properties[k.name] = k.schema()
		if k.tag.Get("required") != "" {
			required = append(required, k.name)
		}
	}
	t := object{"type": "object", "properties": properties, "additionalProperties": false}
	switch _, includes := properties["includes"]; {
	case len(required) == 0:
	case includes:
		t["anyOf"] = orIncluded(required)
	default:
		t["required"] = required
	}
	return t
}

// schema is that of one key.
func (k *key) schema() object {
	s := k.valueSchema()
	if k.shape.list {
		s = object{"type": "array", "items": s}
		if k.tag.Get("required") != "" {
			s["minItems"] = 1
		}
	}
	s["description"] = k.description()
	if text, ok := k.tag.Lookup("default"); ok {
		s["default"] = k.literal(text)
	}
	if text, ok := k.tag.Lookup("example"); ok {
		s["examples"] = []any{k.literal(text)}
	}
	return s
}

// valueSchema is that of a value, or of one element of a list.
func (k *key) valueSchema() object {
	switch k.shape.kind {
	case boolean:
		return object{"type": []string{"boolean", "string"}, "pattern": references}
	case integer:
		s := object{"type": []string{"integer", "string"}, "pattern": references}
		for tag, word := range map[string]string{"min": "minimum", "max": "maximum"} {
			if bound, err := strconv.ParseInt(k.tag.Get(tag), 10, 64); err == nil {
				s[word] = bound
			}
		}
		return s
	case duration:
		return object{"type": "string", "pattern": durationPattern}
	case size:
		return object{"type": []string{"string", "integer"}, "pattern": sizePattern, "minimum": 0}
	case regular:
		return object{"type": "string", "format": "regex"}
	case table:
		return tableOf(k.nested)
	}
	if words := k.words(); len(words) > 0 {
		if k.tag.Get("required") == "" && !slices.Contains(words, "") {
			words = append(words, "") // as if the key were absent
		}
		return object{"anyOf": []object{{"enum": words}, {"type": "string", "pattern": wordPattern(words)}}}
	}
	return object{"type": "string"}
}

// wordPattern matches the words in upper and lower case, and references.
func wordPattern(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte('|')
		}
		for _, c := range word {
			if upper := strings.ToUpper(string(c)); upper != string(c) {
				b.WriteString("[" + string(c) + upper + "]")
			} else {
				b.WriteString(strings.ReplaceAll(string(c), ".", `\.`))
			}
		}
	}
	return "^(" + b.String() + ")$|" + references
}

// words are the values that are allowed; none for any.
func (k *key) words() []string {
	if k.tag.Get("enum") == "" {
		return nil
	}
	return strings.Split(k.tag.Get("enum"), ",")
}

// literal is a value as it is written in a tag.
func (k *key) literal(text string) any {
	var value any = text
	switch k.shape.kind {
	case boolean:
		value = text == "true"
	case integer:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			value = n
		}
	}
	if k.shape.list {
		return []any{value}
	}
	return value
}
