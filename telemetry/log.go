// Package telemetry is what the proxy tells its operators about itself. Its Log
// is the application log: one line a record, for people or as JSON.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"pingap/logfile"
)

// Log is the application log of the process. Records go through Logger, from
// any goroutine; they are written by another, so that an event loop that logs
// never waits for a disk or a terminal.
type Log struct {
	Logger *slog.Logger
	Level  *slog.LevelVar // may be changed at any time

	out    *output
	target Target
}

// LogOptions say where records go and which.
type LogOptions struct {
	// Target is a file, a directory or syslog, as ParseTarget reads it; "" for
	// Stderr.
	Target string
	Stderr io.Writer
	// Level is the least serious level that is written: trace, debug, info,
	// warn, error or off; "" is info.
	Level string
	// JSON writes records as JSON objects.
	JSON bool
	// Gather is how many bytes of records are written to a file at once; below
	// 4 KiB each is written when it comes.
	Gather int
}

// levels are those of the configuration in slog's terms.
var levels = map[string]slog.Level{
	"trace": slog.LevelDebug, "debug": slog.LevelDebug, "": slog.LevelInfo, "info": slog.LevelInfo,
	"warn": slog.LevelWarn, "warning": slog.LevelWarn, "error": slog.LevelError, "off": slog.LevelError + 100,
}

// Open opens the log.
func Open(o LogOptions) (*Log, error) {
	level, err := ParseLevel(o.Level)
	if err != nil {
		return nil, err
	}
	target, err := ParseTarget(o.Target)
	if err != nil {
		return nil, err
	}
	l := &Log{Level: new(slog.LevelVar), target: target}
	l.Level.Set(level)
	sink, err := target.open(o.Stderr, func(err error) {
		l.Logger.Error("cannot begin a new log file", "error", err)
	})
	if err != nil {
		return nil, err
	}
	if target.Series.Path == "" {
		o.Gather = 0 // people and daemons want to see each record
	}
	l.out = newOutput(sink, o.Gather, target.note)
	l.Logger = slog.New(l.handler(o.JSON))
	return l, nil
}

// handler returns what gives records their form.
func (l *Log) handler(asJSON bool) slog.Handler {
	form := func(w io.Writer, bare bool) slog.Handler {
		if asJSON {
			return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l.Level, ReplaceAttr: durationAsText})
		}
		return &lineHandler{out: w, level: l.Level, bare: bare}
	}
	if l.target.Syslog != nil {
		return newSyslogHandler(l.out, *l.target.Syslog, func(w io.Writer) slog.Handler { return form(w, true) })
	}
	return form(l.out, false)
}

// durationAsText writes a duration as 1.5s, as lines for people have it: a bare
// number would be one of nanoseconds, and not say so.
func durationAsText(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// ParseLevel reads the name of a level, see LogOptions.
func ParseLevel(name string) (slog.Level, error) {
	level, ok := levels[strings.ToLower(name)]
	if !ok {
		return 0, fmt.Errorf("%q is no log level; use trace, debug, info, warn, error or off", name)
	}
	return level, nil
}

// SetLevel makes the log write records from the named level on, see LogOptions.
func (l *Log) SetLevel(name string) error {
	level, err := ParseLevel(name)
	if err == nil {
		l.Level.Set(level)
	}
	return err
}

// Reopen opens the file anew, after it has been moved away. The old one stays
// in use if that fails.
func (l *Log) Reopen() {
	if err := l.out.reopen(); err != nil {
		l.Logger.Error("cannot open the log file again", "error", err)
	}
}

// Output returns where lines of other logs go that have no file of their own:
// to the log's file or syslog, or else fallback. Writing there waits for the disk,
// and reports what has been written of whole lines.
func (l *Log) Output(fallback io.Writer) io.Writer {
	switch {
	case l.target.Syslog != nil:
		return l.target.Syslog.lines(direct{l.out})
	case l.target.Series.Path == "":
		return fallback
	}
	return direct{l.out}
}

// Series returns the files of the log; without a path when it has none.
func (l *Log) Series() logfile.Series { return l.target.Series }

// Close writes what is still to be written and closes the file.
func (l *Log) Close() { l.out.close() }
