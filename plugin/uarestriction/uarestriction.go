// Package uarestriction is the plugin that lets some programs of clients pass and
// refuses others, by what they say they are.
package uarestriction

import (
	"regexp"
	"slices"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a ua_restriction plugin.
type settings struct {
	// UAList are expressions; one that matches anywhere in the User-Agent field
	// is enough.
	UAList []*regexp.Regexp `config:"ua_list" example:"(?i)bot"`
	// Type says whether those on the list alone may pass, or all others.
	Type string `config:"type" default:"allow" enum:"allow,deny"`
	// Message is what is told to who is refused.
	Message string `config:"message" default:"Request is forbidden"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "ua_restriction",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	r := &restriction{Restriction: plugin.NewRestriction(s.Type, s.Message), agents: s.UAList}
	if len(problems) == 0 {
		problems = r.CheckList(table, "ua_list", len(s.UAList))
	}
	return r, problems
}

type restriction struct {
	plugin.Restriction
	agents []*regexp.Regexp
}

// Wrap looks at the User-Agent of the request.
func (r *restriction) Wrap(next message.Handler) message.Handler {
	return r.Restriction.Wrap(next, func(x *message.Exchange) bool {
		agent, ok := x.Request.Header.Lookup("User-Agent")
		return ok && slices.ContainsFunc(r.agents, func(e *regexp.Regexp) bool { return e.MatchString(agent) })
	})
}
