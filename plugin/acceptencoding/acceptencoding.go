// Package acceptencoding is the plugin that leaves of the content codings that a
// client accepts those which the ones behind it shall choose from.
package acceptencoding

import (
	"fmt"
	"slices"
	"strings"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of an accept_encoding plugin.
type settings struct {
	// Encodings that are left, with commas, the one that is liked best first.
	// Without any the field is always removed.
	Encodings string `config:"encodings" example:"zstd, br, gzip"`
	// OnlyOneEncoding leaves the first alone that the client accepts, so that
	// caches behind have fewer variants to keep.
	OnlyOneEncoding bool `config:"only_one_encoding"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category:  "accept_encoding",
		Steps:     []plugin.Step{plugin.EarlyRequest},
		New:       build,
		ReadyMade: map[string]string{"pingap:acceptEncodingAdjustment": "encodings = \"zstd, br, gzip\"\nonly_one_encoding = true"},
	})
}

// known are the codings that clients and servers have names for.
var known = []string{"zstd", "br", "gzip", "deflate", "compress", "identity", "dcb", "dcz"}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	a := &adjustment{onlyOne: s.OnlyOneEncoding}
	for name := range strings.SplitSeq(s.Encodings, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case name == "":
			continue
		case !slices.Contains(known, name):
			problems = append(problems, table.Problem("encodings", fmt.Sprintf("there is no content coding %q", name), hint(name)))
		default:
			a.codings = append(a.codings, name)
		}
	}
	return a, problems
}

func hint(name string) string {
	if near := config.Suggest(name, known); near != "" {
		return near
	}
	return "write some of " + strings.Join(known, ", ")
}

type adjustment struct {
	codings []string // best first
	onlyOne bool
}

// Wrap has next see the codings of the client that are left. Those that the
// client refuses, with q=0, never are.
func (a *adjustment) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if !x.Request.Header.Has(field) {
			return next.Serve(x)
		}
		return plugin.ServeWith(x, next, field, a.left(x))
	})
}

const field = "Accept-Encoding"

// left returns the new value of the field, "" for none.
func (a *adjustment) left(x *message.Exchange) string {
	value := x.Scratch()
	for _, coding := range a.codings {
		if weight, _ := x.Request.Header.Weight(field, coding); weight == 0 {
			continue
		}
		if len(value) > 0 {
			value = append(value, ", "...)
		}
		value = append(value, coding...)
		if a.onlyOne {
			break
		}
	}
	return x.Finish(value)
}
