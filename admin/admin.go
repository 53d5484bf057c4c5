// Package admin lets people and programs look at a running process, and change
// its configuration, over HTTP.
//
// What is changed is checked as a whole first, then saved in the store, then put
// into force; the answer says what has changed. Whoever asks has to show who
// they are, unless the admin listens on the loopback interface alone.
//
// The package knows nothing of how exchanges are served: what it tells, and what
// it sets off, is given to it as a Process.
package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"pingap/config"
	"pingap/config/store"
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

// Limits of the admin's own connections. Those who use it are few, and some of
// them are not welcome.
const (
	headTimeout  = 10 * time.Second
	readTimeout  = time.Minute
	writeTimeout = 2 * time.Minute // a reload of a large configuration included
	idleTimeout  = 2 * time.Minute
	maxHead      = 16 << 10 // bytes
)

// Server is an admin that listens.
type Server struct {
	address Address
	process Process
	logger  *slog.Logger
	access  *access
	masks   *masks
	http    *http.Server
	serving sync.WaitGroup
	saving  sync.Mutex // one change at a time: the next begins with what this one has made
}

// New makes an admin for a process.
func New(a Address, p Process, logger *slog.Logger) *Server {
	s := &Server{address: a, process: p, logger: logger, access: newAccess(a), masks: newMasks()}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	return s
}

// Listen begins to serve. Requests are answered by goroutines of their own until
// Close.
func (s *Server) Listen() error {
	listener, err := net.Listen("tcp", s.address.HostPort)
	if err != nil {
		return fmt.Errorf("the admin at %s: %w", s.address.HostPort, err)
	}
	s.logger.Info("the admin listens on http://" + listener.Addr().String() + s.address.Prefix + "/")
	if warning := s.address.warning(); warning != "" {
		s.logger.Warn(warning)
	}
	s.serving.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.logger.Error("the admin has ended", "error", err)
		}
	})
	return nil
}

// Close stops listening, lets requests end for as long as ctx lasts, and returns
// when all are gone.
func (s *Server) Close(ctx context.Context) {
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close()
	}
	s.serving.Wait()
}

// handler answers requests: everything that is not in routes is refused before
// anything looks at it, and everything in routes needs a user.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, answer := range s.routes() {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+s.address.Prefix+path, s.answering(answer))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if s.address.Prefix != "" && r.URL.Path == s.address.Prefix {
			http.Redirect(w, r, s.address.Prefix+"/", http.StatusTemporaryRedirect)
			return
		}
		refuse(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
	})
	return s.guard(http.NewCrossOriginProtection().Handler(mux))
}

// routes are what can be asked for, below the prefix. The names of sections may
// hold anything but slashes, so one segment is a name.
func (s *Server) routes() map[string]answer {
	return map[string]answer{
		"GET /{$}":                                           s.introduce,
		"GET /api/basic":                                     s.status,
		"GET /api/certificates":                              s.certificates,
		"GET /api/configs":                                   s.sections,
		"GET /api/configs/full":                              s.texts,
		"GET /api/configs/{category}":                        s.sectionsOf,
		"GET /api/configs/{category}/{name}":                 s.section,
		"POST /api/configs/check":                            s.check,
		"POST /api/configs/import":                           s.importAll,
		"POST /api/configs/{category}/{name}":                s.save,
		"DELETE /api/configs/{category}/{name}":              s.remove,
		"GET /api/config-history/{category}/{name}":          s.history,
		"POST /api/config-history/{category}/{name}/restore": s.restore,
		"POST /api/reload":                                   s.reload,
		"POST /api/restart":                                  s.restart,
	}
}
