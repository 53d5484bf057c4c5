package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"pingap/config"
	"pingap/config/store"
)

// maxBody bounds a request's content, in bytes: a large configuration is a few
// mebibytes.
const maxBody = 16 << 20

// effect tells what a change of the configuration has brought about.
type effect struct {
	// InForce says that the process serves what is stored now.
	InForce  bool      `json:"in_force"`
	Changes  []changed `json:"changes"`
	Warnings []problem `json:"warnings,omitempty"`
	// Restart are the keys that take effect with the next process.
	Restart []string `json:"restart_needed,omitempty"`
	Took    string   `json:"took,omitempty"`
}

// changed is a config.Change in an answer.
type changed struct {
	Kind  string   `json:"kind"`
	Name  string   `json:"name,omitempty"`
	What  string   `json:"what"` // added, removed or changed
	Lines []string `json:"lines,omitempty"`
}

func changesOf(list []config.Change) []changed {
	all := make([]changed, 0, len(list))
	for _, c := range list {
		all = append(all, changed{c.Kind, c.Name, string(c.Difference), c.Lines})
	}
	return all
}

// save makes a section what the body says.
func (a *Admin) save(_ http.ResponseWriter, r *http.Request) (any, error) {
	kind, name, err := target(r)
	if err != nil {
		return nil, err
	}
	return a.change(r, func(snapshot *store.Snapshot) ([]store.Edit, error) {
		text, err := a.textOf(r, kind, name, table(snapshot, kind, name))
		return []store.Edit{{Category: kind, Name: name, Text: text, Base: precondition(r)}}, err
	})
}

// textOf reads the text of a section from a body, which is JSON or TOML. stored
// is what the section was.
func (a *Admin) textOf(r *http.Request, kind, name string, stored *config.Node) (string, error) {
	if !isTOML(r.Header.Get("Content-Type")) {
		n, err := fromJSON(r.Body)
		if err != nil {
			return "", bodyError("the body is no JSON of a section", err)
		}
		if err := a.masks.reveal(kind, n, stored); err != nil {
			return "", badRequest(err.Error())
		}
		return store.Render(kind, name, n), nil
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return "", bodyError("the body cannot be read", err)
	}
	if !strings.Contains(string(text), maskStart) {
		return string(text), nil
	}
	// Comments are lost together with the masks.
	n := table(snapshotOf(string(text)), kind, name)
	if n == nil {
		return string(text), nil
	}
	if err := a.masks.reveal(kind, n, stored); err != nil {
		return "", badRequest(err.Error())
	}
	return store.Render(kind, name, n), nil
}

// bodyError is what is wrong with a body. That it is too large stays what it is.
func bodyError(what string, err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return badRequest(what + ": " + err.Error())
}

// snapshotOf returns a configuration that is one text.
func snapshotOf(text string) *store.Snapshot {
	snapshot, _ := store.Memory("the body", text).Read(context.Background()) // memory can always be read
	return snapshot
}

// remove deletes a section.
func (a *Admin) remove(_ http.ResponseWriter, r *http.Request) (any, error) {
	kind, name, err := target(r)
	if err != nil {
		return nil, err
	}
	return a.change(r, func(*store.Snapshot) ([]store.Edit, error) {
		return []store.Edit{{Category: kind, Name: name, Base: precondition(r)}}, nil
	})
}

// importAll saves all sections of a text. With ?replace the others are deleted.
func (a *Admin) importAll(_ http.ResponseWriter, r *http.Request) (any, error) {
	return a.change(r, func(snapshot *store.Snapshot) ([]store.Edit, error) {
		return a.wholeText(r, snapshot)
	})
}

// wholeText returns the edits that a body of many sections makes.
func (a *Admin) wholeText(r *http.Request, snapshot *store.Snapshot) ([]store.Edit, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError("the body cannot be read", err)
	}
	if strings.Contains(string(text), maskStart) {
		return nil, badRequest("the text holds " + maskStart + "...), which stands for a secret: write the secret itself")
	}
	given := snapshotOf(string(text))
	if wrong := given.Document().Problems().Errors(); len(wrong) > 0 {
		return nil, &failure{status: http.StatusUnprocessableEntity, message: "the text is no TOML of a configuration; nothing was saved", problems: wrong}
	}
	items, err := given.Items()
	if err != nil {
		return nil, badRequest(err.Error())
	}
	var edits []store.Edit
	kept := map[[2]string]bool{}
	for _, item := range items {
		kept[[2]string{item.Category, item.Name}] = true
		edits = append(edits, store.Edit{Category: item.Category, Name: item.Name, Text: item.Text, Base: store.Any})
	}
	if len(edits) == 0 {
		return nil, badRequest("the text holds no section")
	}
	if !r.URL.Query().Has("replace") {
		return edits, nil
	}
	stored, _ := snapshot.Items() // what cannot be read cannot be deleted either
	for _, item := range stored {
		if !kept[[2]string{item.Category, item.Name}] {
			edits = append(edits, store.Edit{Category: item.Category, Name: item.Name, Base: store.Any})
		}
	}
	return edits, nil
}

// change makes edits of what is stored: examined first, then saved, then put
// into force. What is wrong as a whole is not saved.
func (a *Admin) change(r *http.Request, edit func(*store.Snapshot) ([]store.Edit, error)) (any, error) {
	select {
	case a.saving <- struct{}{}:
		defer func() { <-a.saving }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	snapshot, err := a.snapshot(r)
	if err != nil {
		return nil, err
	}
	edits, err := edit(snapshot)
	if err != nil {
		return nil, err
	}
	if _, err := with(snapshot, edits); err != nil {
		return nil, err
	}
	author := authorOf(r)
	err = a.process.Store.SaveIf(r.Context(), author, func(after *store.Snapshot) error {
		_, err := a.examine(r.Context(), after)
		return err
	}, edits...)
	if err != nil {
		return nil, err
	}
	return a.effectOf(r, "saved by "+author)
}

// with is store.Snapshot.With; whoever sends edits that cannot be made hears so.
func with(snapshot *store.Snapshot, edits []store.Edit) (*store.Snapshot, error) {
	after, err := snapshot.With(edits...)
	var conflict *store.Conflict
	if err == nil || errors.As(err, &conflict) || errors.Is(err, store.ErrAbsent) {
		return after, err
	}
	return nil, badRequest(err.Error())
}

// examine checks a configuration that is to be saved, and returns what would
// change.
func (a *Admin) examine(ctx context.Context, after *store.Snapshot) (*effect, error) {
	changes, problems := a.process.Check(ctx, after)
	if wrong := problems.Errors(); len(wrong) > 0 {
		return nil, &failure{status: http.StatusUnprocessableEntity,
			message: fmt.Sprintf("the configuration would be wrong, so nothing was saved: %s", wrong[0].String()), problems: wrong}
	}
	return &effect{Changes: changesOf(changes), Warnings: problemsOf(problems.Warnings())}, nil
}

// effectOf reloads, and tells what has come of it.
func (a *Admin) effectOf(r *http.Request, why string) (any, error) {
	outcome := a.process.Reload(r.Context(), why)
	if outcome.Err != nil {
		return nil, &failure{status: http.StatusInternalServerError,
			message: "what is stored could not be put into force, and the process serves what it did before: " + outcome.Err.Error(), problems: outcome.Problems.Errors()}
	}
	return &effect{
		InForce: true, Changes: changesOf(outcome.Changes), Warnings: problemsOf(outcome.Problems.Warnings()),
		Restart: outcome.Restart, Took: outcome.Took.Round(time.Millisecond / 10).String(),
	}, nil
}

// check tells what a text would change if it were imported, and what is wrong
// with it. Nothing is saved.
func (a *Admin) check(_ http.ResponseWriter, r *http.Request) (any, error) {
	snapshot, err := a.snapshot(r)
	if err != nil {
		return nil, err
	}
	edits, err := a.wholeText(r, snapshot)
	if err != nil {
		return nil, err
	}
	after, err := with(snapshot, edits)
	if err != nil {
		return nil, err
	}
	return a.examine(r.Context(), after)
}

// reload puts what is stored into force.
func (a *Admin) reload(_ http.ResponseWriter, r *http.Request) (any, error) {
	return a.effectOf(r, "asked for by "+authorOf(r))
}

// restart starts a new process that takes over.
func (a *Admin) restart(_ http.ResponseWriter, r *http.Request) (any, error) {
	a.process.Restart("asked for by " + authorOf(r))
	return map[string]string{"message": "a new process is being started; this one goes on until it serves"}, nil
}
