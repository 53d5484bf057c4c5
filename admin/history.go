package admin

import (
	"encoding/json"
	"net/http"
	"time"

	"pingap/config/store"
)

// version is a store.Version in an answer.
type version struct {
	ID        string    `json:"id"`
	CreatedAt int64     `json:"created_at"` // seconds since 1970
	Time      time.Time `json:"time"`
	Author    string    `json:"author"`
	Deleted   bool      `json:"deleted,omitempty"`
	Data      any       `json:"data,omitempty"`  // the section, as GET of it answers
	Lines     []string  `json:"lines,omitempty"` // what it changed of the version before
}

// history answers with the earlier versions of a section, the newest first.
func (a *Admin) history(_ http.ResponseWriter, r *http.Request) (any, error) {
	kind, name, err := target(r)
	if err != nil {
		return nil, err
	}
	if _, err := a.snapshot(r); err != nil {
		return nil, err
	}
	versions, err := a.process.Store.History(r.Context(), kind, name)
	if err != nil {
		return nil, err
	}
	list := make([]version, len(versions))
	for i, v := range versions {
		before := ""
		if i+1 < len(versions) {
			before = versions[i+1].Text
		}
		list[i] = version{ID: v.ID, CreatedAt: v.Time.Unix(), Time: v.Time, Author: v.Author, Deleted: v.Text == "", Lines: store.Diff(before, v.Text)}
		if n := table(snapshotOf(v.Text), kind, name); n != nil {
			list[i].Data = toJSON(a.masks.hide(kind, n))
		}
	}
	return map[string]any{"history": list}, nil
}

// restore saves an earlier version of a section again, which the body names as
// {"id": "..."}.
func (a *Admin) restore(_ http.ResponseWriter, r *http.Request) (any, error) {
	kind, name, err := target(r)
	if err != nil {
		return nil, err
	}
	var wanted struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		return nil, bodyError(`the body is not {"id": "..."}, with the id of a version`, err)
	}
	return a.change(r, func(*store.Snapshot) ([]store.Edit, error) {
		v, err := a.process.Store.Version(r.Context(), kind, name, wanted.ID)
		return []store.Edit{v.Restore(precondition(r))}, err
	})
}
