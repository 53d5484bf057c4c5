// Package admin lets people and programs look at a running process, and change
// its configuration, over HTTP.
//
// What is changed is checked as a whole first, then saved in the store, then put
// into force; the answer says what has changed. Whoever asks has to show who
// they are, unless nobody but programs on the same machine can ask.
//
// An Entry leads to it: by a listener of its own, see Server, or by the proxy's own
// servers, see Entry.Plugin. The package knows nothing of how exchanges are served:
// what it tells, and what it sets off, is given to it as a Process.
package admin

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"pingap/config"
	"pingap/config/store"
	"pingap/plugin"
)

// Process is what the admin knows of the process that it belongs to. Its
// functions may be called by any goroutine.
type Process struct {
	// Store holds the configuration; nil for one that is built in, which cannot
	// be changed.
	Store *store.Store
	// Check examines a configuration as a reload would, and says in what it
	// differs from the one in force.
	Check func(ctx context.Context, s *store.Snapshot) ([]config.Change, config.Problems)
	// Reload puts the stored configuration into force and returns when that has
	// been done, or has failed. why goes to the log.
	Reload func(ctx context.Context, why string) Outcome
	// Restart starts a new process that takes over. It returns before that has
	// happened.
	Restart func(why string)
	// Status tells how the process is.
	Status func() Status
	// Certificates are those in force.
	Certificates func() []Certificate
}

// Outcome is what has come of a reload.
type Outcome struct {
	Changes  []config.Change
	Problems config.Problems // of the stored configuration, warnings among them
	// Restart are the keys of [basic] that have changed and take effect with
	// the next process.
	Restart []string
	Took    time.Duration
	Err     error // why the configuration stays as it was
}

// Status is how a process is.
type Status struct {
	Name          string    `json:"name"`
	Version       string    `json:"version"`
	GoVersion     string    `json:"go_version"`
	PID           int       `json:"pid"`
	StartTime     time.Time `json:"start_time"`
	Configuration string    `json:"configuration"` // where it is kept
	ConfigHash    string    `json:"config_hash"`   // of the configuration in force
	Threads       int       `json:"threads"`       // event loops
	Connections   int64     `json:"connections"`   // of clients, open now
	Processing    int64     `json:"processing"`    // exchanges in flight
	Panics        int64     `json:"panics"`        // that ended an exchange each; a defect of the program
	Plugins       []string  `json:"supported_plugins"`
}

// Certificate is one that the process serves. Its key is nobody's business.
type Certificate struct {
	Name      string    `json:"name"`
	Domains   []string  `json:"domains"`
	Issuer    string    `json:"issuer"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
}

// Admin answers for a process, by any number of entries.
type Admin struct {
	process Process
	logger  *slog.Logger
	masks   *masks
	saving  chan struct{} // holds one while a change is made: the next begins with what this one has made
}

// New makes the admin of a process.
func New(p Process, logger *slog.Logger) *Admin {
	return &Admin{process: p, logger: logger, masks: newMasks(), saving: make(chan struct{}, 1)}
}

// Entry is a way to an admin: the paths below a prefix, for some users. It is the
// same for a listener of its own and for a location of the proxy.
type Entry struct {
	*Admin
	prefix string
	access *access
	routed http.Handler // what is asked for, by whoever has been admitted
}

// Entry makes an entry.
func (a *Admin) Entry(e plugin.AdminEntry) *Entry {
	entry := &Entry{Admin: a, prefix: e.Prefix, access: newAccess(e)}
	mux := http.NewServeMux()
	for pattern, answer := range entry.routes() {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+e.Prefix+path, answering(answer))
	}
	mux.HandleFunc("/", entry.elsewhere)
	entry.routed = http.NewCrossOriginProtection().Handler(mux)
	return entry
}

// ServeHTTP answers a request: everything that is not in routes is refused before
// anything looks at it, and everything in routes needs a user.
func (e *Entry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r = e.admit(w, r); r != nil {
		e.routed.ServeHTTP(w, r)
	}
}

// elsewhere answers what is not in routes.
func (e *Entry) elsewhere(w http.ResponseWriter, r *http.Request) {
	if e.prefix != "" && r.URL.Path == e.prefix {
		http.Redirect(w, r, e.prefix+"/", http.StatusTemporaryRedirect)
		return
	}
	refuse(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
}

// routes are what can be asked for, below the prefix. The names of sections may
// hold anything but slashes, so one segment is a name.
func (e *Entry) routes() map[string]answer {
	return map[string]answer{
		"GET /{$}":                                           e.introduce,
		"GET /api/basic":                                     e.status,
		"GET /api/certificates":                              e.certificates,
		"GET /api/configs":                                   e.sections,
		"GET /api/configs/full":                              e.texts,
		"GET /api/configs/{category}":                        e.sectionsOf,
		"GET /api/configs/{category}/{name}":                 e.section,
		"POST /api/configs/check":                            e.check,
		"POST /api/configs/import":                           e.importAll,
		"POST /api/configs/{category}/{name}":                e.save,
		"DELETE /api/configs/{category}/{name}":              e.remove,
		"GET /api/config-history/{category}/{name}":          e.history,
		"POST /api/config-history/{category}/{name}/restore": e.restore,
		"POST /api/reload":                                   e.reload,
		"POST /api/restart":                                  e.restart,
	}
}
