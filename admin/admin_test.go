package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pingap/config"
	"pingap/config/store"
	"pingap/plugin"
)

// stored is what the tests' admin begins with.
const stored = `# the door
[servers.web]
addr = "127.0.0.1:80"
locations = ["all"]

[locations.all]
upstream = "app"
proxy_set_headers = ["Authorization: Bearer hush", "X-Name: plain"]

[upstreams.app]
addrs = ["127.0.0.1:5000"]

[plugins.door]
category = "basic_auth"
authorizations = ["Zmlyc3Q6MQ==", "c2Vjb25kOjI="]

[certificates.own]
tls_cert = "/etc/own.pem"
tls_key = "-----BEGIN PRIVATE KEY-----"
`

// desk is an entry to an admin over a store in memory, whose process does as it is told.
type desk struct {
	*Entry
	t        *testing.T
	store    *store.Store
	reloaded []string
	restarts []string
	fails    error              // of the next reload
	user     config.Credentials // who asks
}

var me = config.Credentials("me:secret")

func newDesk(t *testing.T, change ...func(*plugin.AdminEntry, *Process)) *desk {
	d := &desk{t: t, store: store.Memory("memory", stored), user: me}
	t.Cleanup(func() { d.store.Close() })
	inForce, _, err := d.store.Load()
	if err != nil {
		t.Fatal(err)
	}
	e := plugin.AdminEntry{Users: []config.Credentials{me, "you:other"}, MaxAge: time.Hour, FailLimit: 10}
	p := Process{
		Store: d.store,
		Check: func(_ context.Context, s *store.Snapshot) ([]config.Change, config.Problems) {
			c, problems := s.Decode()
			return c.Changes(inForce), problems
		},
		Reload: func(_ context.Context, why string) Outcome {
			d.reloaded = append(d.reloaded, why)
			if d.fails != nil {
				return Outcome{Err: d.fails}
			}
			c, problems, err := d.store.Load()
			if err != nil {
				t.Fatal(err)
			}
			o := Outcome{Changes: c.Changes(inForce), Problems: problems}
			inForce = c
			return o
		},
		Restart:      func(why string) { d.restarts = append(d.restarts, why) },
		Status:       func() Status { return Status{Name: "pingap", PID: 7} },
		Certificates: func() []Certificate { return []Certificate{{Name: "own", Domains: []string{"a.example"}}} },
	}
	for _, f := range change {
		f(&e, &p)
	}
	d.Entry = New(p, slog.New(slog.DiscardHandler)).Entry(e)
	return d
}

// ask sends a request and returns the answer; headers are "Name: value".
func (d *desk) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.1:4711"
	if name, password, ok := strings.Cut(string(d.user), ":"); ok {
		r.SetBasicAuth(name, password)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// want checks the status and that the body holds some texts.
func want(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("no %q in\n%s", text, w.Body)
		}
	}
}

// section returns the text of a stored section.
func (d *desk) text(kind, name string) string {
	s, err := d.store.Read(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	item, _ := s.Item(kind, name)
	return item.Text
}

func TestSectionIsReadChangedAndPutIntoForce(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/api/configs/upstreams/app", "/api/configs/upstream/app"} {
		want(t, d.ask("GET", path, ""), 200, `"127.0.0.1:5000"`)
	}
	w := d.ask("POST", "/api/configs/upstream/app", `{"addrs": ["10.0.0.1:80 2"], "algo": null, "verify_cert": false}`)
	want(t, w, 200, `"in_force": true`, `"upstreams"`, `"app"`, `+ addrs = [\"10.0.0.1:80 2\"]`)
	if got := d.text("upstreams", "app"); got != "[upstreams.app]\naddrs = [\"10.0.0.1:80 2\"]\nverify_cert = false\n" {
		t.Errorf("stored is\n%s", got)
	}
	if len(d.reloaded) != 1 || d.reloaded[0] != "saved by me" {
		t.Errorf("reloads: %q", d.reloaded)
	}
	want(t, d.ask("POST", "/api/configs/upstreams/new", `{"addrs": ["10.0.0.9:80"]}`), 200, `"added"`)
	want(t, d.ask("DELETE", "/api/configs/upstreams/new", ""), 200, `"removed"`)
	want(t, d.ask("DELETE", "/api/configs/upstreams/new", ""), 404, "no such section")
	want(t, d.ask("POST", "/api/configs/basic/any", `{"threads": 2}`), 200, `"added"`)
	want(t, d.ask("GET", "/api/configs/basic/any", ""), 200, `"threads": 2`)
}

func TestTextOfASectionKeepsItsComments(t *testing.T) {
	d := newDesk(t)
	text := "# two of them\n[upstreams.app]\naddrs = [\"10.0.0.1:80\"] # the first\n"
	want(t, d.ask("POST", "/api/configs/upstreams/app", text, "Content-Type: application/toml"), 200)
	if got := d.text("upstreams", "app"); got != text {
		t.Errorf("stored is\n%s", got)
	}
	w := d.ask("GET", "/api/configs/upstreams/app", "", "Accept: application/toml")
	want(t, w, 200, "[upstreams.app]\naddrs = ")
	want(t, d.ask("POST", "/api/configs/upstreams/app", "[upstreams.other]\n", "Content-Type: application/toml"), 400, "upstreams.other")
}

func TestWhatWouldBeWrongAsAWholeIsNotSaved(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct{ method, path, body, says string }{
		{"POST", "/api/configs/upstreams/app", `{"addrs": ["10.0.0.1:80"], "algoo": "round_robin"}`, `unknown key \"algoo\"`},
		{"POST", "/api/configs/upstreams/app", `{"addrs": "10.0.0.1:80"}`, "addrs"},
		{"POST", "/api/configs/import", "[locations.all]\nupstrem = \"x\"\n", `unknown key \"upstrem\"`},
		{"POST", "/api/configs/check", "[locations.all]\nupstrem = \"x\"\n", `unknown key \"upstrem\"`},
		{"POST", "/api/configs/import", "[locations.all\n", "no TOML"},
	} {
		want(t, d.ask(c.method, c.path, c.body), 422, c.says, `"problems"`, `"line"`)
	}
	if d.text("upstreams", "app") != "[upstreams.app]\naddrs = [\"127.0.0.1:5000\"]\n" || len(d.reloaded) > 0 {
		t.Errorf("something was saved, or reloaded: %q", d.reloaded)
	}
}

func TestBodiesThatAreNoSectionAreRefused(t *testing.T) {
	d := newDesk(t)
	for body, says := range map[string]string{
		"":                             "no JSON",
		"[]":                           "object",
		"null":                         "object",
		`{"addrs": [null]}`:            "null",
		`{"a": 1} {}`:                  "follows",
		`{"a": 1, "a": 2}`:             "twice",
		strings.Repeat(`{"a":`, 20):    "nested",
		strings.Repeat("[", 1_000_000): "object",
	} {
		want(t, d.ask("POST", "/api/configs/upstreams/app", body), 400)
		if w := d.ask("POST", "/api/configs/upstreams/app", body); !strings.Contains(w.Body.String(), says) && len(body) < 1000 {
			t.Errorf("%q: no %q in %s", body, says, w.Body)
		}
	}
	want(t, d.ask("POST", "/api/configs/upstreams/app", strings.Repeat(" ", maxBody+1)), 413)
	for _, name := range []string{"a%2Fb", "..%2Fx", ".hidden", "%00", strings.Repeat("n", 200)} {
		want(t, d.ask("POST", "/api/configs/upstreams/"+name, `{"addrs": ["10.0.0.1:80"]}`), 400, "cannot be called so")
	}
	want(t, d.ask("POST", "/api/configs/upstreams/%E4%B8%8A%E6%B8%B8", `{"addrs": ["10.0.0.1:80"]}`), 200)
}

func TestChangeOfWhatSomebodyElseHasChangedIsRefused(t *testing.T) {
	d := newDesk(t)
	tag := d.ask("GET", "/api/configs/upstreams/app", "").Header().Get("ETag")
	if tag == "" {
		t.Fatal("the section has no entity tag")
	}
	want(t, d.ask("POST", "/api/configs/upstreams/app", `{"addrs": ["10.0.0.2:80"]}`, "If-Match: "+tag), 200)
	want(t, d.ask("POST", "/api/configs/upstreams/app", `{"addrs": ["10.0.0.3:80"]}`, "If-Match: "+tag), 409, "someone else")
	want(t, d.ask("DELETE", "/api/configs/upstreams/app", "", "If-Match: "+tag), 409)
	want(t, d.ask("POST", "/api/configs/upstreams/app", `{"addrs": ["10.0.0.3:80"]}`, "If-None-Match: *"), 409)
	want(t, d.ask("POST", "/api/configs/upstreams/app", `{"addrs": ["10.0.0.3:80"]}`), 200)
}

func TestImportMergesOrReplaces(t *testing.T) {
	d := newDesk(t)
	want(t, d.ask("POST", "/api/configs/import", "[upstreams.more]\naddrs = [\"10.0.0.1:80\"]\n"), 200, `"more"`)
	want(t, d.ask("GET", "/api/configs/upstreams/app", ""), 200)
	want(t, d.ask("POST", "/api/configs/check?replace", "[upstreams.one]\naddrs = [\"10.0.0.1:80\"]\n"), 200, `"in_force": false`, `"removed"`)
	want(t, d.ask("POST", "/api/configs/import?replace", "[upstreams.one]\naddrs = [\"10.0.0.1:80\"]\n"), 200, `"removed"`)
	want(t, d.ask("GET", "/api/configs/upstreams/app", ""), 404)
	want(t, d.ask("GET", "/api/configs/upstreams/one", ""), 200)
	want(t, d.ask("POST", "/api/configs/import", "# nothing\n"), 400, "no section")
}

// Lesson 15: an admin that answers with private keys and passwords makes
// everybody who may look somebody who may do anything.
func TestSecretsAreNotShownAndComeBackUnseen(t *testing.T) {
	d := newDesk(t)
	secrets := []string{"hush", "Zmlyc3Q6MQ==", "c2Vjb25kOjI=", "PRIVATE KEY"}
	for _, path := range []string{"/api/configs", "/api/configs/full", "/api/configs/plugin", "/api/configs/plugins/door", "/api/configs/certificates/own", "/api/configs/locations/all"} {
		for _, accept := range []string{"application/json", "application/toml"} {
			w := d.ask("GET", path, "", "Accept: "+accept)
			want(t, w, 200)
			for _, secret := range secrets {
				if strings.Contains(w.Body.String(), secret) {
					t.Errorf("%s shows %q:\n%s", path, secret, w.Body)
				}
			}
		}
	}
	var door map[string]any
	if err := json.Unmarshal(d.ask("GET", "/api/configs/plugins/door", "").Body.Bytes(), &door); err != nil {
		t.Fatal(err)
	}
	list := door["authorizations"].([]any)
	door["authorizations"] = []any{list[1]} // the first goes
	body, _ := json.Marshal(door)
	d.process.Check = func(context.Context, *store.Snapshot) ([]config.Change, config.Problems) { return nil, nil }
	want(t, d.ask("POST", "/api/configs/plugins/door", string(body)), 200)
	if got := d.text("plugins", "door"); !strings.Contains(got, `authorizations = ["c2Vjb25kOjI="]`) {
		t.Errorf("stored is\n%s", got)
	}
	body, _ = json.Marshal(map[string]any{"category": "basic_auth", "authorizations": list})
	want(t, d.ask("POST", "/api/configs/plugins/door", string(body)), 400, "no longer stored")
	text := d.ask("GET", "/api/configs/locations/all", "", "Accept: application/toml").Body.String()
	want(t, d.ask("POST", "/api/configs/locations/all", strings.Replace(text, "plain", "other", 1), "Content-Type: application/toml"), 200)
	if got := d.text("locations", "all"); !strings.Contains(got, "Bearer hush") || !strings.Contains(got, "X-Name: other") {
		t.Errorf("stored is\n%s", got)
	}
	want(t, d.ask("POST", "/api/configs/import", text), 400, "stands for a secret")
}

func TestEarlierVersionsAreListedAndRestored(t *testing.T) {
	d := newDesk(t)
	for _, addr := range []string{"10.0.0.1:80", "10.0.0.2:80"} {
		want(t, d.ask("POST", "/api/configs/upstreams/app", `{"addrs": ["`+addr+`"]}`), 200)
	}
	w := d.ask("GET", "/api/config-history/upstream/app", "")
	want(t, w, 200, `"author": "me"`)
	var answer struct {
		History []struct {
			ID   string         `json:"id"`
			Data map[string]any `json:"data"`
		} `json:"history"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.History) != 3 {
		t.Fatalf("%v in %s", err, w.Body)
	}
	oldest := answer.History[2]
	if addrs := oldest.Data["addrs"].([]any); addrs[0] != "127.0.0.1:5000" {
		t.Errorf("the oldest version has %v", addrs)
	}
	want(t, d.ask("POST", "/api/config-history/upstream/app/restore", `{"id": "`+oldest.ID+`"}`), 200, `+ addrs = [\"127.0.0.1:5000\"]`)
	want(t, d.ask("POST", "/api/config-history/upstream/app/restore", `{"id": "1.0"}`), 404, "no such version")
	want(t, d.ask("POST", "/api/config-history/upstream/app/restore", `nothing`), 400)
}

func TestReloadThatFailsIsAnsweredAsAFailure(t *testing.T) {
	d := newDesk(t)
	d.fails = errors.New("the port is taken")
	want(t, d.ask("POST", "/api/reload", ""), 500, "serves what it did before", "the port is taken")
	d.fails = nil
	want(t, d.ask("POST", "/api/reload", ""), 200, `"in_force": true`)
	want(t, d.ask("POST", "/api/restart", ""), 200)
	if len(d.restarts) != 1 || d.restarts[0] != "asked for by me" {
		t.Errorf("restarts: %q", d.restarts)
	}
}

func TestStatusAndCertificatesAreTold(t *testing.T) {
	d := newDesk(t)
	want(t, d.ask("GET", "/api/basic", ""), 200, `"pid": 7`)
	want(t, d.ask("GET", "/api/certificates", ""), 200, `"own"`, "a.example")
	want(t, d.ask("GET", "/", ""), 200, "/api/configs", "pingap")
}

// Lesson 42: the configuration has to be readable when it is wrong, for it is
// then that it has to be put right.
func TestWrongConfigurationIsReadAndPutRight(t *testing.T) {
	d := newDesk(t, func(_ *plugin.AdminEntry, p *Process) {
		p.Store = store.Memory("memory", "[upstreams.app]\nadrs = []\n")
	})
	d.store = d.process.Store
	want(t, d.ask("GET", "/api/configs", ""), 200, `"adrs"`)
	want(t, d.ask("POST", "/api/configs/upstreams/app", `{"addrs": ["10.0.0.1:80"]}`), 200)
}

func TestBuiltInConfigurationCannotBeChanged(t *testing.T) {
	d := newDesk(t, func(_ *plugin.AdminEntry, p *Process) { p.Store = nil })
	want(t, d.ask("GET", "/api/configs", ""), 409, "start pingap with -c")
	want(t, d.ask("POST", "/api/configs/upstreams/app", `{}`), 409)
	want(t, d.ask("GET", "/api/config-history/upstreams/app", ""), 409)
}

// Whoever watches the admin has to see that it is etcd that is missing.
func TestStoreOutOfReachIsUnavailable(t *testing.T) {
	status, body := explain(fmt.Errorf("read etcd://h/pingap: %w", store.ErrUnreachable))
	if status != 503 || !strings.Contains(body.Message, "etcd://h/pingap") {
		t.Errorf("%d %q", status, body.Message)
	}
}
