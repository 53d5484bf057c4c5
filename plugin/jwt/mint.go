package jwt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/golang-jwt/jwt/v5"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// minting is how tokens are made.
type minting struct {
	method jwt.SigningMethod
	secret []byte
}

// useSecret sets what tokens are made with. Pingap made them with an empty secret
// where there was none, which everybody has.
func (g *guard) useSecret(table *config.Table, s *settings) (problems config.Problems) {
	if s.AuthPath[0] != '/' {
		problems = append(problems, table.Problem("auth_path", "does not begin with /", `write auth_path = "/`+s.AuthPath+`"`))
	}
	if s.Secret == "" && (s.PublicKey != "" || s.JWKSURL != "") { // otherwise it has been reported
		problems = append(problems, table.Problem("secret", "is missing, and auth_path makes tokens with it", "set it, or leave auth_path out"))
	}
	if s.PublicKey != "" || s.JWKSURL != "" {
		problems = append(problems, table.Warning("auth_path", "makes tokens that are signed with the secret, and these do not pass here: tokens are verified with a public key", "leave auth_path out, or public_key and jwks_url"))
	}
	g.minting = minting{jwt.SigningMethodHS256, []byte(s.Secret)}
	if s.Algorithm == "HS512" {
		g.minting.method = jwt.SigningMethodHS512
	}
	return problems
}

// maxClaims bounds what an upstream says of a user, in bytes.
const maxClaims = 64 << 10

// mint passes the request on without a token, and makes one of the claims that the
// upstream answers with. Other answers than those of success go on as they are.
func (g *guard) mint(x *message.Exchange, next message.Handler) error {
	// Compressed claims could not be read.
	if err := plugin.ServeWith(x, next, "Accept-Encoding", ""); err != nil {
		return err
	}
	r := &x.Response
	if r.Status < 200 || r.Status > 299 || x.Request.Method == "HEAD" {
		return nil
	}
	claims, err := claimsOf(r)
	r.Body.Close()
	r.Header.DelFunc(isOfContent)
	if err != nil {
		g.logger.Warn("no token can be made of an answer", "location", x.Location, "error", err)
		r.Status = 502
		plugin.Answer(x, 502, &noClaims)
		return nil
	}
	token, err := jwt.NewWithClaims(g.minting.method, claims).SignedString(g.minting.secret)
	if err != nil {
		return fmt.Errorf("sign a token: %w", err)
	}
	plugin.Answer(x, 200, &plugin.Content{Header: tokenFields, Data: []byte(`{"token":"` + token + `"}`)})
	return nil
}

var (
	tokenFields = []message.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "Cache-Control", Value: "private, no-store"}}
	noClaims    = plugin.Content{
		Header: []message.Field{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}},
		Data:   []byte("The claims of the token are invalid"),
	}
)

// isOfContent tells the fields that describe the content, which is another one now.
func isOfContent(f message.Field) bool {
	for _, name := range [...]string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Range", "Accept-Ranges", "Cache-Control", "Expires", "ETag", "Last-Modified", "Content-Digest", "Repr-Digest", "Digest", "Content-MD5"} {
		if message.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// claimsOf reads the claims that an upstream has answered with.
func claimsOf(r *message.Response) (jwt.MapClaims, error) {
	if r.Header.Has("Content-Encoding") {
		return nil, errors.New("it is compressed")
	}
	var content []byte
	for {
		data, err := r.Body.Next()
		if content = append(content, data...); len(content) > maxClaims {
			return nil, fmt.Errorf("it is larger than %d KiB", maxClaims>>10)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	numbers := json.NewDecoder(bytes.NewReader(content))
	numbers.UseNumber() // an id may have more digits than a float64
	var claims jwt.MapClaims
	if err := numbers.Decode(&claims); err != nil || claims == nil || numbers.More() {
		return nil, errors.New("it is no JSON object")
	}
	return claims, nil
}
