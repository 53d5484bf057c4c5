package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// report is all that a run has found.
type report struct {
	Date     string    `json:"date"`
	Machine  machine   `json:"machine"`
	Rounds   int       `json:"rounds"`
	Duration string    `json:"duration"` // of one measurement
	Results  []*result `json:"results"`
}

func newReport(ctx context.Context, o *options, c cores) *report {
	return &report{
		Date:     time.Now().UTC().Format(time.DateOnly),
		Machine:  describeMachine(ctx, o, c),
		Rounds:   o.rounds,
		Duration: o.duration.String(),
	}
}

// print shows the result to whoever waits for it.
func (r *result) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s\n", r.Name, r.About)
	for _, name := range r.peers {
		s := r.typical(name)
		fmt.Fprintf(w, "  %-8s  ", name)
		if s.Figure != 0 {
			fmt.Fprintf(w, "%.1f %s", s.Figure, r.Unit)
		} else {
			fmt.Fprintf(w, "%8.0f req/s  p50 %.3f ms  p99 %s ms  CPU %s = %s + %s  core %3.0f %%  %5.1f MiB",
				s.Rate, s.P50, quantile(s.P99), short(s.cost()), short(s.User), short(s.System), 100*s.Busy, s.Memory/(1<<20))
		}
		if ratio, ok := r.Ratios[name]; ok {
			fmt.Fprintf(w, "  ours/theirs %s", ratio)
		}
		if verdict := r.verdict(name); verdict != "" {
			fmt.Fprintf(w, "  [%s]", verdict)
		}
		fmt.Fprintln(w)
	}
	for _, name := range r.peers {
		for _, note := range r.notes(name) {
			fmt.Fprintln(w, "  note:", note)
		}
	}
}

// String is the median and, in parentheses, the range.
func (s spread) String() string {
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Lower, s.Upper)
}

// quantile writes milliseconds where the generator tells them.
func quantile(ms float64) string {
	if ms == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3f", ms)
}

// short writes microseconds with three digits that say something.
func short(us float64) string {
	switch {
	case us < 100:
		return fmt.Sprintf("%.2f µs", us)
	case us < 1000:
		return fmt.Sprintf("%.0f µs", us)
	default:
		return fmt.Sprintf("%.2f ms", us/1000)
	}
}

// write keeps the report where the options say.
func (r *report) write(o *options) error {
	if o.json != "" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := keep(o.json, append(text, '\n')); err != nil {
			return err
		}
	}
	if o.markdown != "" {
		return keep(o.markdown, []byte(r.page()))
	}
	return nil
}

func keep(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}
