package app

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"pingap/config"
)

// maxReported bounds how many problems of a configuration are logged, and how
// many of its changes in full.
const maxReported = 50

// logProblems logs what is wrong with a configuration that has been read again.
func logProblems(logger *slog.Logger, problems config.Problems) {
	for i, p := range problems {
		if i == maxReported {
			logger.Error(fmt.Sprintf("there are %d more problems", len(problems)-i))
			return
		}
		if p.Warning {
			logger.Warn(p.String())
		} else {
			logger.Error(p.String())
		}
	}
}

// spread prints the problems that an error is, and returns how many there are;
// another error it returns as it is.
func spread(w io.Writer, c *loaded, err error) error {
	problems := problemsIn(err)
	if problems == nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
	return c.from.wrong(problems)
}

// logNotes logs what there is to know of a configuration that is in force.
func logNotes(logger *slog.Logger, c *loaded) {
	if c.notice != "" {
		logger.Warn(c.notice, "configuration", c.from.name)
	}
	notes := c.Notes
	for i, n := range notes {
		if i == maxReported {
			logger.Warn(fmt.Sprintf("there are %d more notes", len(notes)-i))
			return
		}
		logger.Warn(n.String())
	}
}

// logChanges logs what has become another by a reload: in words, and line by
// line.
func logChanges(logger *slog.Logger, changes []config.Change, why string, took time.Duration) {
	what := inWords(changes)
	if what == "" {
		what = "nothing has changed"
	}
	logger.Info("configuration reloaded: "+what, "reason", why, "took", took.Round(time.Millisecond/10))
	for i, c := range changes {
		if i == maxReported {
			logger.Info(fmt.Sprintf("there are %d more changes", len(changes)-i))
			return
		}
		logger.Info(changed(c), "diff", strings.Join(c.Lines, "\n"))
	}
}

// changed names the section of a change and what has become of it.
func changed(c config.Change) string {
	if c.Name == "" {
		return c.Kind + " " + string(c.Difference)
	}
	return singular(c.Kind) + " " + c.Name + " " + string(c.Difference)
}

func singular(kind string) string { return strings.TrimSuffix(kind, "s") }

// maxNames bounds how many sections of a kind are named in a line.
const maxNames = 5

// inWords sums up changes: "2 locations added (a, b), upstream u changed".
func inWords(changes []config.Change) string {
	type heading struct {
		kind       string
		difference config.Difference
	}
	names := make(map[heading][]string)
	var order []heading
	for _, c := range changes {
		h := heading{c.Kind, c.Difference}
		if names[h] == nil {
			order = append(order, h)
		}
		names[h] = append(names[h], c.Name)
	}
	var parts []string
	for _, h := range order {
		n := names[h]
		switch {
		case len(n) == 1:
			parts = append(parts, changed(config.Change{Kind: h.kind, Name: n[0], Difference: h.difference}))
		case len(n) > maxNames:
			parts = append(parts, fmt.Sprintf("%d %s %s (%s, ...)", len(n), h.kind, h.difference, strings.Join(n[:maxNames], ", ")))
		default:
			parts = append(parts, fmt.Sprintf("%d %s %s (%s)", len(n), h.kind, h.difference, strings.Join(n, ", ")))
		}
	}
	return strings.Join(parts, ", ")
}

// restartKeys returns the keys of [basic] that have changed from before to now
// and differ from what the process was started with, but which it cannot follow
// while it runs.
func restartKeys(before, now, started *loaded, f *flags) (keys []string) {
	for _, key := range []struct {
		name string
		of   func(*loaded) any
	}{
		{"threads", func(c *loaded) any { return loops(c.Config, f) }},
		{"user", func(c *loaded) any { return c.Basic.User }},
		{"group", func(c *loaded) any { return c.Basic.Group }},
		{"pid_file", func(c *loaded) any { return c.Basic.PidFile }},
		{"error_log", func(c *loaded) any { return c.Basic.ErrorLog }},
		{"ticket_key_file", func(c *loaded) any { return c.Basic.TicketKeyFile }},
		{"log_buffered_size", func(c *loaded) any { return c.Basic.LogBufferedSize }},
		{"log_format_json", func(c *loaded) any { return c.Basic.LogFormatJSON }},
	} {
		if is := key.of(now); is != key.of(before) && is != key.of(started) {
			keys = append(keys, key.name)
		}
	}
	return keys
}
