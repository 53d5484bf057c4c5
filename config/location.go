package config

import (
	"fmt"
	"strings"
	"time"
)

// Location is a section [locations.name]: which requests it is for, and what
// is done with them.
type Location struct {
	Item
	// Upstream is the name of the upstream, or $name of a group that host,
	// path or rewrite captures. Empty where a plugin answers.
	Upstream string `config:"upstream"`
	// Host is a list separated by commas: exact names, *.example.com and
	// ~regexp. Empty means any host.
	Host Hosts `config:"host" example:"example.com"`
	// Path is /prefix, =/exact or ~regexp. Empty means any path. Among those that
	// fit the weight decides: see docs/routing.md.
	Path Path `config:"path" example:"/api"`
	// MatchHeaders, MatchQuery and MatchCookies must all hold: "name" is
	// there, or "name:value" has that value.
	MatchHeaders []Condition `config:"match_headers" example:"X-Version:2"`
	MatchQuery   []Condition `config:"match_query" example:"version:2"`
	MatchCookies []Condition `config:"match_cookies" example:"beta"`
	// Rewrite is "regexp replacement", or a replacement for the whole path
	// such as /api/$name.
	Rewrite Rewrite `config:"rewrite" example:"^/api/ /"`
	// ProxySetHeaders replace fields of the request to the upstream,
	// ProxyAddHeaders are added to it. Values may hold variables: see
	// docs/variables.md.
	ProxySetHeaders []Header `config:"proxy_set_headers" example:"X-Name: value"`
	ProxyAddHeaders []Header `config:"proxy_add_headers" example:"X-Name: value"`
	// SetResponseHeaders replace fields of the answer, AddResponseHeaders are
	// added to it, whoever has made it. An error page of the proxy gets them too,
	// but for those that are about content and caching, such as Content-Type and
	// Cache-Control. Values may hold variables: see docs/variables.md.
	SetResponseHeaders []Header `config:"set_response_headers" example:"X-Name: value"`
	AddResponseHeaders []Header `config:"add_response_headers" example:"X-Name: value"`
	// EnableReverseProxyHeaders tells the upstream for whom it works:
	// X-Real-IP, X-Forwarded-For, -Proto, -Host and -Port.
	EnableReverseProxyHeaders bool `config:"enable_reverse_proxy_headers"`
	// Weight decides which location is asked first, in place of the weight
	// that follows from host and path: see docs/routing.md.
	Weight Weight `config:"weight" min:"0" max:"65535"`
	// Plugins by name, in order.
	Plugins []string `config:"plugins"`
	// ClientMaxBodySize is how large the content of a request may be; 0 for
	// any size.
	ClientMaxBodySize Size `config:"client_max_body_size" example:"10MB"`
	// MaxProcessing is how many exchanges may be in flight; 0 for any number.
	MaxProcessing int `config:"max_processing" min:"0" max:"2000000000"`
	// MaxRetries is how often another connection is tried when one cannot be
	// made.
	MaxRetries int `config:"max_retries" min:"0" max:"255"`
	// MaxRetryWindow ends the retries so long after the start of the request;
	// 0 does not.
	MaxRetryWindow time.Duration `config:"max_retry_window"`
	// GRPCWeb lets browsers call the upstream, which speaks gRPC: their calls
	// are translated from gRPC-Web, the answers into it.
	GRPCWeb bool `config:"grpc_web"`
	// Includes are storages whose keys are taken in; they win over those here.
	Includes []string `config:"includes"`
	// Remark is a note.
	Remark string `config:"remark"`
}

func (l *Location) check() Problems {
	if l.MaxRetryWindow > 0 && l.MaxRetries == 0 {
		return Problems{l.Warning("max_retry_window", "has no effect without max_retries", "")}
	}
	return nil
}

// Weight is a location's own weight, if it is Set.
type Weight struct {
	Value int
	Set   bool
}

// UnmarshalInteger takes a weight.
func (w *Weight) UnmarshalInteger(v int64) error {
	if v < 0 || v > maxWeight {
		return &ValueError{Message: fmt.Sprintf("the weight %d is not between 0 and %d", v, maxWeight)}
	}
	*w = Weight{int(v), true}
	return nil
}

// Path is how a location's path is written.
type Path string

const pathHint = `write "/prefix", "=/exact" or "~regexp"`

// UnmarshalText checks a path. Blanks around it and after its sign do not
// count.
func (p *Path) UnmarshalText(text []byte) error {
	path := strings.TrimSpace(string(text))
	wrong := func(message, hint string) error {
		return &ValueError{Message: fmt.Sprintf(message, text), Hint: hint}
	}
	switch {
	case strings.HasPrefix(path, "~*"):
		return wrong("%q is no path", "for upper and lower case alike write ~(?i) and the expression")
	case strings.HasPrefix(path, "^~"):
		return wrong("%q is no path", "a prefix is written without a sign; among the paths that match, the weight decides")
	case strings.HasPrefix(path, "~"):
		_, err := compileRegexp(strings.TrimSpace(path[1:]))
		*p = Path(path)
		return err
	}
	*p = Path(path)
	exact, isExact := strings.CutPrefix(path, "=")
	path = strings.TrimSpace(exact)
	switch {
	case path == "" && !isExact:
		return nil
	case !strings.HasPrefix(path, "/"):
		return wrong("the path %q does not begin with a slash", pathHint)
	case strings.ContainsAny(path, "?#"):
		return wrong("the path %q holds a ? or #", "the query is not part of a path; what must be in it goes into match_query")
	case strings.ContainsAny(path, " \t"):
		return wrong("the path %q holds a blank", "a blank in a path is written %20")
	}
	return nil
}

// Rewrite is how a location changes paths, as it is written.
type Rewrite string

// rewriteHint shows both ways to write a rewrite.
const rewriteHint = `write a regular expression, a blank and the replacement, such as "^/api/ /", or a path with captures, such as "/v1/$name"`

// UnmarshalText checks the parts of a rewrite, but not which captures there
// are.
func (r *Rewrite) UnmarshalText(text []byte) error {
	words := strings.Fields(string(text))
	*r = Rewrite(strings.Join(words, " "))
	switch {
	case len(words) == 0:
		return nil
	case len(words) == 1 && strings.ContainsAny(words[0][:1], "/$") && strings.Contains(words[0], "$"):
		return nil
	case len(words) == 1:
		return &ValueError{Message: fmt.Sprintf("%q has no replacement", text), Hint: rewriteHint}
	case len(words) > 2:
		return &ValueError{Message: fmt.Sprintf("%q has %d parts", text, len(words)), Hint: `a rewrite is a regular expression and a replacement, and neither holds a blank; write \s or %20`}
	}
	_, err := compileRegexp(words[0])
	return err
}

// Condition is what a field, parameter or cookie must be.
type Condition struct {
	Name     string
	Value    string
	HasValue bool // the value must be Value; otherwise it is enough that there is one
}

// UnmarshalText reads "name" or "name:value".
func (c *Condition) UnmarshalText(text []byte) error {
	c.Name, c.Value, c.HasValue = strings.Cut(string(text), ":")
	c.Name, c.Value = strings.TrimSpace(c.Name), strings.TrimSpace(c.Value)
	if c.Name == "" || strings.ContainsAny(c.Name, " =") {
		return &ValueError{Message: fmt.Sprintf("%q is no condition", text), Hint: `write "name" for one that is there, or "name:value"`}
	}
	return nil
}
