// Package refererrestriction is the plugin that lets requests pass or refuses them
// by the site whose page has led to them.
package refererrestriction

import (
	"fmt"
	"strings"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a referer_restriction plugin.
type settings struct {
	// RefererList are hosts. One that begins with a star stands for all that end
	// with the rest.
	RefererList []pattern `config:"referer_list" example:"*.example.com"`
	// Type says whether those on the list alone may pass, or all others.
	Type string `config:"type" default:"allow" enum:"allow,deny"`
	// Message is what is told to who is refused.
	Message string `config:"message" default:"Request is forbidden"`
}

// pattern is an entry of the list, in lower case.
type pattern string

// UnmarshalText checks a host, which is written without scheme, port and path.
func (p *pattern) UnmarshalText(text []byte) error {
	written := string(text)
	host, hasStar := strings.CutPrefix(written, "*")
	if message.CheckAuthority(host) != nil && !(hasStar && host == "") || portless(host) != host || strings.Contains(host, "*") {
		e := &config.ValueError{Message: fmt.Sprintf("%q is no host", written), Hint: `write "example.com", or "*.example.com" for those below it`}
		if found, ok := hostOf(written); ok {
			e.Hint = fmt.Sprintf("write %q", found)
		}
		return e
	}
	*p = pattern(strings.ToLower(written))
	if hasStar && host != "" && host[0] != '.' {
		return &config.ValueError{Message: fmt.Sprintf("%q stands for evil%s too", written, host), Hint: fmt.Sprintf("write %q and %q", host, "*."+host), Warning: true}
	}
	return nil
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "referer_restriction",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	r := &restriction{Restriction: plugin.NewRestriction(s.Type, s.Message), hosts: make(map[string]bool)}
	for _, p := range s.RefererList {
		if suffix, ok := strings.CutPrefix(string(p), "*"); ok {
			r.suffixes = append(r.suffixes, suffix)
		} else {
			r.hosts[string(p)] = true
		}
	}
	if len(problems) == 0 {
		problems = r.CheckList(table, "referer_list", len(s.RefererList))
	}
	return r, problems
}

type restriction struct {
	plugin.Restriction
	hosts    map[string]bool
	suffixes []string
}

// Wrap looks at the Referer of the request. Without one, and with one that names
// no host, it is on no list.
func (r *restriction) Wrap(next message.Handler) message.Handler {
	return r.Restriction.Wrap(next, func(x *message.Exchange) bool {
		host, ok := hostOf(x.Request.Header.Get("Referer"))
		return ok && r.holds(appendLower(x.Buffer(len(host)), host))
	})
}

func (r *restriction) holds(host []byte) bool {
	if r.hosts[string(host)] {
		return true
	}
	for _, suffix := range r.suffixes {
		if strings.HasSuffix(message.View(host), suffix) {
			return true
		}
	}
	return false
}

func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// hostOf returns the host of an absolute URI (RFC 3986 section 4.3), without port
// and user information. It is strict: a text in which somebody else might find
// another host has none.
func hostOf(uri string) (host string, ok bool) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || !isScheme(scheme) {
		return "", false
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	host = strings.TrimSuffix(portless(rest), ".")
	if message.CheckAuthority(rest) != nil || host == "" {
		return "", false
	}
	return host, true
}

func isScheme(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('a' <= c|0x20 && c|0x20 <= 'z') && (i == 0 || message.Class[c]&message.DigitByte == 0 && !strings.ContainsRune("+-.", rune(c))) {
			return false
		}
	}
	return s != ""
}

// portless is an authority without its port.
func portless(authority string) string {
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		return authority[:colon]
	}
	return authority
}
