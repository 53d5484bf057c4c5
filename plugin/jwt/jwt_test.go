package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin/plugintest"
)

// What the plugin answers.
const (
	missing   = "Jwt authorization is missing"
	malformed = "Jwt authorization format is invalid"
	invalid   = "Jwt authorization is invalid"
	expired   = "Jwt authorization is expired"
	passed    = "passed"
)

var (
	rsaKey, _     = rsa.GenerateKey(rand.Reader, 2048)
	otherRSA, _   = rsa.GenerateKey(rand.Reader, 2048)
	p256, _       = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _       = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, edKey, _   = ed25519.GenerateKey(rand.Reader)
	hour          = jwt.MapClaims{"sub": "alice", "exp": time.Now().Add(time.Hour).Unix()}
	withoutExpiry = jwt.MapClaims{"sub": "alice"}
	hourAgo       = jwt.MapClaims{"sub": "alice", "exp": time.Now().Add(-time.Hour).Unix()}
	inAnHour      = jwt.MapClaims{"sub": "alice", "nbf": time.Now().Add(time.Hour).Unix(), "exp": time.Now().Add(2 * time.Hour).Unix()}
)

// sign makes a token; id is that of the key, "" for none.
func sign(t testing.TB, method jwt.SigningMethod, key any, id string, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if id != "" {
		token.Header["kid"] = id
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// asPEM returns the public part of a key.
func asPEM(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

const inHeader = "header = \"Authorization\"\n"

// ask shows a token in the field Authorization.
func ask(t testing.TB, l *loop.Loop, settings, token string) string {
	t.Helper()
	p := plugintest.Make(t, build, settings)
	a := plugintest.Ask(t, l, p, "GET", "/", "Authorization: Bearer "+token)
	if a.Passed != (a.Text == passed) || !a.Passed && (a.Response.Status != 401 || a.Response.Header.Get("WWW-Authenticate") != "Bearer") {
		t.Errorf("answered with %d %q %v", a.Response.Status, a.Text, a.Response.Header.Fields())
	}
	return a.Text
}

func TestTokenIsFoundWhereItIsSaidToBe(t *testing.T) {
	token := sign(t, jwt.SigningMethodHS256, []byte("s"), "", hour)
	for _, c := range []struct {
		settings, target string
		fields           []string
		want             string
	}{
		{inHeader, "/", []string{"Authorization: Bearer " + token}, passed},
		{inHeader, "/", []string{"authorization: bearer  " + token}, passed},
		{inHeader, "/", []string{"Authorization: " + token}, passed},
		{inHeader, "/", nil, missing},
		{inHeader, "/", []string{"Authorization: Bearer "}, missing},
		{inHeader, "/?token=" + token, []string{"Cookie: token=" + token}, missing},
		{`cookie = "token"`, "/", []string{"Cookie: a=b; token=" + token}, passed},
		{`cookie = "token"`, "/?token=" + token, nil, missing},
		{`query = "token"`, "/?a&token=" + token, nil, passed},
		{`query = "token"`, "/", []string{"Cookie: token=" + token}, missing},
		{inHeader + `query = "token"`, "/?token=" + token, nil, missing}, // the first that is configured
	} {
		p := plugintest.Make(t, build, c.settings+"\nsecret = \"s\"")
		if a := plugintest.Ask(t, nil, p, "GET", c.target, c.fields...); a.Text != c.want {
			t.Errorf("%s: %s %q: %q, want %q", c.settings, c.target, c.fields, a.Text, c.want)
		}
	}
}

func TestTokensAreVerifiedWithTheSecret(t *testing.T) {
	hs256, hs384, hs512 := jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512
	good := sign(t, hs256, []byte("s"), "", hour)
	either, one := inHeader+"secret = \"s\"\n", inHeader+"secret = \"s\"\nalgorithm = \"HS512\"\n"
	for _, c := range []struct{ settings, token, want string }{
		{either, good, passed},
		{either, sign(t, hs512, []byte("s"), "", hour), passed},
		{either, sign(t, hs384, []byte("s"), "", hour), invalid},
		{one, good, invalid},
		{one, sign(t, hs512, []byte("s"), "", hour), passed},
		{either, sign(t, hs256, []byte("t"), "", hour), invalid},
		{either, sign(t, hs256, []byte("s"), "", withoutExpiry), passed},
		{either, sign(t, hs256, []byte("s"), "", hourAgo), expired},
		{either, sign(t, hs256, []byte("s"), "", inAnHour), invalid},
		{either, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", hour), invalid},
		{either, good[:len(good)-4], invalid},
		{either, good[strings.IndexByte(good, '.'):], malformed},
		{either, "a.b.c", malformed},
		{either, "a", malformed},
		{either, good + ".x", malformed},
	} {
		if got := ask(t, nil, c.settings, c.token); got != c.want {
			t.Errorf("%s: the token %s: %q, want %q", c.settings, c.token, got, c.want)
		}
	}
}

func TestTokensAreVerifiedWithThePublicKey(t *testing.T) {
	settings := func(algorithm string, key crypto.Signer) string {
		return fmt.Sprintf("%salgorithm = %q\npublic_key = %q\n", inHeader, algorithm, asPEM(t, key))
	}
	for _, c := range []struct {
		algorithm string
		key       crypto.Signer
		method    jwt.SigningMethod
		by        any
		claims    jwt.MapClaims
		want      string
	}{
		{"RS256", rsaKey, jwt.SigningMethodRS256, rsaKey, hour, passed},
		{"RS512", rsaKey, jwt.SigningMethodRS512, rsaKey, hour, passed},
		{"PS384", rsaKey, jwt.SigningMethodPS384, rsaKey, hour, passed},
		{"ES256", p256, jwt.SigningMethodES256, p256, hour, passed},
		{"ES384", p384, jwt.SigningMethodES384, p384, hour, passed},
		{"EdDSA", edKey, jwt.SigningMethodEdDSA, edKey, hour, passed},
		{"RS256", rsaKey, jwt.SigningMethodRS256, otherRSA, hour, invalid},
		{"RS256", rsaKey, jwt.SigningMethodRS384, rsaKey, hour, invalid},
		{"RS256", rsaKey, jwt.SigningMethodPS256, rsaKey, hour, invalid},
		{"RS256", rsaKey, jwt.SigningMethodRS256, rsaKey, hourAgo, expired},
		{"RS256", rsaKey, jwt.SigningMethodRS256, rsaKey, withoutExpiry, invalid},
		{"RS256", rsaKey, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, hour, invalid},
		// The public key is no secret: a token signed with its text must not pass.
		{"RS256", rsaKey, jwt.SigningMethodHS256, []byte(asPEM(t, rsaKey)), hour, invalid},
	} {
		if got := ask(t, nil, settings(c.algorithm, c.key), sign(t, c.method, c.by, "", c.claims)); got != c.want {
			t.Errorf("%s for %s by %T: %q, want %q", c.method.Alg(), c.algorithm, c.by, got, c.want)
		}
	}
}

// issuer publishes keys, and counts how often it is asked.
type issuer struct {
	url   string
	asked atomic.Int64
	mu    sync.Mutex
	set   any // nil: it fails
}

func newIssuer(t *testing.T, set any) *issuer {
	i := &issuer{set: set}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.set == nil {
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		json.NewEncoder(w).Encode(i.set)
	}))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func (i *issuer) publish(set any) {
	i.mu.Lock()
	i.set = set
	i.mu.Unlock()
}

func jwks(keys ...jose.JSONWebKey) jose.JSONWebKeySet { return jose.JSONWebKeySet{Keys: keys} }

func TestTokensAreVerifiedWithTheKeysOfTheIssuer(t *testing.T) {
	i := newIssuer(t, jwks(
		jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "r", Use: "sig"},
		jose.JSONWebKey{Key: p256.Public(), KeyID: "e", Algorithm: "ES256"},
		jose.JSONWebKey{Key: edKey.Public(), KeyID: "d"},
		jose.JSONWebKey{Key: otherRSA.Public(), KeyID: "for encryption", Use: "enc"},
		jose.JSONWebKey{Key: []byte("secret"), KeyID: "secret"},
		jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "ps only", Algorithm: "PS256"},
	))
	looptest.Run(t, func(l *loop.Loop) {
		settings := inHeader + fmt.Sprintf("jwks_url = %q\n", i.url)
		for _, c := range []struct{ settings, token, want string }{
			{settings, sign(t, jwt.SigningMethodRS256, rsaKey, "r", hour), passed},
			{settings, sign(t, jwt.SigningMethodPS512, rsaKey, "r", hour), passed},
			{settings, sign(t, jwt.SigningMethodES256, p256, "e", hour), passed},
			{settings, sign(t, jwt.SigningMethodEdDSA, edKey, "d", hour), passed},
			{settings, sign(t, jwt.SigningMethodPS256, rsaKey, "ps only", hour), passed},
			{settings, sign(t, jwt.SigningMethodRS256, rsaKey, "ps only", hour), invalid},
			{settings, sign(t, jwt.SigningMethodRS256, rsaKey, "e", hour), invalid},
			{settings, sign(t, jwt.SigningMethodRS256, rsaKey, "", hour), invalid}, // which of them?
			{settings, sign(t, jwt.SigningMethodRS256, otherRSA, "r", hour), invalid},
			{settings, sign(t, jwt.SigningMethodRS256, otherRSA, "for encryption", hour), invalid},
			{settings, sign(t, jwt.SigningMethodHS256, []byte("secret"), "secret", hour), invalid},
			{settings, sign(t, jwt.SigningMethodRS256, rsaKey, "r", hourAgo), expired},
			{settings, sign(t, jwt.SigningMethodRS256, rsaKey, "r", withoutExpiry), invalid},
			{settings + "algorithm = \"ES256\"", sign(t, jwt.SigningMethodRS256, rsaKey, "r", hour), invalid},
		} {
			if got := ask(t, l, c.settings, c.token); got != c.want {
				t.Errorf("%s: %q, want %q", c.token, got, c.want)
			}
		}
	})
}

// asker makes a plugin with keys of an issuer, and returns what asks it.
func asker(t *testing.T, l *loop.Loop, i *issuer) (*keySet, func(key *rsa.PrivateKey, id, want string)) {
	g := plugintest.Make(t, build, inHeader+fmt.Sprintf("jwks_url = %q\n", i.url)).(*guard)
	return g.keys.(*keySet), func(key *rsa.PrivateKey, id, want string) {
		t.Helper()
		a := plugintest.Ask(t, l, g, "GET", "/", "Authorization: "+sign(t, jwt.SigningMethodRS256, key, id, hour))
		if a.Text != want {
			t.Errorf("a token of the key %s: %q, want %q", id, a.Text, want)
		}
	}
}

func TestKeysAreFetchedWhenTheyAreNeeded(t *testing.T) {
	first, second := jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "1"}, jose.JSONWebKey{Key: otherRSA.Public(), KeyID: "2"}
	i := newIssuer(t, jwks(first))
	looptest.Run(t, func(l *loop.Loop) {
		keys, ask := asker(t, l, i)
		fetches := func(want int64) {
			t.Helper()
			if n := i.asked.Load(); n != want {
				t.Errorf("the issuer has been asked %d times, want %d", n, want)
			}
		}
		later := func() { keys.tried.Store(0) } // as after the cooldown
		ask(rsaKey, "1", passed)
		ask(rsaKey, "1", passed)
		fetches(1)
		// Tokens of keys that do not exist must not make the proxy ask each time.
		for range 5 {
			ask(otherRSA, "2", invalid)
		}
		fetches(1)
		i.publish(jwks(first, second))
		later()
		ask(otherRSA, "2", passed)
		fetches(2)
		// An issuer that is away keeps nobody out whose key is known.
		i.publish(nil)
		keys.ttl = 0
		later()
		ask(rsaKey, "1", passed)
		ask(rsaKey, "1", passed)
		fetches(3)
		i.publish(jwks(second))
		later()
		ask(rsaKey, "1", invalid)
		fetches(4)
	})
}

func TestIssuerIsAskedOnceByMany(t *testing.T) {
	i := newIssuer(t, jwks(jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "1"}))
	i.mu.Lock() // it does not answer yet
	looptest.Run(t, func(l *loop.Loop) {
		_, ask := asker(t, l, i)
		left := 20
		me := l.Current()
		for range left {
			l.Go(loop.TaskFunc(func() {
				ask(rsaKey, "1", passed)
				if left--; left == 0 {
					me.Wake()
				}
			}))
		}
		l.Go(loop.TaskFunc(func() {
			l.Await(func() {
				for i.asked.Load() == 0 {
					time.Sleep(time.Millisecond) // sleep: the issuer cannot tell that somebody has come
				}
			})
			i.mu.Unlock()
		}))
		for left > 0 {
			l.Park()
		}
		if n := i.asked.Load(); n != 1 {
			t.Errorf("the issuer was asked %d times", n)
		}
	})
}

// An issuer that does not answer holds up one request, and not all whose key is
// known.
func TestOldKeysServeWhileNewOnesAreFetched(t *testing.T) {
	i := newIssuer(t, jwks(jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "1"}))
	looptest.Run(t, func(l *loop.Loop) {
		keys, ask := asker(t, l, i)
		ask(rsaKey, "1", passed)
		keys.ttl = 0
		keys.tried.Store(0)
		i.mu.Lock() // it does not answer
		fetched, me := false, l.Current()
		l.Go(loop.TaskFunc(func() {
			ask(rsaKey, "1", passed)
			fetched = true
			me.Wake()
		}))
		l.Yield() // to the one that fetches
		for range 5 {
			ask(rsaKey, "1", passed)
		}
		if fetched {
			t.Error("the keys have been fetched from an issuer that does not answer")
		}
		i.mu.Unlock()
		for !fetched {
			l.Park()
		}
		if n := i.asked.Load(); n != 2 {
			t.Errorf("the issuer was asked %d times", n)
		}
	})
}

// Keys that came over a connection which anybody on the way can change are
// anybody's.
func TestKeysAreNotFetchedInClearTextWhereTLSIsWanted(t *testing.T) {
	i := newIssuer(t, jwks(jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "1"}))
	secure := httptest.NewTLSServer(http.RedirectHandler(i.url, http.StatusFound))
	defer secure.Close()
	keys := newKeySet(secure.URL, time.Hour, slog.New(slog.DiscardHandler))
	keys.client.Transport.(*http.Transport).TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig
	if _, err := keys.get(); err == nil || !strings.Contains(err.Error(), "leads away from https") || i.asked.Load() > 0 {
		t.Errorf("%v, and the issuer was asked %d times", err, i.asked.Load())
	}
	plain := httptest.NewServer(http.RedirectHandler(i.url, http.StatusFound))
	defer plain.Close()
	if _, err := newKeySet(plain.URL, time.Hour, slog.New(slog.DiscardHandler)).get(); err != nil {
		t.Errorf("a redirect from http to http: %v", err)
	}
}

func TestSetsOfKeysThatAreNoneAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:   "is no set of keys",
		`[]`: "is no set of keys",
		`{}`: "has no public key",
		`{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]}`:                                          "has no public key",
		`{"keys": [{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}]}`:                                  "has no public key",
		`{"keys": [` + strings.Repeat("0,", maxKeys) + `0]}`:                                               "more than",
		`{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`: "",
	} {
		_, err := parseKeys([]byte(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

func FuzzSetsOfKeysAreReadOrRefused(f *testing.F) {
	f.Add([]byte(`{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Add([]byte(`{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a"}, 1]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		known, err := parseKeys(text)
		if err != nil {
			return
		}
		for _, k := range known.byID {
			if !k.IsPublic() {
				t.Errorf("%q gives a key that is not public", text)
			}
		}
	})
}

// minted asks for a token, where the upstream answers with status and content.
func minted(t *testing.T, settings string, status int, content string, fields ...message.Field) (*message.Exchange, string) {
	t.Helper()
	p := plugintest.Make(t, build, inHeader+"auth_path = \"/login\"\n"+settings)
	x := &message.Exchange{}
	x.Reset()
	x.Request.Method, x.Request.Path = "POST", "/login"
	err := p.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status, x.Response.Length, x.Response.Body = status, int64(len(content)), x.BytesBody([]byte(content))
		for _, f := range fields {
			x.Response.Header.Add(f.Name, f.Value)
		}
		return nil
	})).Serve(x)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := x.Response.Body.Next()
	return x, string(data)
}

func TestTokensAreMadeOfWhatTheUpstreamSays(t *testing.T) {
	for settings, method := range map[string]string{"secret = \"s\"": "HS256", "secret = \"s\"\nalgorithm = \"HS512\"": "HS512"} {
		x, text := minted(t, settings, 201, `{"sub": "alice", "id": 12345678901234567890, "exp": 99999999999}`,
			message.Field{Name: "Content-Type", Value: "text/plain"}, message.Field{Name: "ETag", Value: `"a"`}, message.Field{Name: "Set-Cookie", Value: "a=b"})
		var answer struct{ Token string }
		if err := json.Unmarshal([]byte(text), &answer); err != nil || x.Response.Length != int64(len(text)) {
			t.Fatalf("%q, %v", text, err)
		}
		h := &x.Response.Header
		if x.Response.Status != 200 || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "private, no-store" || h.Has("ETag") || !h.Has("Set-Cookie") {
			t.Errorf("%d %v", x.Response.Status, h.Fields())
		}
		token, err := jwt.NewParser(jwt.WithJSONNumber()).Parse(answer.Token, func(*jwt.Token) (any, error) { return []byte("s"), nil })
		if err != nil || token.Method.Alg() != method || fmt.Sprint(token.Claims.(jwt.MapClaims)["id"]) != "12345678901234567890" {
			t.Errorf("%v, %+v", err, token)
		}
		if got := ask(t, nil, inHeader+settings, answer.Token); got != passed {
			t.Errorf("the token that was made: %s", got)
		}
	}
}

func TestAnswersWithoutClaimsMakeNoToken(t *testing.T) {
	for _, c := range []struct {
		status  int
		content string
		fields  []message.Field
		want    string
	}{
		{401, "who are you?", nil, "401 who are you?"},
		{302, "", nil, "302 "},
		{200, "alice", nil, "502 The claims of the token are invalid"},
		{200, "", nil, "502 The claims of the token are invalid"},
		{200, "null", nil, "502 The claims of the token are invalid"},
		{200, "[1]", nil, "502 The claims of the token are invalid"},
		{200, "{}{}", nil, "502 The claims of the token are invalid"},
		{200, `{"a":"` + strings.Repeat("x", maxClaims) + `"}`, nil, "502 The claims of the token are invalid"},
		{200, "{}", []message.Field{{Name: "Content-Encoding", Value: "gzip"}}, "502 The claims of the token are invalid"},
		// With Range the client chooses what is in such an answer.
		{206, `{"role": "admin"}`, []message.Field{{Name: "Content-Range", Value: "bytes 17-33/50"}}, "502 The claims of the token are invalid"},
	} {
		x, text := minted(t, `secret = "s"`, c.status, c.content, c.fields...)
		if got := fmt.Sprint(x.Response.Status, " ", text); got != c.want {
			t.Errorf("%d %.20q: %s, want %s", c.status, c.content, got, c.want)
		}
	}
}

// A browser asks with OPTIONS whether it may log in, and is answered without claims.
func TestWhoAsksHowToLogInGetsTheAnswer(t *testing.T) {
	g := plugintest.Make(t, build, inHeader+"auth_path = \"/login\"\nsecret = \"s\"")
	for _, method := range []string{"OPTIONS", "HEAD"} {
		a := plugintest.Ask(t, nil, g, method, "/login")
		if !a.Passed || a.Response.Status != 200 || a.Text != passed {
			t.Errorf("%s: %d %q", method, a.Response.Status, a.Text)
		}
		if a.Request.Header.Len() > 0 {
			t.Errorf("%s: the request is left with %v", method, a.Request.Header.Fields())
		}
	}
}

// Who does not understand what a token calls critical must refuse it (RFC 7515
// section 4.1.11).
func TestTokensWithCriticalExtensionsAreRefused(t *testing.T) {
	for _, critical := range []any{[]string{"b64"}, []string{}, nil} {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, hour)
		token.Header["crit"] = critical
		text, err := token.SignedString([]byte("s"))
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, nil, inHeader+"secret = \"s\"", text); got != invalid {
			t.Errorf("crit %v: %q", critical, got)
		}
	}
}

func TestWrongTokensWait(t *testing.T) {
	p := plugintest.Make(t, build, inHeader+"secret = \"s\"\ndelay = \"30ms\"")
	looptest.Run(t, func(l *loop.Loop) {
		began := l.Clock()
		a := plugintest.Ask(t, l, p, "GET", "/", "Authorization: "+sign(t, jwt.SigningMethodHS256, []byte("t"), "", hour))
		if took := time.Duration(l.Clock() - began); took < 30*time.Millisecond || a.Text != invalid {
			t.Errorf("%q after %v", a.Text, took)
		}
	})
}

func TestSettingsThatAskForNothingAreReported(t *testing.T) {
	key := fmt.Sprintf("public_key = %q\n", asPEM(t, rsaKey))
	for settings, want := range map[string]string{
		"secret = \"s\"": ": says neither with header nor with cookie nor with query where the token is",
		inHeader:         "secret: is missing, and so are public_key and jwks_url",
		inHeader + "secret = \"s\"\nalgorithm = \"none\"":  "algorithm: ",
		inHeader + "secret = \"s\"\nalgorithm = \"RS256\"": "algorithm: RS256 needs a public_key or a jwks_url",
		inHeader + key:                                                                   "algorithm: is missing, and a public_key needs one",
		inHeader + key + "algorithm = \"HS256\"":                                         "algorithm: HS256 needs a secret and no public_key",
		inHeader + key + "algorithm = \"ES256\"":                                         "public_key: cannot be read as a key for ES256",
		inHeader + key + "algorithm = \"EdDSA\"":                                         "public_key: cannot be read as a key for EdDSA",
		inHeader + "public_key = \"x\"\nalgorithm = \"RS256\"":                           "public_key: cannot be read as a key for RS256",
		inHeader + fmt.Sprintf("public_key = %q\nalgorithm = \"ES384\"", asPEM(t, p256)): "public_key: is on the curve P-256, which is not that of ES384",
		inHeader + "jwks_url = \"login.example.com\"":                                    "jwks_url: is no URL of http or https",
		inHeader + "jwks_url = \"https://a/\"\nalgorithm = \"HS256\"":                    "algorithm: HS256 needs a secret, and a JWKS has public keys",
		inHeader + "jwks_url = \"https://a/\"\njwks_ttl = \"0s\"":                        "jwks_ttl: is less than a second",
		inHeader + "secret = \"s\"\nauth_path = \"login\"":                               "auth_path: does not begin with /",
		inHeader + key + "algorithm = \"RS256\"\nauth_path = \"/login\"":                 "secret: is missing, and auth_path makes tokens with it", // Pingap signs them with an empty one
		inHeader + "jwks_url = \"https://a/\"\nauth_path = \"/login\"":                   "secret: is missing, and auth_path makes tokens with it",
		inHeader + "jwks_url = \"https://a/\"\nsecret = \"s\"\nauth_path = \"/login\"":   "auth_path: makes tokens that are signed with the secret, and these do not pass here",
	} {
		got := plugintest.Problems(build, settings)
		if !strings.Contains(got, want) {
			t.Errorf("%s\nis reported as %q, want %q", settings, got, want)
		}
	}
}
