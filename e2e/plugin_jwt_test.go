package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

func TestJWTPassesTokensOfAnIssuer(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1"}}})
	})
	p := guardedBy(t, fmt.Sprintf("category = \"jwt\"\nheader = \"Authorization\"\njwks_url = \"http://%s/keys\"\n", issuer))
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix()})
	token.Header["kid"] = "1"
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	for version, c := range bothVersions(t) {
		r, text := answerTo(t, c, p.url("/a"), "Authorization: Bearer "+signed)
		if r.StatusCode != 200 || !strings.HasPrefix(text, "GET /a ") {
			t.Errorf("%s: %s %q", version, r.Status, text)
		}
		r, text = answerTo(t, c, p.url("/a"), "Authorization: Bearer "+signed[:len(signed)-4])
		if r.StatusCode != 401 || text != "Jwt authorization is invalid" {
			t.Errorf("%s, with half a signature: %s %q", version, r.Status, text)
		}
	}
}

func TestJWTIsMadeOfWhatTheUpstreamSays(t *testing.T) {
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			fmt.Fprintf(w, `{"sub": %q}`, r.FormValue("user"))
			return
		}
		fmt.Fprint(w, "inside")
	})
	p := startProxy(t, strings.Replace(proxyTo(peer), "[locations.all]", "[plugins.token]\ncategory = \"jwt\"\ncookie = \"token\"\nsecret = \"s\"\nauth_path = \"/login\"\n[locations.all]\nplugins = [\"token\"]", 1))
	var made struct{ Token string }
	if got := curlSays(t, p.url("/login"), "-d", "user=alice"); !strings.HasSuffix(got, " 200") || json.Unmarshal([]byte(strings.TrimSuffix(got, " 200")), &made) != nil {
		t.Fatalf("logging in is answered with %s", got)
	}
	if got := curlSays(t, p.url("/"), "-b", "token="+made.Token); got != "inside 200" {
		t.Errorf("with the token: %s", got)
	}
	if got := curlSays(t, p.url("/")); got != "Jwt authorization is missing 401" {
		t.Errorf("without: %s", got)
	}
}

// An upstream that knows ranges lets the client choose what it answers with.
func TestJWTIsNotMadeOfWhatTheClientChooses(t *testing.T) {
	claims := `{"sub": "alice", "of": {"role": "admin"}}`
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "claims.json", time.Time{}, strings.NewReader(claims))
	})
	p := startProxy(t, strings.Replace(proxyTo(peer), "[locations.all]", "[plugins.token]\ncategory = \"jwt\"\ncookie = \"token\"\nsecret = \"s\"\nauth_path = \"/login\"\n[locations.all]\nplugins = [\"token\"]", 1))
	begin := strings.Index(claims, `{"role"`)
	if got := curlSays(t, p.url("/login"), "-r", fmt.Sprintf("%d-%d", begin, len(claims)-2)); got != "The claims of the token are invalid 502" {
		t.Errorf("a part is answered with %s", got)
	}
	if got := curlSays(t, p.url("/login")); !strings.HasPrefix(got, `{"token":"`) {
		t.Errorf("the whole is answered with %s", got)
	}
	if got := curlSays(t, p.url("/login"), "-X", "OPTIONS"); got != claims+" 200" {
		t.Errorf("OPTIONS is answered with %s", got)
	}
}
