// Package jwt is the plugin that lets those pass who show a JSON Web Token
// (RFC 7519), and that makes tokens of what an upstream says of its users.
package jwt

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// settings are the keys of a jwt plugin.
type settings struct {
	// Header is the field that holds the token, behind the word Bearer or alone.
	Header config.FieldName `config:"header" example:"Authorization"`
	// Cookie is the cookie that holds the token. Header wins over it.
	Cookie string `config:"cookie"`
	// Query is the argument that holds the token. Header and Cookie win over it.
	Query string `config:"query"`
	// Secret is what HMAC tokens are signed with.
	Secret string `config:"secret"`
	// Algorithm is the one that tokens are signed by. Without it HS256 and HS512
	// count with a secret, and all that need a public key with a JWKS.
	Algorithm string `config:"algorithm" enum:"HS256,HS512,RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,EdDSA"`
	// PublicKey is the key that tokens are verified with, as PEM.
	PublicKey string `config:"public_key"`
	// JWKSURL is where the keys are that tokens are verified with.
	JWKSURL string `config:"jwks_url" example:"https://login.example.com/.well-known/jwks.json"`
	// JWKSTTL is how long those keys are used before they are fetched again.
	JWKSTTL time.Duration `config:"jwks_ttl" default:"1h"`
	// AuthPath is asked without a token: the upstream answers with the claims of
	// one, as JSON, and the client gets the token.
	AuthPath string `config:"auth_path" example:"/login"`
	// Delay is how long the answer to a wrong token waits.
	Delay time.Duration `config:"delay"`
}

func init() {
	plugin.Register(plugin.Kind{
		Category: "jwt",
		Steps:    []plugin.Step{plugin.Request},
		New:      build,
	})
}

func build(table *config.Table, env *plugin.Environment) (plugin.Plugin, config.Problems) {
	var s settings
	problems := table.Decode(&s)
	g := &guard{find: s.finder(), authPath: s.AuthPath, logger: env.Logger}
	if g.find == nil {
		problems = append(problems, table.Problem("", "says neither with header nor with cookie nor with query where the token is", `write header = "Authorization"`))
	}
	challenge := message.Field{Name: "WWW-Authenticate", Value: "Bearer"}
	refuse := func(why string) *plugin.Refusal { return plugin.NewRefusal(401, "Jwt authorization "+why, challenge) }
	g.missing, g.malformed = refuse("is missing"), refuse("format is invalid").After(s.Delay)
	g.wrong, g.expired = refuse("is invalid").After(s.Delay), refuse("is expired")
	problems = append(problems, g.useKeys(table, &s)...)
	if s.AuthPath != "" {
		problems = append(problems, g.useSecret(table, &s)...)
	}
	return g, problems
}

// guard is the plugin.
type guard struct {
	find                               func(*message.Request) string
	parser                             *jwt.Parser
	keys                               keys
	authPath                           string // "" for none
	minting                            minting
	logger                             *slog.Logger
	missing, malformed, wrong, expired *plugin.Refusal
}

// finder returns what finds the token of a request, nil if nothing says where.
func (s *settings) finder() func(*message.Request) string {
	switch {
	case s.Header != "":
		name := string(s.Header)
		return func(r *message.Request) string { return bearer(r.Header.Get(name)) }
	case s.Cookie != "":
		return func(r *message.Request) string { v, _ := r.Cookie(s.Cookie); return v }
	case s.Query != "":
		return func(r *message.Request) string { v, _ := r.Argument(s.Query); return v }
	}
	return nil
}

// bearer takes the scheme off (RFC 6750 section 2.1), whose case does not matter.
func bearer(field string) string {
	if scheme, token, ok := strings.Cut(field, " "); ok && message.EqualFold(scheme, "Bearer") {
		return strings.Trim(token, " ")
	}
	return field
}

// hmacs are the algorithms that sign with a secret, asymmetric those that sign with
// a private key.
var (
	hmacs      = []string{"HS256", "HS512"}
	asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"}
)

// useKeys sets what tokens are verified with: a key, those of a JWKS, or the secret.
func (g *guard) useKeys(table *config.Table, s *settings) (problems config.Problems) {
	isHMAC := strings.HasPrefix(s.Algorithm, "HS")
	methods := []string{s.Algorithm}
	options := []jwt.ParserOption{jwt.WithExpirationRequired()}
	switch {
	case s.PublicKey != "":
		key, err := publicKey(s.PublicKey, s.Algorithm)
		if err != nil {
			problems = append(problems, table.Problem(err.key, err.message, err.hint))
		}
		g.keys = always{key}
	case s.JWKSURL != "":
		if u, err := url.Parse(s.JWKSURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			problems = append(problems, table.Problem("jwks_url", "is no URL of http or https", `write jwks_url = "https://login.example.com/jwks.json"`))
		}
		if s.JWKSTTL < time.Second {
			problems = append(problems, table.Problem("jwks_ttl", "is less than a second", `write jwks_ttl = "1h"`))
		}
		if isHMAC {
			problems = append(problems, table.Problem("algorithm", s.Algorithm+" needs a secret, and a JWKS has public keys", "leave algorithm or jwks_url out"))
		}
		if s.Algorithm == "" {
			methods = asymmetric
		}
		g.keys = newKeySet(s.JWKSURL, s.JWKSTTL, g.logger)
	default:
		options = nil
		if s.Algorithm == "" {
			methods = hmacs
		} else if !isHMAC {
			problems = append(problems, table.Problem("algorithm", s.Algorithm+" needs a public_key or a jwks_url", "add one, or use HS256 with a secret"))
		}
		if s.Secret == "" {
			problems = append(problems, table.Problem("secret", "is missing, and so are public_key and jwks_url", "one of them is needed: anybody could make tokens without"))
		}
		g.keys = always{[]byte(s.Secret)}
	}
	g.parser = jwt.NewParser(append(options, jwt.WithValidMethods(methods))...)
	return problems
}

// Wrap passes on what comes with a good token.
func (g *guard) Wrap(next message.Handler) message.Handler {
	return message.HandlerFunc(func(x *message.Exchange) error {
		if g.authPath != "" && x.Request.Path == g.authPath {
			return g.mint(x, next)
		}
		token := g.find(&x.Request)
		if token == "" {
			return g.missing.Serve(x)
		}
		if refusal := g.verify(x, token); refusal != nil {
			return refusal.Serve(x)
		}
		return next.Serve(x)
	})
}

// errCritical is for tokens with extensions that must not be ignored (RFC 7515
// section 4.1.11). None is known here.
var errCritical = errors.New("the token has critical extensions")

// verify returns nil for a token that is good, and otherwise what to answer.
func (g *guard) verify(x *message.Exchange, token string) *plugin.Refusal {
	_, err := g.parser.Parse(token, func(t *jwt.Token) (any, error) {
		if _, ok := t.Header["crit"]; ok {
			return nil, errCritical
		}
		return g.keys.keyOf(x, t)
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrTokenMalformed):
		return g.malformed
	case errors.Is(err, jwt.ErrTokenExpired):
		return g.expired
	}
	return g.wrong
}

// settingError is what is wrong with a setting.
type settingError struct{ key, message, hint string }

// publicKey reads a key in PEM, which has to be of the kind that the algorithm
// takes: a token that names another one would be verified with it otherwise.
func publicKey(text, algorithm string) (any, *settingError) {
	const hint = "the algorithm has to be of the same kind as the key"
	pem := []byte(text)
	var key any
	var err error
	switch {
	case algorithm == "":
		return nil, &settingError{"algorithm", "is missing, and a public_key needs one", `write algorithm = "RS256" or what the tokens are signed by`}
	case strings.HasPrefix(algorithm, "HS"):
		return nil, &settingError{"algorithm", algorithm + " needs a secret and no public_key", "anybody who has the public key could make tokens"}
	case algorithm[0] == 'E' && algorithm != "EdDSA":
		ec, failure := jwt.ParseECPublicKeyFromPEM(pem)
		if key, err = ec, failure; err == nil && ec.Curve.Params().BitSize != map[string]int{"ES256": 256, "ES384": 384}[algorithm] {
			return nil, &settingError{"public_key", fmt.Sprintf("is on the curve %s, which is not that of %s", ec.Curve.Params().Name, algorithm), hint}
		}
	case algorithm == "EdDSA":
		key, err = jwt.ParseEdPublicKeyFromPEM(pem)
	default:
		key, err = jwt.ParseRSAPublicKeyFromPEM(pem)
	}
	if err != nil {
		return nil, &settingError{"public_key", fmt.Sprintf("cannot be read as a key for %s: %v", algorithm, err), hint}
	}
	return key, nil
}
