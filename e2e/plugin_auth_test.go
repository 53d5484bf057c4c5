package e2e

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// guardedBy is a proxy all of whose requests one plugin sees, before a peer that
// answers with the credentials that reach it.
func guardedBy(t *testing.T, settings string) *proxy {
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %q", r.Method, r.URL.RequestURI(), r.Header.Get("Authorization")+r.Header.Get("X-Api-Key"))
	})
	return startProxy(t, fmt.Sprintf(`
[servers.main]
addr = "<ADDR>"
locations = ["all"]
enabled_h2 = true
[locations.all]
plugins = ["guard"]
upstream = "peer"
[upstreams.peer]
addrs = [%q]
[plugins.guard]
%s
`, peer, settings))
}

// curlSays returns what curl gets, with the status behind it.
func curlSays(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("curl", append([]string{"-sS", "-w", " %{http_code}"}, args...)...).CombinedOutput()
	if err != nil {
		t.Errorf("curl %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestBasicAuthAsksForANameAndAPassword(t *testing.T) {
	p := guardedBy(t, `
category = "basic_auth"
authorizations = ["YWxpY2U6cDpxIMOk"] # "alice:p:q " and an umlaut
hide_credentials = true
`)
	for _, version := range []string{"--http1.1", "--http2-prior-knowledge"} {
		for user, want := range map[string]string{
			"":                 "Authorization is missing 401",
			"alice:p:q \u00e4": `GET / "" 200`,
			"alice:p":          "Invalid user or password 401",
			"bob:p:q \u00e4":   "Invalid user or password 401",
		} {
			args := []string{version, p.url("/")}
			if user != "" {
				args = append(args, "-u", user)
			}
			if got := curlSays(t, args...); got != want {
				t.Errorf("%s as %q: %s, want %s", version, user, got, want)
			}
		}
	}
	// A client that waits to be asked finds what it is asked for.
	if got := curlSays(t, "--anyauth", "-u", "alice:p:q \u00e4", p.url("/x")); !strings.HasSuffix(got, `GET /x "" 200`) {
		t.Errorf("with --anyauth: %s", got)
	}
}

func TestKeyAuthAsksForAKey(t *testing.T) {
	p := guardedBy(t, "category = \"key_auth\"\nheader = \"X-Api-Key\"\nkeys = [\"k1\", \"k2\"]")
	for key, want := range map[string]string{"": "Key missing 401", "k2": `GET /?a "k2" 200`, "k3": "Key auth fail 401"} {
		for version, c := range bothVersions(t) {
			var fields []string
			if key != "" {
				fields = []string{"X-Api-Key: " + key}
			}
			r, text := answerTo(t, c, p.url("/?a"), fields...)
			if got := fmt.Sprint(text, " ", r.StatusCode); got != want {
				t.Errorf("%s with %q: %s, want %s", version, key, got, want)
			}
		}
	}
	p = guardedBy(t, "category = \"key_auth\"\nquery = \"key\"\nkeys = [\"k1\"]\nhide_credentials = true")
	if got := curlSays(t, p.url("/x?a=1&key=k1&b")); got != `GET /x?a=1&b "" 200` {
		t.Errorf("the upstream sees %s", got)
	}
}

func TestCombinedAuthAsksForADigest(t *testing.T) {
	p := guardedBy(t, `
category = "combined_auth"
authorizations = [{ app_id = "shop", secret = "s", deviation = 60, ip_list = ["127.0.0.0/8"] }]
`)
	now := time.Now().Unix()
	url := p.url(fmt.Sprintf("/?app_id=shop&ts=%d&digest=%x", now, sha256.Sum256(fmt.Appendf(nil, "s:%d", now))))
	if got := curlSays(t, url); !strings.HasPrefix(got, "GET /") || !strings.HasSuffix(got, " 200") {
		t.Error(got)
	}
	if got := curlSays(t, p.url("/?app_id=shop&ts=0&digest=0")); got != "Plugin combined_auth invalid, message: timestamp deviation is invalid 401" {
		t.Error(got)
	}
}

func TestCSRFAsksForTheTokenThatItHasGiven(t *testing.T) {
	p := guardedBy(t, "category = \"csrf\"\ntoken_path = \"/token\"\nkey = \"k\"")
	if got := curlSays(t, "-d", "x=y", p.url("/")); got != "Csrf token is empty or invalid 401" {
		t.Error(got)
	}
	jar := t.TempDir() + "/jar"
	if got := curlSays(t, "-c", jar, p.url("/token")); got != " 204" {
		t.Error(got)
	}
	cookie := strings.Fields(readFile(t, jar))
	token := cookie[len(cookie)-1]
	if got := curlSays(t, "-b", jar, "-H", "X-Csrf-Token: "+token, "-d", "x=y", p.url("/")); got != `POST / "" 200` {
		t.Error(got)
	}
	if got := curlSays(t, "-b", jar, "-d", "x=y", p.url("/")); got != "Csrf token is empty or invalid 401" {
		t.Errorf("a page of another site: %s", got)
	}
}

// Pingap once skipped all plugins of a request with an Upgrade field.
func TestUpgradeIsNoWayAroundAuthentication(t *testing.T) {
	service := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) })
	for category, settings := range map[string]string{
		"basic_auth":    `authorizations = ["YTpi"]`,
		"key_auth":      "header = \"X-Api-Key\"\nkeys = [\"k\"]",
		"jwt":           "header = \"Authorization\"\nsecret = \"s\"",
		"combined_auth": `authorizations = [{ app_id = "a", secret = "s", deviation = 60 }]`,
		"forward_auth":  fmt.Sprintf("auth_url = \"http://%s/\"", service),
	} {
		refusesUpgrades(t, guardedBy(t, fmt.Sprintf("category = %q\n%s", category, settings)), "/"+category, 401)
	}
}
