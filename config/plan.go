package config

import (
	"reflect"
	"strconv"
)

// plan is what the tags of a struct say, read once for all the tables that it
// is for.
type plan struct {
	keys      []string
	required  []string
	index     map[string]int      // of fields, by key
	tags      []reflect.StructTag // by index
	defaulted []int               // fields with a default
	defaults  reflect.Value       // a struct with all defaults in place
}

// planOf returns the plan of a struct.
func (r *report) planOf(t reflect.Type) *plan {
	if p, ok := r.plans[t]; ok {
		return p
	}
	p := &plan{index: make(map[string]int), tags: make([]reflect.StructTag, t.NumField()), defaults: reflect.New(t).Elem()}
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		key := tag.Get("config")
		if key == "" {
			continue
		}
		p.keys = append(p.keys, key)
		p.index[key], p.tags[i] = i, tag
		if tag.Get("required") != "" {
			p.required = append(p.required, key)
		}
		if text, ok := tag.Lookup("default"); ok {
			p.defaulted = append(p.defaulted, i)
			d := decoder{found: r, section: t.Name()}
			d.fallback(key, text, p.defaults.Field(i), tag)
		}
	}
	if r.plans == nil {
		r.plans = make(map[reflect.Type]*plan)
	}
	r.plans[t] = p
	return p
}

// fallback sets a field to its default.
func (d *decoder) fallback(key, text string, target reflect.Value, tag reflect.StructTag) {
	n := &Node{Kind: KindString, Text: text}
	switch target.Kind() {
	case reflect.Bool:
		n = &Node{Kind: KindBool, Bool: text == "true"}
	case reflect.Int, reflect.Int64:
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			n = &Node{Kind: KindInteger, Integer: v}
		}
	}
	d.value(Field{Key: key, Node: n}, target, tag)
}

// keysOf returns the keys of the struct that target points to.
func keysOf(target any) []string {
	var keys []string
	t := reflect.TypeOf(target).Elem()
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("config"); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
