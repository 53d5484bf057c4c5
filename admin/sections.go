package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"pingap/config"
	"pingap/config/hcl"
	"pingap/config/kdl"
	"pingap/config/store"
)

// snapshot reads what is stored. A configuration that is wrong can be read all
// the same: it is then that it has to be.
func (a *Admin) snapshot(r *http.Request) (*store.Snapshot, error) {
	if a.process.Store == nil {
		return nil, &failure{status: http.StatusConflict, message: "the built-in configuration cannot be looked at or changed: start pingap with -c and a file, a directory or etcd"}
	}
	return a.process.Store.Read(r.Context())
}

// document returns the stored tree with masks for secrets.
func (a *Admin) document(r *http.Request) (*config.Document, error) {
	snapshot, err := a.snapshot(r)
	if err != nil {
		return nil, err
	}
	d := snapshot.Document()
	if wrong := d.Problems().Errors(); len(wrong) > 0 {
		return nil, &failure{status: http.StatusUnprocessableEntity, message: "the stored configuration cannot be read to its end", problems: wrong}
	}
	return d, nil
}

// kinds yields the tables of the sections, masked, by kind and name; the name of
// basic is "".
func (a *Admin) kinds(d *config.Document, each func(kind, name string, table *config.Node)) {
	for _, kind := range d.Root().Fields {
		if kind.Node.Kind != config.KindTable {
			continue
		}
		if kind.Key == basic {
			each(basic, "", a.masks.hide(basic, kind.Node))
			continue
		}
		for _, section := range kind.Node.Fields {
			if section.Node.Kind == config.KindTable {
				each(kind.Key, section.Key, a.masks.hide(kind.Key, section.Node))
			}
		}
	}
}

// basic is the kind of the section that has no name.
const basic = "basic"

// sections answers with the whole configuration: kinds, names, keys.
func (a *Admin) sections(_ http.ResponseWriter, r *http.Request) (any, error) {
	d, err := a.document(r)
	if err != nil {
		return nil, err
	}
	all := map[string]any{}
	for _, kind := range store.Categories {
		all[kind] = map[string]any{}
	}
	a.kinds(d, func(kind, name string, table *config.Node) {
		if kind == basic {
			all[basic] = toJSON(table)
		} else if names, ok := all[kind].(map[string]any); ok {
			names[name] = toJSON(table)
		}
	})
	return all, nil
}

// sectionsOf answers with the sections of a kind.
func (a *Admin) sectionsOf(w http.ResponseWriter, r *http.Request) (any, error) {
	kind, err := kindOf(r)
	if err != nil {
		return nil, err
	}
	all, err := a.sections(w, r)
	if err != nil {
		return nil, err
	}
	return all.(map[string]any)[kind], nil
}

// kindOf reads the kind of a section from a path; "server" is "servers".
func kindOf(r *http.Request) (string, error) {
	word := r.PathValue("category")
	kind := config.KindOf(word)
	if kind == "" {
		return "", &failure{status: http.StatusNotFound, message: fmt.Sprintf("%q is no kind of section; there are %s", word, strings.Join(store.Categories, ", "))}
	}
	return kind, nil
}

// target reads which section a path names. Any name stands for basic.
func target(r *http.Request) (kind, name string, err error) {
	if kind, err = kindOf(r); err != nil || kind == basic {
		return kind, "", err
	}
	name = r.PathValue("name")
	if err := config.ValidName(name); err != nil {
		return "", "", badRequest("a section cannot be called so: " + err.Error())
	}
	return kind, name, nil
}

// table returns the stored table of a section, nil when there is none or it
// cannot be read.
func table(snapshot *store.Snapshot, kind, name string) *config.Node {
	f, ok := snapshot.Document().Root().Field(kind)
	if ok && kind != basic {
		f, ok = f.Node.Field(name)
	}
	if !ok || f.Node.Kind != config.KindTable {
		return nil
	}
	return f.Node
}

// section answers with one section, as JSON or, where the client prefers that,
// as TOML. The entity tag is what an If-Match of a later change names.
func (a *Admin) section(w http.ResponseWriter, r *http.Request) (any, error) {
	kind, name, err := target(r)
	if err != nil {
		return nil, err
	}
	snapshot, err := a.snapshot(r)
	if err != nil {
		return nil, err
	}
	item, there := snapshot.Item(kind, name)
	n := table(snapshot, kind, name)
	if !there || n == nil {
		return nil, &failure{status: http.StatusNotFound, message: fmt.Sprintf("there is no section [%s]", strings.TrimSuffix(kind+"."+name, "."))}
	}
	masked := a.masks.hide(kind, n)
	w.Header().Set("ETag", strconv.Quote(item.Revision))
	if isTOML(r.Header.Get("Accept")) {
		w.Header().Set("Content-Type", "application/toml; charset=utf-8")
		fmt.Fprint(w, store.Render(kind, name, masked))
		return nil, nil
	}
	return toJSON(masked), nil
}

// texts answers with the configuration as text, in each format there is.
func (a *Admin) texts(_ http.ResponseWriter, r *http.Request) (any, error) {
	d, err := a.document(r)
	if err != nil {
		return nil, err
	}
	var parts []string
	a.kinds(d, func(kind, name string, table *config.Node) {
		parts = append(parts, store.Render(kind, name, table))
	})
	original := strings.Join(parts, "\n")
	var masked config.Document
	masked.AddTOML("", []byte(original))
	asHCL, err := hcl.Write(&masked)
	if err != nil {
		return nil, err
	}
	asKDL, err := kdl.Write(&masked)
	if err != nil {
		return nil, err
	}
	return map[string]string{"original": original, "hcl": string(asHCL), "kdl": string(asKDL)}, nil
}

// precondition reads which revision of a section a change begins with.
func precondition(r *http.Request) string {
	if slices.Contains(r.Header.Values("If-None-Match"), "*") {
		return ""
	}
	tag := strings.TrimSpace(r.Header.Get("If-Match"))
	if tag == "" {
		return store.Any
	}
	return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
}
