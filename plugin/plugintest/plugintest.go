// Package plugintest lets tests of plugins serve requests without a proxy.
package plugintest

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"pingap/config"
	"pingap/loop"
	"pingap/message"
	"pingap/plugin"
)

// Maker is the New of a kind of plugins.
type Maker = func(*config.Table, *plugin.Environment) (plugin.Plugin, config.Problems)

// Make makes a plugin of settings, which have to be right.
func Make(t testing.TB, maker Maker, settings string) plugin.Plugin {
	t.Helper()
	p, problems := maker(config.TableOf("test", settings), &plugin.Environment{Logger: slog.New(slog.DiscardHandler)})
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	return p
}

// Problems returns what is said of settings, as keys and messages in one text.
func Problems(maker Maker, settings string) string {
	_, problems := maker(config.TableOf("test", settings), &plugin.Environment{Logger: slog.New(slog.DiscardHandler)})
	var all []string
	for _, p := range problems {
		all = append(all, p.Key+": "+p.Message)
	}
	return strings.Join(all, "\n")
}

// Answer is what became of a request.
type Answer struct {
	*message.Exchange
	// Passed is set when the request has reached what stands behind the plugin,
	// which answers it with status 200 and the text "passed".
	Passed bool
	// Text is the content of the response.
	Text string
}

// Ask has a plugin serve a request. Each field is written "Name: value".
func Ask(t testing.TB, l *loop.Loop, p plugin.Plugin, method, target string, fields ...string) Answer {
	t.Helper()
	a := Answer{Exchange: &message.Exchange{Loop: l}}
	a.Reset()
	r := &a.Request
	r.Method, r.Scheme, r.Host = method, "http", "example.com"
	r.Path, r.Query, r.HasQuery = strings.Cut(target, "?")
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	a.Serve(t, p)
	return a
}

// Serve has a plugin serve the exchange as it is.
func (a *Answer) Serve(t testing.TB, p plugin.Plugin) {
	t.Helper()
	err := p.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		a.Passed = true
		x.Response.Status = 200
		x.Response.Body = x.BytesBody([]byte("passed"))
		return nil
	})).Serve(a.Exchange)
	if err != nil {
		t.Errorf("the plugin fails: %v", err)
		return
	}
	var text strings.Builder
	for {
		data, err := a.Response.Body.Next()
		text.Write(data)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Errorf("the content ends with %v", err)
			break
		}
	}
	a.Text = text.String()
}
