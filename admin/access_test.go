package admin

import (
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pingap/config"
	"pingap/plugin"
)

// Lesson 5: whether something is the API is decided once. There is no path that
// one check takes for a picture and another for a section.
func TestEveryPathNeedsAUserHoweverItIsWritten(t *testing.T) {
	d := newDesk(t)
	d.user = ""
	var paths []string
	for pattern := range d.routes() {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{category}", "upstreams", "{name}", "app", "{$}", "").Replace(path)
		for _, form := range []string{
			"%s", "%s/", "%s.js", "%s.css", "%s.png", "/api%s", "/%s", "%s?x=.js", "%s%%2f", "/x/..%s", "%s;a.js",
		} {
			paths = append(paths, method+" "+fmt.Sprintf(form, path), method+" "+strings.ToUpper(fmt.Sprintf(form, path)))
		}
	}
	for _, p := range append(paths, "GET /favicon.ico", "OPTIONS /api/configs", "PUT /", "TRACE /api/basic") {
		method, path, _ := strings.Cut(p, " ")
		if w := d.ask(method, path, ""); w.Code != 401 {
			t.Errorf("%s: status %d", p, w.Code)
		}
	}
	if len(d.access.failed) > 0 {
		t.Error("to show no credentials counts as a failure")
	}
	d.user = me
	for _, p := range []string{"GET /api/configs.js", "GET /api/configs/", "PUT /api/configs", "GET /api", "GET /api/config-history/upstreams", "GET /api/config-history/upstreams/app/more", "POST /api/configs"} {
		method, path, _ := strings.Cut(p, " ")
		if w := d.ask(method, path, ""); w.Code != 404 && w.Code != 405 {
			t.Errorf("%s: status %d", p, w.Code)
		}
	}
}

func TestCredentialsAreChecked(t *testing.T) {
	d := newDesk(t)
	now := time.Unix(1_700_000_000, 0)
	d.access.now = func() time.Time { return now }
	token := func(u config.Credentials, at time.Time) string {
		seconds := fmt.Sprint(at.Unix())
		return tokenOf(u, seconds) + ":" + seconds
	}
	basicAuth := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	d.user = ""
	for _, c := range []struct {
		name, credentials string
		status            int
	}{
		{"password", basicAuth("me:secret"), 200},
		{"the other user", basicAuth("you:other"), 200},
		{"token", token(me, now), 200},
		{"token of a slow clock", token(me, now.Add(-59*time.Minute)), 200},
		{"wrong password", basicAuth("me:secreT"), 401},
		{"password of another", basicAuth("me:other"), 401},
		{"no password", basicAuth("me:"), 401},
		{"old token", token(me, now.Add(-61*time.Minute)), 401},
		{"token of the future", token(me, now.Add(61*time.Minute)), 401},
		{"token of another", token("me:other", now), 401},
		{"token without a time", tokenOf(me, ""), 401},
		{"no credentials", "Bearer x", 401},
	} {
		d.access.failed = map[netip.Addr]failures{}
		if w := d.ask("GET", "/api/basic", "", "Authorization: "+c.credentials); w.Code != c.status {
			t.Errorf("%s: status %d, want %d", c.name, w.Code, c.status)
		}
	}
}

// Lesson 16: who fails too often is locked out by the address of the connection,
// which nobody can write into a header field, and for some minutes only.
func TestTooManyFailuresLockAnAddressOut(t *testing.T) {
	d := newDesk(t)
	now := time.Unix(1_700_000_000, 0)
	d.access.now = func() time.Time { return now }
	d.user = "me:guess"
	for i := range d.access.maxFailures {
		want(t, d.ask("GET", "/api/basic", "", fmt.Sprintf("X-Forwarded-For: 10.0.0.%d", i)), 401)
	}
	d.user = me
	want(t, d.ask("GET", "/api/basic", ""), 403, "too many failures")
	now = now.Add(failureTime + time.Second)
	want(t, d.ask("GET", "/api/basic", ""), 200)
}

func TestFailuresOfManyAddressesStayBounded(t *testing.T) {
	a := newAccess(plugin.AdminEntry{Users: []config.Credentials{me}})
	for i := range maxFailing + 100 {
		a.fail(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(a.failed) != maxFailing {
		t.Errorf("%d addresses are remembered", len(a.failed))
	}
}

func TestWithoutAUserOnlyLocalNamesAreAnswered(t *testing.T) {
	d := newDesk(t, func(e *plugin.AdminEntry, _ *Process) { e.Users = nil })
	d.user = ""
	for host, status := range map[string]int{
		"127.0.0.1:3018": 200, "localhost": 200, "LOCALHOST:1": 200, "[::1]:3018": 200, "127.8.8.8": 200,
		"evil.example:3018": 403, "10.0.0.1": 403, "": 403,
	} {
		r := httptest.NewRequest("GET", "/api/basic", nil)
		r.Host, r.RemoteAddr = host, "[::1]:4711"
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("host %q: status %d, want %d", host, w.Code, status)
		}
	}
}

func TestPagesOfOtherSitesCannotChangeAnything(t *testing.T) {
	d := newDesk(t)
	body := `{"addrs": ["10.0.0.1:80"]}`
	want(t, d.ask("POST", "/api/configs/upstreams/app", body, "Sec-Fetch-Site: cross-site"), 403)
	want(t, d.ask("POST", "/api/configs/upstreams/app", body, "Origin: http://evil.example"), 403)
	want(t, d.ask("POST", "/api/configs/upstreams/app", body, "Sec-Fetch-Site: same-origin"), 200)
}

func TestPrefixIsAWholePathSegment(t *testing.T) {
	d := newDesk(t, func(e *plugin.AdminEntry, _ *Process) { e.Prefix = "/pingap" })
	want(t, d.ask("GET", "/pingap/api/basic", ""), 200)
	want(t, d.ask("GET", "/pingap/", ""), 200)
	if w := d.ask("GET", "/pingap", ""); w.Code != 307 || w.Header().Get("Location") != "/pingap/" {
		t.Errorf("status %d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, path := range []string{"/pingapx/api/basic", "/api/basic", "/"} {
		want(t, d.ask("GET", path, ""), 404)
	}
}
