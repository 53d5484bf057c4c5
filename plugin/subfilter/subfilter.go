// Package subfilter is the plugin that replaces texts in the content of answers.
package subfilter

import (
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a sub_filter plugin.
type settings struct {
	// Filters are worked off in their order, each sub_filter 'text' 'replacement'
	// or subs_filter 'regular expression' 'replacement', with flags: g for every
	// place instead of the first, i for upper and lower case alike.
	Filters []string `config:"filters" required:"true" example:"sub_filter 'http://' 'https://' g"`
	// Path is a regular expression for the paths whose answers are changed.
	// Without it all are.
	Path *regexp.Regexp `config:"path"`
	// StatusCodes are those of the answers that are changed, with commas. Without
	// it all are.
	StatusCodes string `config:"status_codes" example:"200,201"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "sub_filter",
		Steps:    []plugin.Step{plugin.Response},
		New:      build,
	})
}

func build(table *config.Table, env *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	p := &substitution{path: s.Path, logger: env.Logger}
	for _, text := range s.Filters {
		f, err := parseFilter(text)
		if err != nil {
			problems = append(problems, table.Problem("filters", err.Error(), `write it as "sub_filter 'text' 'replacement' g"`))
			continue
		}
		p.filters = append(p.filters, f)
	}
	for word := range strings.SplitSeq(s.StatusCodes, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		status, err := strconv.Atoi(word)
		if err != nil || status < 200 || status > 599 {
			problems = append(problems, table.Problem("status_codes", fmt.Sprintf("%q is no status of an answer", word), `write numbers with commas, such as "200,201"`))
		}
		p.statuses = append(p.statuses, status)
	}
	p.bodies.New = func() any { return newFilteredBody(p) }
	return p, problems
}

type substitution struct {
	filters  []*filter
	path     *regexp.Regexp // nil for all
	statuses []int          // empty for all
	logger   *slog.Logger

	bodies sync.Pool // of *filteredBody
}

// Wrap has the upstream send content that can be read, all of it, and changes it.
func (p *substitution) Wrap(next message.Handler) message.Handler {
	plain := fieldless{"Range", fieldless{"Accept-Encoding", next}}
	return message.HandlerFunc(func(x *message.Exchange) error {
		if p.path != nil && !p.path.MatchString(x.Request.Path) {
			return next.Serve(x)
		}
		if err := plain.Serve(x); err != nil {
			return err
		}
		if plugin.MayTransform(x) && p.concerns(&x.Response) {
			p.change(x)
		}
		return nil
	})
}

// fieldless is a handler that sees requests without a field.
type fieldless struct {
	field string
	next  message.Handler
}

// Serve implements message.Handler.
func (h fieldless) Serve(x *message.Exchange) error {
	if !x.Request.Header.Has(h.field) {
		return h.next.Serve(x)
	}
	return plugin.ServeWith(x, h.next, h.field, "")
}

// concerns reports whether an answer is to be changed: one that is not encoded, nor
// too long, nor a stream that has no end to wait for.
func (p *substitution) concerns(r *message.Response) bool {
	if plugin.Encoded(&r.Header) || r.Length > maxContent {
		return false
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = message.TrimBlanks(kind)
	for _, stream := range [...]string{"text/event-stream", "multipart/x-mixed-replace", "application/x-ndjson"} {
		if message.EqualFold(kind, stream) {
			return false
		}
	}
	if grpc := "application/grpc"; len(kind) >= len(grpc) && message.EqualFold(kind[:len(grpc)], grpc) {
		return false
	}
	for _, status := range p.statuses {
		if status == r.Status {
			return true
		}
	}
	return len(p.statuses) == 0
}

func (p *substitution) change(x *message.Exchange) {
	if x.Request.Method != "HEAD" {
		b := p.bodies.Get().(*filteredBody)
		b.start(x)
		x.Response.Body = b
	}
	plugin.Transformed(x)
}
