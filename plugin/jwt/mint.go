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
// upstream answers with. Other answers than those of success go on as they are, and
// so do those to HEAD and to OPTIONS, which browsers send before they log in from a
// page of another origin.
func (g *guard) mint(x *message.Exchange, next message.Handler) error {
	if err := serveUncompressed(x, next); err != nil {
		return err
	}
	r := &x.Response
	if r.Status < 200 || r.Status > 299 || x.Request.Method == "HEAD" || x.Request.Method == "OPTIONS" {
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

// serveUncompressed has next give an answer whose claims can be read.
func serveUncompressed(x *message.Exchange, next message.Handler) error {
	const field = "Accept-Encoding"
	if !x.Request.Header.Has(field) {
		return next.Serve(x)
	}
	return plugin.ServeWith(x, next, field, "")
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

// claimsOf reads the claims that an upstream has answered with. They have to be
// whole: a part would be of the client's choice, by its Range, and an object that
// stands inside of another one is not what the upstream has said of the user.
func claimsOf(r *message.Response) (jwt.MapClaims, error) {
	switch {
	case r.Status == 206 || r.Header.Has("Content-Range"):
		return nil, errors.New("it is a part")
	case r.Header.Has("Content-Encoding"):
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
