// Package trafficsplitting is the plugin that sends a share of the requests to
// another upstream.
package trafficsplitting

import (
	"hash/crc32"
	"math/rand/v2"
	"regexp"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a traffic_splitting plugin.
type settings struct {
	// Upstream is the name of the upstream that gets the share.
	Upstream string `config:"upstream" required:"true"`
	// Weight is the share in percent.
	Weight int `config:"weight" min:"0" max:"100"`
	// Stickiness lets the value of a cookie or a header field decide, always in
	// the same way. A request without one stays with the location's upstream.
	Stickiness bool `config:"stickiness"`
	// StickyCookie is the name of the cookie. It goes before StickyHeader.
	StickyCookie string `config:"sticky_cookie"`
	// StickyHeader is the name of the header field.
	StickyHeader config.FieldName `config:"sticky_header"`
	// Matcher decides by the value instead: what it matches goes to Upstream, as
	// long as Weight is not 0, and nothing else does.
	Matcher *regexp.Regexp `config:"matcher" example:"^beta-"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "traffic_splitting",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
		Upstream: "upstream",
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	switch {
	case s.Stickiness && s.StickyCookie == "" && s.StickyHeader == "":
		problems = append(problems, table.Problem("stickiness", "needs something to stick to", "write sticky_cookie or sticky_header"))
	case !s.Stickiness:
		for _, key := range []string{"sticky_cookie", "sticky_header", "matcher"} {
			if table.Text(key) != "" {
				problems = append(problems, table.Warning(key, "has no effect without stickiness", "write stickiness = true"))
			}
		}
	case s.StickyCookie != "" && s.StickyHeader != "":
		problems = append(problems, table.Warning("sticky_header", "has no effect beside sticky_cookie", ""))
	}
	if s.Weight == 0 && len(problems) == 0 {
		problems = append(problems, table.Warning("weight", "sends nothing to the upstream", "write the share in percent"))
	}
	p := &splitting{upstream: s.Upstream, weight: s.Weight, chosen: byChance}
	if s.Stickiness {
		p.chosen, p.matcher = byValue, s.Matcher
		p.value = func(r *message.Request) string { return r.Field(string(s.StickyHeader)) }
		if s.StickyCookie != "" {
			p.value = func(r *message.Request) string { v, _ := r.Cookie(s.StickyCookie); return v }
		}
	}
	return p, problems
}

type splitting struct {
	upstream string
	weight   int
	chosen   func(p *splitting, x *message.Exchange) bool
	value    func(*message.Request) string // that decides
	matcher  *regexp.Regexp                // nil: the weight decides
}

// Wrap names the upstream where an exchange is chosen. Of several that choose one
// the last counts.
func (p *splitting) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if p.weight > 0 && p.chosen(p, x) {
			x.Instead = p.upstream
		}
		return next.Serve(x)
	})
}

func byChance(p *splitting, _ *message.Exchange) bool { return rand.IntN(100) < p.weight }

// byValue takes the same part of 100 for the same value as Pingap.
func byValue(p *splitting, x *message.Exchange) bool {
	value := p.value(&x.Request)
	switch {
	case value == "":
		return false
	case p.matcher != nil:
		return p.matcher.MatchString(value)
	}
	return int(crc32.ChecksumIEEE(append(x.Buffer(len(value)), value...))%100) < p.weight
}
