package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// withAdmin is a configuration with the admin below a path of a location.
const withAdmin = `
[basic]
trusted_proxies = ["127.0.0.1"]
[servers.main]
addr = "<ADDR>"
locations = ["admin", "all"]
enabled_h2 = true
[locations.admin]
path = "/pingap"
plugins = ["desk"]
[plugins.desk]
category = "admin"
path = "/pingap"
authorizations = ["bWU6c2VjcmV0", "eW91Om90aGVy"] # me:secret, you:other
ip_fail_limit = 3
max_age = "1h"
[locations.all]
plugins = ["answer"]
[plugins.answer]
category = "mock"
data = "first"
`

// tell sends content, if any, to an admin as the user and returns the status and
// what is answered. Each field is written "Name: value".
func tell(t *testing.T, c *http.Client, method, url, user, content string, fields ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if name, password, ok := strings.Cut(user, ":"); ok {
		r.SetBasicAuth(name, password)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Set(name, value)
	}
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestAdminBelowAPathChangesTheConfiguration(t *testing.T) {
	p := startProxy(t, withAdmin)
	for version, c := range bothVersions(t) {
		status, text := tell(t, c, "GET", p.url("/pingap/api/configs/plugins/desk"), "me:secret", "")
		if status != 200 || !strings.Contains(text, `"ip_fail_limit": 3`) || strings.Contains(text, "bWU6") {
			t.Errorf("%s: status %d: %s", version, status, text)
		}
		data := "changed over " + version
		status, text = tell(t, c, "POST", p.url("/pingap/api/configs/plugins/answer"), "me:secret", fmt.Sprintf(`{"category": "mock", "data": %q}`, data))
		if status != 200 || !strings.Contains(text, `"in_force": true`) {
			t.Errorf("%s: status %d: %s", version, status, text)
		}
		if _, got := answerTo(t, c, p.url("/")); got != data {
			t.Errorf("%s: after the change the answer is %q", version, got)
		}
		if !strings.Contains(readFile(t, p.dir+"/pingap.toml"), data) {
			t.Errorf("%s: what is stored is not what is in force", version)
		}
		status, text = tell(t, c, "POST", p.url("/pingap/api/configs/plugins/answer"), "me:secret", `{"category": "mock", "dta": "x"}`)
		if status != 422 || !strings.Contains(text, `did you mean \"data\"`) {
			t.Errorf("%s: a wrong change: status %d: %s", version, status, text)
		}
		// It stands at its own path, as whole segments, and nowhere else.
		for _, path := range []string{"/pingapx", "/pingapx/api/basic", "/api/basic", "/%70ingap/api/basic"} {
			if r, got := answerTo(t, c, p.url(path)); strings.Contains(got, "config_hash") || strings.HasPrefix(got, "{") || r.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("%s: %s is answered with %s", version, path, got)
			}
		}
	}
	p.stop(t) // the log is complete then
	if said := p.output.String(); !strings.Contains(said, "saved by me") || strings.Contains(said, "secret\"") || strings.Contains(said, "bWU6") {
		t.Error("the log does not say who has changed something, or tells secrets")
	}
}

func TestAdminBelowAPathAsksCurlForAPassword(t *testing.T) {
	p := startProxy(t, withAdmin)
	for _, version := range []string{"--http1.1", "--http2-prior-knowledge"} {
		for _, path := range []string{"/pingap/", "/pingap", "/pingap/api/configs", "/pingap/none.js", "/pingap//api/basic"} {
			if got := curlSays(t, version, p.url(path)); !strings.HasSuffix(got, " 401") {
				t.Errorf("%s %s: %s", version, path, got)
			}
		}
		if got := curlSays(t, version, "-u", "me:secret", p.url("/pingap/")); !strings.Contains(got, "curl "+p.url("/pingap/api/configs")) {
			t.Errorf("%s: %s", version, got)
		}
		if got := curlSays(t, version, "-u", "me:secret", "-w", " %{redirect_url} %{http_code}", p.url("/pingap")); !strings.HasSuffix(got, "@"+p.addr+"/pingap/ 307") {
			t.Errorf("%s: %s", version, got)
		}
	}
	refusesUpgrades(t, p, "/pingap/api/configs", 401)
	// A client that waits to be asked finds what it is asked for.
	if got := curlSays(t, "--anyauth", "-u", "me:secret", p.url("/pingap/api/basic")); !strings.HasSuffix(got, " 200") {
		t.Errorf("with --anyauth: %s", got)
	}
}

func TestAdminBelowAPathReadsNoMoreThanItHasTo(t *testing.T) {
	p := startProxy(t, withAdmin)
	url := p.url("/pingap/api/configs/import")
	for version, c := range bothVersions(t) {
		before := p.memory(t)
		// Nobody who has not shown a password is listened to.
		r, err := http.NewRequestWithContext(t.Context(), "POST", url, newContent(1<<40))
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		response.Body.Close()
		if grown := p.memory(t) - before; response.StatusCode != 401 || grown > 8<<10 {
			t.Errorf("%s: status %d, and %d KiB more", version, response.StatusCode, grown)
		}
		for _, known := range []bool{true, false} {
			length := int64(17 << 20)
			if r, err = http.NewRequestWithContext(t.Context(), "POST", url, newContent(length)); err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth("me", "secret")
			if known {
				r.ContentLength = length
			}
			if response, err = c.Do(r); err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			response.Body.Close()
			if response.StatusCode != 413 {
				t.Errorf("%s: content that is too large: status %d", version, response.StatusCode)
			}
		}
	}
}

// Lesson 16: the address that is locked out is that of the client, which trusted
// proxies alone may report; and to show no credentials is no failure.
func TestAdminBelowAPathLocksAClientOut(t *testing.T) {
	p := startProxy(t, withAdmin)
	url := p.url("/pingap/api/basic")
	i := 0
	for version, c := range bothVersions(t) {
		i++
		from := fmt.Sprintf("X-Forwarded-For: 10.0.0.%d", i)
		for range 5 {
			if status, _ := tell(t, c, "GET", url, "", "", from); status != 401 {
				t.Errorf("%s: without credentials: status %d", version, status)
			}
		}
		for n := range 3 {
			// What stands left of the client's address is the client's own claim.
			if status, _ := tell(t, c, "GET", url, "me:guess", "", fmt.Sprintf("X-Forwarded-For: 10.9.9.%d, 10.0.0.%d", n, i)); status != 401 {
				t.Errorf("%s: wrong password: status %d", version, status)
			}
		}
		if status, text := tell(t, c, "GET", url, "me:secret", "", from); status != 403 || !strings.Contains(text, "too many failures") {
			t.Errorf("%s: locked out: status %d: %s", version, status, text)
		}
		if status, _ := tell(t, c, "GET", url, "you:other", ""); status != 200 {
			t.Errorf("%s: another address: status %d", version, status)
		}
	}
}

func TestAdminBelowAPathTakesTokensUntilMaxAge(t *testing.T) {
	p := startProxy(t, withAdmin)
	for age, want := range map[time.Duration]int{0: 200, 50 * time.Minute: 200, 70 * time.Minute: 401} {
		at := fmt.Sprint(time.Now().Add(-age).Unix())
		sum := sha256.Sum256([]byte("you:other:" + at))
		if status, _ := tell(t, newClient(t), "GET", p.url("/pingap/api/basic"), "", "", "Authorization: "+hex.EncodeToString(sum[:])+":"+at); status != want {
			t.Errorf("a token %v old: status %d, want %d", age, status, want)
		}
	}
}

// A configuration with an admin of its own and --admin are two ways to the same.
func TestAdminBelowAPathAndOfTheCommandLineWorkTogether(t *testing.T) {
	addr, c := freeAddr(t), newClient(t)
	p := startProxy(t, strings.Replace(withAdmin, `locations = ["admin", `, `locations = ["admin", "ready", `, 1)+`
[locations.ready]
path = "/ready"
plugins = ["pingap:admin"]
`, "--admin", "boss:hidden@"+addr+"/ready")
	p.answers(t, addr)
	for url, user := range map[string]string{
		p.url("/pingap/"): "me:secret", p.url("/ready/"): "boss:hidden", "http://" + addr + "/ready/": "boss:hidden",
	} {
		for _, asking := range []string{"me:secret", "boss:hidden"} {
			want := 401
			if asking == user {
				want = 200
			}
			if status, text := tell(t, c, "GET", url+"api/configs", asking, ""); status != want {
				t.Errorf("%s as %s: status %d: %s", url, asking, status, text)
			}
		}
		if status, text := tell(t, c, "POST", url+"api/configs/plugins/answer", user, fmt.Sprintf(`{"category": "mock", "data": %q}`, url)); status != 200 {
			t.Errorf("%s: status %d: %s", url, status, text)
		}
		if _, got := answerTo(t, c, p.url("/")); got != url {
			t.Errorf("after a change by %s: %q", url, got)
		}
	}
	// Wrong credentials count for an address, by whichever way: two of ten have
	// been shown above.
	for i := range 8 {
		url := p.url("/ready/")
		if i%2 > 0 {
			url = "http://" + addr + "/ready/"
		}
		if status, _ := tell(t, c, "GET", url, "boss:guess", ""); status != 401 {
			t.Errorf("guess %d: status %d", i, status)
		}
	}
	for _, url := range []string{p.url("/ready/"), "http://" + addr + "/ready/"} {
		if status, _ := tell(t, c, "GET", url, "boss:hidden", ""); status != 403 {
			t.Errorf("%s after ten guesses: status %d", url, status)
		}
	}
}

func TestReadyMadeAdminAnswersNothingWithoutTheOption(t *testing.T) {
	p := startProxy(t, strings.Replace(withAdmin, `plugins = ["answer"]`, `plugins = ["pingap:admin", "answer"]`, 1))
	if _, got := answerTo(t, newClient(t), p.url("/api/basic")); got != "first" {
		t.Errorf("the answer is %q", got)
	}
	p.says(t, "started without --admin")
}

// With the address of a server, --admin is a part of that: with its TLS and HTTP/2,
// and wherever its address goes.
func TestAdminWithTheAddressOfAServerIsAPartOfIt(t *testing.T) {
	trusted := x509.NewCertPool()
	pair := selfSigned(t, trusted)
	addr, other := freeAddr(t), freeAddr(t)
	secure := fmt.Sprintf(`
[servers.main]
addr = "<ADDR>"
locations = ["all"]
[servers.secure]
addr = %q
locations = ["all"]
global_certificates = true
[certificates.own]
tls_cert = %q
tls_key = %[2]q
[locations.all]
plugins = ["answer"]
[plugins.answer]
category = "mock"
data = "first"
`, addr, pair)
	p := startProxy(t, secure, "--admin", "me:secret@"+addr+"/desk")
	p.answers(t, addr)
	overTLS := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "proxy.test"}, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	at := "https://" + addr
	if status, text := tell(t, overTLS, "GET", at+"/desk/", "me:secret", ""); status != 200 || !strings.Contains(text, at+"/desk/api/configs") {
		t.Errorf("status %d: %s", status, text)
	}
	if _, got := answerTo(t, overTLS, at+"/deskx"); got != "first" {
		t.Errorf("beside the admin: %q", got)
	}
	if _, got := answerTo(t, newClient(t), p.url("/desk/")); got != "first" {
		t.Errorf("another server has the admin too: %q", got)
	}
	// The server moves away, by way of the admin: it stays where it was.
	moved := fmt.Sprintf(`{"addr": %q, "locations": ["all"], "global_certificates": true}`, other)
	if status, text := tell(t, overTLS, "POST", at+"/desk/api/configs/servers/secure", "me:secret", moved); status != 200 {
		t.Errorf("status %d: %s", status, text)
	}
	plain := "http://" + addr + "/desk/"
	if status, text := tell(t, newClient(t), "GET", plain+"api/configs/servers/secure", "me:secret", ""); status != 200 || !strings.Contains(text, other) {
		t.Errorf("status %d: %s", status, text)
	}
	// A change that fails leaves it where it is.
	taken := listen(t, func(net.Conn) {})
	if status, text := tell(t, newClient(t), "POST", plain+"api/configs/servers/secure", "me:secret", strings.Replace(moved, other, addr+","+taken, 1)); status != 500 || !strings.Contains(text, taken) {
		t.Errorf("status %d: %s", status, text)
	}
	if status, text := tell(t, newClient(t), "GET", plain+"api/basic", "me:secret", ""); status != 200 {
		t.Errorf("status %d: %s", status, text)
	}
	// And back to where the admin listens by itself now.
	if status, text := tell(t, newClient(t), "POST", plain+"api/configs/servers/secure", "me:secret", strings.Replace(moved, other, addr, 1)); status != 200 {
		t.Errorf("status %d: %s", status, text)
	}
	if status, text := tell(t, overTLS, "GET", at+"/desk/api/basic", "me:secret", ""); status != 200 {
		t.Errorf("status %d: %s", status, text)
	}
	p.stop(t)
}

// Pingap answers anybody where no user is written.
func TestAdminWithoutUsersAnswersItsOwnMachineAlone(t *testing.T) {
	p := startProxy(t, strings.Replace(withAdmin, "authorizations", "# authorizations", 1))
	for _, c := range []struct {
		host, from string
		want       int
	}{
		{"127.0.0.1", "", 200}, {"localhost", "", 200}, {"evil.example", "", 403}, {"127.0.0.1", "10.1.2.3", 403},
	} {
		fields := []string{"Host: " + c.host}
		if c.from != "" {
			fields = append(fields, "X-Forwarded-For: "+c.from)
		}
		if r, text := ask(t, newClient(t), p.url("/pingap/api/basic"), fields...); r.StatusCode != c.want {
			t.Errorf("%+v: status %d: %s", c, r.StatusCode, text)
		}
	}
}
