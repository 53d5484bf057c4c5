// Package redirect is the plugin that sends clients on to https, or to the same
// path below a prefix.
package redirect

import (
	"fmt"
	"slices"
	"strings"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a redirect plugin.
type settings struct {
	// HTTPToHTTPS sends requests that came by http on to https. Those that came
	// by https stay there.
	HTTPToHTTPS bool `config:"http_to_https"`
	// Prefix is put before paths that are not below it.
	Prefix string `config:"prefix" example:"/api"`
	// Status of the answer: 301, 302, 307 or 308.
	Status int `config:"status" default:"307"`
}

var statuses = []int{301, 302, 307, 308}

func init() {
	plugin.Register(plugin.Kind{
		Category: "redirect",
		// The client is to come again with a path that it knows: the one that it
		// has sent, and not what a rewrite makes of it.
		Steps: []plugin.Step{plugin.EarlyRequest, plugin.Request},
		New:   build,
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	if len(problems) > 0 {
		return nil, problems
	}
	prefix := strings.TrimRight(s.Prefix, "/")
	if prefix != "" && prefix[0] != '/' {
		prefix = "/" + prefix
	}
	if message.CheckTarget(prefix) != nil || strings.Contains(prefix, "?") {
		problems = append(problems, table.Problem("prefix", fmt.Sprintf("%q cannot begin a path", s.Prefix), `write it as "/api"`))
	}
	if !slices.Contains(statuses, s.Status) {
		problems = append(problems, table.Problem("status", fmt.Sprintf("%d is no status of a redirect to the same request elsewhere", s.Status), "write 301 or 308 for one that is permanent, 302 or 307 for another"))
	}
	if !s.HTTPToHTTPS {
		problems = append(problems, withoutHTTPS(table, prefix)...)
	}
	return &redirect{https: s.HTTPToHTTPS, prefix: prefix, status: s.Status}, problems
}

// withoutHTTPS warns of what Pingap makes of a redirect that is not to https: one
// to http.
func withoutHTTPS(table *config.Table, prefix string) config.Problems {
	if prefix == "" {
		return config.Problems{table.Warning("", "has no effect", "write http_to_https = true, or a prefix; Pingap sends https on to http")}
	}
	if table.Has("http_to_https") {
		return config.Problems{table.Warning("http_to_https", "leaves http and https as they are", "Pingap would send https on to http")}
	}
	return nil
}

type redirect struct {
	https  bool
	prefix string
	status int
}

var (
	empty  = &plugin.Content{}
	noHost = &plugin.Content{
		Header: []message.Field{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}},
		Data:   []byte("Without a host nobody can be sent on to https"),
	}
)

// Wrap answers requests that are not where they should be, and passes on the
// others.
func (r *redirect) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		req := &x.Request
		secure := x.ClientScheme() == "https"
		toHTTPS := r.https && !secure
		moved := r.prefix != "" && !below(req.Path, r.prefix)
		switch {
		case !toHTTPS && !moved, !strings.HasPrefix(req.Path, "/"): // OPTIONS * is about no path
			return next.Serve(x)
		case toHTTPS && req.Host == "":
			plugin.Answer(x, 400, noHost)
			return nil
		}
		location := x.Scratch()
		if secure || toHTTPS {
			location = append(location, "https://"...)
		} else {
			location = append(location, "http://"...)
		}
		if toHTTPS {
			location = appendHostname(location, req)
		} else {
			location = append(location, req.Host...)
		}
		if req.Host == "" {
			location = location[:0] // a reference to the same place (RFC 9110 section 10.2.2)
		}
		if moved {
			location = append(location, r.prefix...)
		}
		location = message.AppendEscaped(location, req.Path)
		if req.HasQuery {
			location = message.AppendEscaped(append(location, '?'), req.Query)
		}
		x.Response.Header.Add("Location", x.Finish(location))
		plugin.Answer(x, r.status, empty)
		return nil
	})
}

// below reports whether a path is the prefix or lies below it: /apis is not
// below /api.
func below(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// appendHostname appends the host without its port, which is that of http. It can
// stand in a URI, so an IPv6 address has brackets.
func appendHostname(dst []byte, r *message.Request) []byte {
	if strings.HasPrefix(r.Host, "[") {
		return append(append(append(dst, '['), r.Hostname()...), ']')
	}
	return append(dst, r.Hostname()...)
}
