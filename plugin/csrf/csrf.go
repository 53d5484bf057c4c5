// Package csrf is the plugin that lets only those pages change something that
// have been given a token: the same in a cookie, which browsers send by
// themselves, and in a header field, which a page of another site cannot set.
package csrf

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a csrf plugin.
type settings struct {
	// TokenPath is answered with a new token in a cookie.
	TokenPath string `config:"token_path" required:"true" example:"/csrf"`
	// Key is what tokens are signed with, the same in all instances.
	Key string `config:"key" required:"true"`
	// Name is that of the cookie and of the header field.
	Name config.FieldName `config:"name" default:"x-csrf-token"`
	// TTL is how long a token is good for; 0 for ever.
	TTL time.Duration `config:"ttl"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "csrf",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
	})
}

func build(table *config.Table, _ *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	c := &csrf{path: s.TokenPath, key: []byte(s.Key), name: string(s.Name), ttl: s.TTL,
		refusal: plugin.NewRefusal(401, "Csrf token is empty or invalid")}
	c.attributes = "; Path=/; SameSite=Lax"
	if s.TTL > 0 {
		c.attributes += "; Max-Age=" + strconv.FormatInt(int64(s.TTL/time.Second), 10)
	}
	if s.TTL < 0 || s.TTL > 0 && s.TTL < time.Second {
		problems = append(problems, table.Problem("ttl", "is less than a second", `write ttl = "1h", or leave it out`))
	}
	if s.TokenPath != "" && s.TokenPath[0] != '/' {
		problems = append(problems, table.Problem("token_path", "does not begin with /", `write token_path = "/`+s.TokenPath+`"`))
	}
	return c, problems
}

type csrf struct {
	path       string
	key        []byte
	name       string
	ttl        time.Duration
	attributes string // of the cookie
	refusal    *plugin.Refusal
}

// Wrap gives tokens out, and asks for one before anything may change.
func (c *csrf) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		switch {
		case x.Request.Path == c.path:
			c.give(x)
			return nil
		case isSafe(x.Request.Method) || c.shown(x):
			return next.Serve(x)
		}
		return c.refusal.Serve(x)
	})
}

// isSafe reports whether a method changes nothing (RFC 9110 section 9.2.1). TRACE
// is not asked for by pages.
func isSafe(method string) bool { return method == "GET" || method == "HEAD" || method == "OPTIONS" }

var given = plugin.Content{Header: []message.Field{{Name: "Cache-Control", Value: "private, no-store"}}}

// give answers with a token.
func (c *csrf) give(x *message.Exchange) {
	plugin.Answer(x, 204, &given)
	cookie := c.name + "=" + c.token(x.Loop.WallTime(x.Loop.Now())) + c.attributes
	if x.ClientScheme() == "https" {
		cookie += "; Secure"
	}
	x.Response.Header.Add("Set-Cookie", cookie)
}

// token makes a token: an id, the time in hexadecimal seconds, and their
// signature.
func (c *csrf) token(now time.Time) string {
	claim := strconv.FormatUint(rand.Uint64(), 36) + "." + strconv.FormatInt(now.Unix(), 16)
	return claim + "." + c.sign(claim)
}

func (c *csrf) sign(claim string) string {
	h := hmac.New(sha256.New, c.key)
	h.Write([]byte(claim))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// shown reports whether the field and the cookie are the same good token.
func (c *csrf) shown(x *message.Exchange) bool {
	token := x.Request.Header.Get(c.name)
	cookie, _ := x.Request.Cookie(c.name)
	if token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(cookie)) != 1 {
		return false
	}
	return c.good(token, x.Loop.WallTime(x.Loop.Now()))
}

// good reports whether a token was made with the key, and is not too old.
func (c *csrf) good(token string, now time.Time) bool {
	end := strings.LastIndexByte(token, '.')
	if end < 0 || subtle.ConstantTimeCompare([]byte(c.sign(token[:end])), []byte(token[end+1:])) != 1 {
		return false
	}
	_, made, _ := strings.Cut(token[:end], ".")
	seconds, err := strconv.ParseInt(made, 16, 64)
	return err == nil && (c.ttl == 0 || now.Sub(time.Unix(seconds, 0)) <= c.ttl)
}
