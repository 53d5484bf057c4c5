// Package keyauth is the plugin that lets those pass who show a key, in a header
// field or in the query.
package keyauth

import (
	"net/url"
	"strings"
	"time"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a key_auth plugin.
type settings struct {
	// Query is the argument that holds the key. It wins over Header.
	Query string `config:"query"`
	// Header is the field that holds the key.
	Header config.FieldName `config:"header" example:"X-Api-Key"`
	// Keys are those that are let pass.
	Keys []string `config:"keys" required:"true"`
	// Delay is how long the answer to a wrong key waits.
	Delay time.Duration `config:"delay"`
	// HideCredentials keeps the key from the upstream.
	HideCredentials bool `config:"hide_credentials"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "key_auth",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	k := &keyAuth{
		known:   plugin.NewSecrets(s.Keys),
		hide:    s.HideCredentials,
		missing: plugin.NewRefusal(401, "Key missing", challenge),
		wrong:   plugin.NewRefusal(401, "Key auth fail", challenge).After(s.Delay),
	}
	switch {
	case s.Query != "":
		k.at = argument(s.Query)
		if s.Header != "" {
			problems = append(problems, table.Warning("header", "has no effect beside query", "leave one of the two out"))
		}
	case s.Header != "":
		k.at = field(s.Header)
	default:
		problems = append(problems, table.Problem("", "says neither with header nor with query where the key is", `write header = "X-Api-Key"`))
	}
	return k, problems
}

// challenge is what a refusal has to name (RFC 9110 section 11.6.1), though no
// browser knows this scheme.
var challenge = message.Field{Name: "WWW-Authenticate", Value: "Key"}

type keyAuth struct {
	at             place
	known          plugin.Secrets
	hide           bool
	missing, wrong *plugin.Refusal
}

// place is where the key is in a request.
type place interface {
	// find returns the key, "" for none.
	find(r *message.Request) string
	// remove takes it out.
	remove(x *message.Exchange)
}

// Wrap passes on what comes with a key that is known.
func (k *keyAuth) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		key := k.at.find(&x.Request)
		switch {
		case key == "":
			return k.missing.Serve(x)
		case !k.right(key):
			return k.wrong.Serve(x)
		case k.hide:
			k.at.remove(x)
		}
		return next.Serve(x)
	})
}

// right reports whether a key is known, as it was sent or, for one that had to be
// encoded on its way, decoded.
func (k *keyAuth) right(key string) bool {
	if k.known.Hold(key) {
		return true
	}
	if strings.IndexByte(key, '%') < 0 {
		return false
	}
	decoded, err := url.QueryUnescape(key)
	return err == nil && k.known.Hold(decoded)
}

// field is a place in a field of the head.
type field string

func (f field) find(r *message.Request) string { return r.Header.Get(string(f)) }
func (f field) remove(x *message.Exchange)     { x.Request.Header.Del(string(f)) }

// argument is a place in the query.
type argument string

func (a argument) find(r *message.Request) string {
	key, _ := r.Argument(string(a))
	return key
}

// remove takes every argument of that name out, and leaves the others as they
// were written.
func (a argument) remove(x *message.Exchange) {
	r := &x.Request
	kept := x.Buffer(len(r.Query))
	for rest := r.Query; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if name, _, _ := strings.Cut(pair, "="); name == string(a) {
			continue
		}
		if len(kept) > 0 {
			kept = append(kept, '&')
		}
		kept = append(kept, pair...)
	}
	r.Query, r.HasQuery = message.View(kept), len(kept) > 0
}
