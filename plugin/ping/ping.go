// Package ping is the plugin that answers a health check itself, with 200 and
// the word pong.
package ping

import (
	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a ping plugin.
type settings struct {
	// Path that is answered, exactly. Without it the plugin answers nothing.
	Path string `config:"path"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category:  "ping",
		Steps:     []plugin.Step{plugin.Request},
		New:       build,
		ReadyMade: map[string]string{"pingap:ping": `path = "/ping"`},
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	return &ping{path: s.Path}, problems
}

type ping struct {
	path string
}

var pong = &plugin.Content{
	Header: []message.Field{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}},
	Data:   []byte("pong"),
}

// Wrap answers requests for the path, whatever their method, and passes on the
// others.
func (p *ping) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if p.path == "" || x.Request.Path != p.path {
			return next.Serve(x)
		}
		plugin.Answer(x, 200, pong)
		return nil
	})
}
