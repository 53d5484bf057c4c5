// Package basicauth is the plugin that lets those pass who show a name and a
// password (RFC 7617).
package basicauth

import (
	"strings"
	"time"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a basic_auth plugin.
type settings struct {
	// Authorizations are who may pass, each the base64 of "name:password".
	Authorizations []config.Credentials `config:"authorizations" required:"true" example:"YWxpY2U6c2VjcmV0"`
	// Delay is how long the answer to wrong credentials waits.
	Delay time.Duration `config:"delay"`
	// HideCredentials keeps the field Authorization from the upstream.
	HideCredentials bool `config:"hide_credentials"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "basic_auth",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	challenge := message.Field{Name: "WWW-Authenticate", Value: `Basic realm="Access to the staging site", charset="UTF-8"`}
	return &basicAuth{
		known:   plugin.NewSecrets(s.Authorizations),
		hide:    s.HideCredentials,
		missing: plugin.NewRefusal(401, "Authorization is missing", challenge),
		wrong:   plugin.NewRefusal(401, "Invalid user or password", challenge).After(s.Delay),
	}, problems
}

type basicAuth struct {
	known          plugin.Secrets
	hide           bool
	missing, wrong *plugin.Refusal
}

// Wrap passes on what comes with credentials that are known.
func (b *basicAuth) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		field, ok := x.Request.Header.Lookup("Authorization")
		switch {
		case !ok || field == "":
			return b.missing.Serve(x)
		case !b.right(field):
			return b.wrong.Serve(x)
		case b.hide:
			x.Request.Header.Del("Authorization")
		}
		return next.Serve(x)
	})
}

// right reports whether the field shows known credentials. The scheme's name is
// not case-sensitive (RFC 9110 section 11.1).
func (b *basicAuth) right(field string) bool {
	scheme, shown, _ := strings.Cut(field, " ")
	if !message.EqualFold(scheme, "Basic") {
		return false
	}
	plain, err := config.DecodeBase64(strings.TrimLeft(shown, " "))
	return err == nil && b.known.Hold(message.View(plain))
}
