// Package mock is the plugin that gives a canned answer.
package mock

import (
	"fmt"
	"time"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a mock plugin.
type settings struct {
	// Path that is answered, exactly. Without it every request is.
	Path string `config:"path"`
	// Status of the answer.
	Status int `config:"status" default:"200" min:"200" max:"599"`
	// Headers of the answer, each "Name: value".
	Headers []config.Header `config:"headers"`
	// Data is the content of the answer. With status 204, 205 or 304 there is none.
	Data string `config:"data"`
	// Delay is how long the answer waits.
	Delay time.Duration `config:"delay"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "mock",
		Steps:    []plugin.Step{plugin.Request, plugin.ProxyUpstream},
		New:      build,
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	m := &mock{path: s.Path, status: s.Status, delay: s.Delay, content: plugin.Content{Data: []byte(s.Data)}}
	for _, h := range s.Headers {
		m.content.Header = append(m.content.Header, message.Field{Name: h.Name, Value: h.Value})
	}
	if s.Data != "" && contentless(s.Status) {
		lost := table.Problem("data", fmt.Sprintf("has no effect, an answer of status %d has no content", s.Status), "choose another status, or leave data out")
		lost.Warning = true
		problems = append(problems, lost)
		m.content.Data = nil
	}
	return m, problems
}

// contentless reports whether answers of a status end with their head (RFC 9110
// sections 15.3.5, 15.3.6 and 15.4.5).
func contentless(status int) bool { return status == 204 || status == 205 || status == 304 }

type mock struct {
	path    string
	status  int
	delay   time.Duration
	content plugin.Content
}

// Wrap answers requests for the path, and passes on the others.
func (m *mock) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if m.path != "" && x.Request.Path != m.path {
			return next.Serve(x)
		}
		if m.delay > 0 {
			if err := x.Loop.Sleep(m.delay); err != nil {
				return err
			}
		}
		plugin.Answer(x, m.status, &m.content)
		return nil
	})
}
