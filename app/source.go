package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"pingap/certificate"
	"pingap/config"
	"pingap/config/store"
	"pingap/proxy"
)

// source is where the configuration of the process comes from.
type source struct {
	name  string
	store *store.Store // nil for the built-in configuration
}

// loaded is a configuration that has been found right.
type loaded struct {
	*config.Config
	certificates *certificate.Store
	files        []certificate.File // that certificates, keys and authorities were read from
	from         *source
	revision     string          // of the stored texts
	notice       string          // what is to be known of where they come from
	snapshot     *store.Snapshot // the stored texts, until the store keeps a copy of them
	who          *identity       // whom it is to be served as; nil for whoever starts the process
}

func openSource(f *flags) (*source, error) {
	if f.simple.upstream != "" {
		text, err := f.simple.text()
		return &source{name: commandLine, store: store.Memory(commandLine, text)}, err
	}
	if f.conf == "" {
		return &source{name: config.DefaultName}, nil
	}
	s, err := store.Open(f.conf)
	if err != nil {
		return nil, err
	}
	return &source{name: s.String(), store: s}, nil
}

func (s *source) builtIn() bool { return s.store == nil }

// read reads and checks the configuration, and returns what is wrong with it in
// the order of the text. Certificates go on that are the same before, which may
// be nil.
func (s *source) read(ctx context.Context, before *loaded, depth scrutiny) (c *loaded, problems config.Problems, err error) {
	if s.builtIn() {
		c = &loaded{from: s, Config: config.Default()}
		problems = c.examine(ctx, nil, before, depth)
	} else {
		snapshot, err := s.store.Read(ctx)
		if err != nil {
			return nil, nil, err
		}
		c, problems = s.decode(ctx, snapshot, before, depth)
	}
	if len(problems.Errors()) > 0 {
		return nil, problems, s.wrong(problems)
	}
	return c, problems, nil
}

// wrong says how many problems have been said to be there.
func (s *source) wrong(problems config.Problems) error {
	return fmt.Errorf("%w: %s in %s", errWrong, count(len(problems.Errors()), "problem"), s.name)
}

// decode makes a configuration of stored texts, and checks it as read does.
func (s *source) decode(ctx context.Context, snapshot *store.Snapshot, before *loaded, depth scrutiny) (*loaded, config.Problems) {
	c := &loaded{from: s, revision: snapshot.Revision(), notice: snapshot.Notice, snapshot: snapshot}
	decoded, problems := snapshot.Decode()
	c.Config = decoded
	return c, c.examine(ctx, problems, before, depth)
}

// examine adds what is wrong with the configuration as a whole to the problems
// of its text.
func (c *loaded) examine(ctx context.Context, problems config.Problems, before *loaded, depth scrutiny) config.Problems {
	c.files = certificateFiles(c.Config)
	if depth >= toServe {
		problems = append(problems, c.lookUp(ctx)...)
	}
	problems = append(problems, proxy.Check(c.Config)...)
	var known *certificate.Store
	if before != nil {
		known = before.certificates
	}
	certificates, wrong := loadCertificates(c.Config, known)
	c.certificates = certificates
	problems = append(problems, wrong...)
	if depth == rehearsed {
		problems = append(problems, c.rehearse(ctx, before)...)
	}
	problems.Sort()
	return problems
}

// empty is what a process serves whose stored configuration is wrong, so that
// the admin can put it right.
func (s *source) empty() *loaded {
	c := &loaded{from: s}
	c.Config, _ = config.Parse("", nil)
	c.examine(context.Background(), nil, nil, asText)
	return c
}

// fold moves what stands in other files than the layout has for it, in a store
// that has a file for each item. Elsewhere files are written by hand, and stay
// as their authors wrote them. What cannot be moved may stay where it is.
func (s *source) fold(ctx context.Context, stderr io.Writer) (moved bool) {
	if s.builtIn() || !s.store.ByItem() {
		return false
	}
	report, err := s.store.Fold(ctx)
	for _, line := range report {
		fmt.Fprintln(stderr, "pingap: config layout migrated:", line)
	}
	if err != nil {
		fmt.Fprintln(stderr, "pingap: config layout not migrated:", err)
	}
	return len(report) > 0
}

// keep has the store keep a copy of a configuration that is in force, for a
// start at which the store is out of reach.
func (c *loaded) keep(ctx context.Context, logger *slog.Logger) {
	if c.snapshot == nil {
		return
	}
	if err := c.from.store.Keep(ctx, c.snapshot); err != nil {
		logger.Warn("no copy of the configuration is kept", "configuration", c.from.name, "error", err)
	}
	c.snapshot = nil
}

// watch tells when the stored configuration is another one than c.
func (s *source) watch(ctx context.Context, c *loaded, logger *slog.Logger) <-chan struct{} {
	if s.builtIn() {
		return nil
	}
	return s.store.Watch(ctx, c.revision, func(message string, trouble error) {
		if trouble != nil {
			logger.Warn(message, "configuration", s.name, "error", trouble)
		} else {
			logger.Info(message, "configuration", s.name)
		}
	})
}

func (s *source) close() {
	if s.store != nil {
		s.store.Close()
	}
}
