package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestForwardAuthAsksTheService(t *testing.T) {
	auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("session"); err == nil && c.Value == "good" {
			w.Header().Set("Remote-User", "alice")
			return
		}
		w.Header().Set("Location", "https://login.example.com/?rd="+r.Header.Get("X-Forwarded-Host")+r.Header.Get("X-Forwarded-Uri"))
		http.SetCookie(w, &http.Cookie{Name: "state", Value: "1"})
		w.WriteHeader(302)
	})
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Remote-User")) })
	p := startProxy(t, strings.Replace(proxyTo(peer), "[locations.all]", fmt.Sprintf(
		"enabled_h2 = true\n[plugins.sso]\ncategory = \"forward_auth\"\nauth_url = \"http://%s/verify\"\nadd_headers = [\"Remote-User\"]\n[locations.all]\nplugins = [\"sso\"]", auth), 1))
	for version, c := range bothVersions(t) {
		r, text := answerTo(t, c, p.url("/a?b=c"), "Cookie: session=good", "Remote-User: root")
		if r.StatusCode != 200 || text != "alice" {
			t.Errorf("%s: %s %q", version, r.Status, text)
		}
		r, _ = answerTo(t, c, p.url("/a?b=c"), "Host: shop.example.com", "Remote-User: root")
		if r.StatusCode != 302 || r.Header.Get("Location") != "https://login.example.com/?rd=shop.example.com/a?b=c" || r.Header.Get("Set-Cookie") != "state=1" {
			t.Errorf("%s: a stranger gets %s %v", version, r.Status, r.Header)
		}
	}
}
