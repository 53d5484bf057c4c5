package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Location is a section [locations.name]: which requests it is for, and what
// is done with them.
type Location struct {
	Item
	// Upstream is the name of the upstream, or $variable. Empty where a plugin
	// answers.
	Upstream string `config:"upstream"`
	// Host is a list separated by commas: exact names, *.example.com, ~regexp.
	// Empty: any host.
	Host Hosts `config:"host"`
	// Path is /prefix, =/exact or ~regexp. Empty: any path.
	Path string `config:"path"`
	// MatchHeaders, MatchQuery and MatchCookies must all hold: "name" is
	// present, or "name:value" has that value.
	MatchHeaders []Condition `config:"match_headers"`
	MatchQuery   []Condition `config:"match_query"`
	MatchCookies []Condition `config:"match_cookies"`
	// Rewrite is "regexp replacement", or a template for the path.
	Rewrite string `config:"rewrite"`
	// ProxySetHeaders and ProxyAddHeaders are fields of the request to the
	// upstream.
	ProxySetHeaders []Header `config:"proxy_set_headers"`
	ProxyAddHeaders []Header `config:"proxy_add_headers"`
	// SetResponseHeaders and AddResponseHeaders are fields of the answer.
	SetResponseHeaders []Header `config:"set_response_headers"`
	AddResponseHeaders []Header `config:"add_response_headers"`
	// EnableReverseProxyHeaders tells the upstream whom it is answering:
	// X-Real-IP, X-Forwarded-For, -Proto, -Host and -Port.
	EnableReverseProxyHeaders bool `config:"enable_reverse_proxy_headers"`
	// Weight decides which location is asked first, instead of the weight that
	// follows from host and path.
	Weight Weight `config:"weight"`
	// Plugins by name, in order.
	Plugins []string `config:"plugins"`
	// ClientMaxBodySize is how large a request's content may be; 0 for any.
	ClientMaxBodySize Size `config:"client_max_body_size"`
	// MaxProcessing is how many exchanges may be in flight; 0 for any number.
	MaxProcessing int `config:"max_processing" min:"0"`
	// MaxRetries is how often a connection that could not be made is tried
	// again.
	MaxRetries int `config:"max_retries" min:"0" max:"255"`
	// MaxRetryWindow ends the retries so long after the start of the request.
	MaxRetryWindow time.Duration `config:"max_retry_window"`
	// Remark is a note.
	Remark string `config:"remark"`
}

func (*Location) laterKeys() map[string][]any {
	return map[string][]any{"grpc_web": {false}, "includes": nil}
}

// Weight is a location's own weight.
type Weight struct {
	Value int
	Set   bool
}

// Hosts are the items of a location's host.
type Hosts []string

// UnmarshalText splits the list at its commas, except for those inside a
// regular expression's brackets.
func (h *Hosts) UnmarshalText(text []byte) error {
	for _, item := range splitHosts(string(text)) {
		item = strings.TrimSpace(item)
		if err := checkHost(item); err != nil {
			return err
		}
		*h = append(*h, item)
	}
	return nil
}

// splitHosts splits at commas outside of (), [] and {}, so that a{2,3} stays
// whole.
func splitHosts(text string) []string {
	var items []string
	depth, start := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth <= 0 {
				items = append(items, text[start:i])
				start = i + 1
			}
		}
	}
	return append(items, text[start:])
}

func checkHost(item string) error {
	if expression, ok := strings.CutPrefix(item, "~"); ok {
		if _, err := regexp.Compile(strings.TrimSpace(expression)); err != nil {
			return &valueError{fmt.Sprintf("host %q: %s", item, regexpProblem(err)), "a host that begins with ~ is a regular expression"}
		}
		return nil
	}
	name := strings.TrimPrefix(item, "*.")
	switch {
	case strings.Contains(name, "*"):
		return &valueError{fmt.Sprintf("invalid host wildcard pattern: %s", item), "only *. at the front is allowed, such as *.example.com"}
	case strings.Contains(name, "/"):
		return &valueError{fmt.Sprintf("host %q holds a slash", item), "write the name alone, such as example.com; paths go into path"}
	case isBareIPv6(name):
		return nil
	case strings.Contains(name, ":"):
		return &valueError{fmt.Sprintf("host %q has a port", item), "write the name alone: a request's port does not matter"}
	case name == "" || strings.ContainsAny(name, " \t"):
		return &valueError{fmt.Sprintf("%q is no host", item), `write names separated by commas, such as "example.com, *.example.com"`}
	}
	return nil
}

func isBareIPv6(name string) bool {
	return strings.Count(name, ":") > 1
}

// Condition is what a field, parameter or cookie must be.
type Condition struct {
	Name     string
	Value    string
	HasValue bool // the value must be Value; otherwise presence is enough
}

// UnmarshalText reads "name" or "name:value".
func (c *Condition) UnmarshalText(text []byte) error {
	c.Name, c.Value, c.HasValue = strings.Cut(string(text), ":")
	c.Name, c.Value = strings.TrimSpace(c.Name), strings.TrimSpace(c.Value)
	if c.Name == "" {
		return &valueError{fmt.Sprintf("the condition %q has no name", text), `write "name" or "name:value"`}
	}
	return nil
}

func addLocation(c *Config, item Item, n *Node, problems *Problems) {
	l := &Location{Item: item}
	section := "locations." + item.Name
	decodeStruct(n, section, l, problems)
	l.checkPath(section, problems)
	c.Locations = append(c.Locations, l)
}

func (l *Location) checkPath(section string, problems *Problems) {
	at := l.at("path")
	switch {
	case l.Path == "":
	case l.Path[0] == '~':
		if _, err := regexp.Compile(strings.TrimSpace(l.Path[1:])); err != nil {
			problems.add(at, section, "path", regexpProblem(err), "a path that begins with ~ is a regular expression")
		}
	case !strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(l.Path, "=")), "/"):
		problems.add(at, section, "path", fmt.Sprintf("the path %q does not begin with a slash", l.Path), `write "/prefix", "=/exact" or "~regexp"`)
	case strings.ContainsAny(l.Path, "?#"):
		problems.add(at, section, "path", fmt.Sprintf("the path %q holds a ? or #", l.Path), "a path is matched without the query; conditions on it go into match_query")
	}
}
