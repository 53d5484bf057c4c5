// Package telemetry is what the proxy tells its operators about itself. Its Log
// is the application log: one line a record, for people or as JSON.
package telemetry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Log is the application log of the process. Records go through Logger, from
// any goroutine.
type Log struct {
	Logger *slog.Logger
	Level  *slog.LevelVar // may be changed at any time

	out *output
}

// LogOptions say where records go and which.
type LogOptions struct {
	// Path is the file; "" for Stderr.
	Path   string
	Stderr io.Writer
	// Level is the least serious level that is written: trace, debug, info,
	// warn, error or off; "" is info.
	Level string
	// JSON writes records as JSON objects.
	JSON bool
}

// levels are those of the configuration in slog's terms.
var levels = map[string]slog.Level{
	"trace": slog.LevelDebug, "debug": slog.LevelDebug, "": slog.LevelInfo, "info": slog.LevelInfo,
	"warn": slog.LevelWarn, "warning": slog.LevelWarn, "error": slog.LevelError, "off": slog.LevelError + 100,
}

// Open opens the log.
func Open(o LogOptions) (*Log, error) {
	level, ok := levels[strings.ToLower(o.Level)]
	if !ok {
		return nil, fmt.Errorf("%q is no log level; use debug, info, warn, error or off", o.Level)
	}
	l := &Log{Level: new(slog.LevelVar), out: &output{path: o.Path, w: o.Stderr}}
	l.Level.Set(level)
	if err := l.out.reopen(); err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: l.Level}
	if o.JSON {
		l.Logger = slog.New(slog.NewJSONHandler(l.out, options))
	} else {
		l.Logger = slog.New(&lineHandler{out: l.out, level: l.Level})
	}
	return l, nil
}

// Reopen opens the file anew, after it has been moved away. The old one stays
// in use if that fails.
func (l *Log) Reopen() {
	if err := l.out.reopen(); err != nil {
		l.Logger.Error("cannot open the log file again", "error", err)
	}
}

// Output returns where lines of other logs go that have no file of their own:
// the log's file, or else fallback.
func (l *Log) Output(fallback io.Writer) io.Writer {
	if l.out.path == "" {
		return fallback
	}
	return l.out
}

// Close closes the file.
func (l *Log) Close() { l.out.close() }

// output is a file that can be opened again, or a writer.
type output struct {
	path string

	mu   sync.Mutex
	w    io.Writer
	file *os.File
}

func (o *output) reopen() error {
	if o.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(o.path), 0o755); err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	file, err := os.OpenFile(o.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("open log: %w; the proxy runs as user %d: give it the right to write there", err, os.Geteuid())
	}
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		o.file.Close()
	}
	o.file, o.w = file, file
	return nil
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		o.file.Close()
	}
}
