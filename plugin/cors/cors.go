// Package cors is the plugin that lets pages of other origins use what is served,
// by the protocol that browsers follow (CORS, in the Fetch standard).
package cors

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a cors plugin.
type settings struct {
	// Path is a regular expression for the paths that this is for. Without it
	// all are.
	Path *regexp.Regexp `config:"path"`
	// AllowOrigin is who may: "*" for everybody, some origins with commas, or
	// "$http_origin" for whoever asks.
	AllowOrigin string `config:"allow_origin" default:"*" example:"https://app.example.com"`
	// AllowMethods are the methods that may be used, with commas.
	AllowMethods string `config:"allow_methods" default:"GET, POST, PUT, PATCH, DELETE, OPTIONS"`
	// AllowHeaders are the fields that a page may send, with commas.
	AllowHeaders string `config:"allow_headers"`
	// ExposeHeaders are the fields of the answer that a page may read, with commas.
	ExposeHeaders string `config:"expose_headers"`
	// AllowCredentials lets a page send cookies and read what comes back.
	AllowCredentials bool `config:"allow_credentials"`
	// MaxAge is how long a browser may remember what is allowed; 0 leaves it to
	// the browser.
	MaxAge time.Duration `config:"max_age" default:"1h"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "cors",
		// Around the plugins of the request: a browser asks for leave without
		// credentials, and a page is to see it when a request of its own is refused.
		Steps: []plugin.Step{plugin.Response},
		New:   build,
	})
}

func build(table *config.Table, env *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	c := &cors{path: s.Path, methods: s.AllowMethods, headers: s.AllowHeaders, expose: s.ExposeHeaders, credentials: s.AllowCredentials}
	if s.MaxAge > 0 {
		c.maxAge = strconv.FormatInt(int64(s.MaxAge/time.Second), 10)
	}
	for key, list := range map[string]string{"allow_methods": s.AllowMethods, "allow_headers": s.AllowHeaders, "expose_headers": s.ExposeHeaders} {
		if strings.ContainsFunc(list, func(r rune) bool { return r < ' ' || r > '~' }) {
			problems = append(problems, table.Problem(key, "holds what cannot stand in a field", `write names with commas, such as "X-Token, X-Page"`))
		}
	}
	problems = append(problems, c.allow(s.AllowOrigin, table, env)...)
	if c.any && s.AllowCredentials {
		problems = append(problems, table.Warning("allow_credentials", `browsers take no credentials where everybody is allowed with "*"`,
			`write the origins, such as allow_origin = "https://app.example.com"`))
	}
	return c, problems
}

// allow reads who may.
func (c *cors) allow(text string, table *config.Table, env *plugin.Environment) (problems config.Problems) {
	if text = strings.TrimSpace(text); text == "*" || text == "" {
		c.any = true
		return nil
	}
	if strings.HasPrefix(text, "$") || strings.HasPrefix(text, ":") {
		value, err := env.Value(text)
		if err != nil {
			return config.Problems{table.Problem("allow_origin", err.Error(), "")}
		}
		c.origin = value
		return nil
	}
	for origin := range strings.SplitSeq(text, ",") {
		origin = strings.TrimSpace(origin)
		if !isOrigin(origin) {
			problems = append(problems, table.Problem("allow_origin", strconv.Quote(origin)+" is no origin",
				`write a scheme and a host without a path, such as "https://app.example.com"`))
		}
		c.origins = append(c.origins, origin)
	}
	return problems
}

// isOrigin reports whether s is an origin as browsers write it (RFC 6454 section
// 6.2).
func isOrigin(s string) bool {
	if s == "null" {
		return true
	}
	scheme, host, ok := strings.Cut(s, "://")
	return ok && scheme != "" && host != "" && !strings.ContainsAny(host, "/?#@*\\") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

type cors struct {
	path    *regexp.Regexp
	any     bool // everybody may
	origins []string
	origin  func(x *message.Exchange) string // where a variable says it; else nil

	methods, headers, expose, maxAge string // "" for no field
	credentials                      bool
}

// Wrap answers the questions of browsers and gives leave with other answers.
func (c *cors) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if c.path != nil && !c.path.MatchString(x.Request.Path) {
			return next.Serve(x)
		}
		if isPreflight(&x.Request) {
			c.preflight(x)
			return nil
		}
		if err := next.Serve(x); err != nil {
			return err
		}
		c.expressLeave(x)
		return nil
	})
}

// isPreflight reports whether a browser asks whether a page may send a request.
// OPTIONS can be other things too, which are for the upstream.
func isPreflight(r *message.Request) bool {
	return r.Method == "OPTIONS" && r.Header.Has("Origin") && r.Header.Has("Access-Control-Request-Method")
}

// preflight answers what a page may do.
func (c *cors) preflight(x *message.Exchange) {
	h := &x.Response.Header
	x.Response.Status = 204
	if !c.leave(x) {
		return
	}
	set(h, "Access-Control-Allow-Methods", c.methods)
	set(h, "Access-Control-Allow-Headers", c.headers)
	set(h, "Access-Control-Max-Age", c.maxAge)
}

// expressLeave adds to an answer whether the page may read it.
func (c *cors) expressLeave(x *message.Exchange) {
	if c.leave(x) {
		set(&x.Response.Header, "Access-Control-Expose-Headers", c.expose)
	}
}

// leave sets who may, and reports whether the client's origin is among them. What
// the upstream may have said of it goes: two origins are none to a browser.
func (c *cors) leave(x *message.Exchange) bool {
	h := &x.Response.Header
	if !c.any {
		plugin.Vary(h, "Origin") // caches would show one origin the leave of another
	}
	origin, ok := x.Request.Header.Lookup("Origin")
	if !ok {
		return false
	}
	h.DelFunc(isLeave)
	switch {
	case c.any:
		origin = "*"
	case c.origin != nil:
		if origin = c.origin(x); origin == "" {
			return false
		}
	case !c.mayUse(origin):
		return false
	}
	h.Add("Access-Control-Allow-Origin", origin)
	if c.credentials {
		h.Add("Access-Control-Allow-Credentials", "true")
	}
	return true
}

func (c *cors) mayUse(origin string) bool {
	for _, allowed := range c.origins {
		if message.EqualFold(allowed, origin) {
			return true
		}
	}
	return false
}

const prefix = "Access-Control-"

func isLeave(f message.Field) bool {
	return len(f.Name) > len(prefix) && message.EqualFold(f.Name[:len(prefix)], prefix)
}

func set(h *message.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}
