package admin

import (
	"strings"
	"testing"
	"time"

	"pingap/config"
	"pingap/plugin"
)

func TestAddressesAreRead(t *testing.T) {
	for text, want := range map[string]Address{
		"127.0.0.1:3018":                      {"127.0.0.1:3018", plugin.AdminEntry{MaxAge: defaultMaxAge}},
		"localhost":                           {"localhost:80", plugin.AdminEntry{MaxAge: defaultMaxAge}},
		"[::1]:3018":                          {"[::1]:3018", plugin.AdminEntry{MaxAge: defaultMaxAge}},
		"me:secret@0.0.0.0:3018":              {"0.0.0.0:3018", plugin.AdminEntry{MaxAge: defaultMaxAge, Users: []config.Credentials{me}}},
		"me:s@cret@0.0.0.0:3018":              {"0.0.0.0:3018", plugin.AdminEntry{MaxAge: defaultMaxAge, Users: []config.Credentials{"me:s@cret"}}},
		"bWU6c2VjcmV0@:3018/a/b/?max_age=12h": {":3018", plugin.AdminEntry{Prefix: "/a/b", MaxAge: 12 * time.Hour, Users: []config.Credentials{me}}},
		"http://127.0.0.1:3018/pingap":        {"127.0.0.1:3018", plugin.AdminEntry{Prefix: "/pingap", MaxAge: defaultMaxAge}},
	} {
		got, err := ParseAddress(text)
		if err != nil || got.HostPort != want.HostPort || got.Prefix != want.Prefix || got.MaxAge != want.MaxAge || len(got.Users) != len(want.Users) ||
			len(got.Users) > 0 && got.Users[0] != want.Users[0] {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestWrongAddressesAreExplained(t *testing.T) {
	for text, says := range map[string]string{
		"":                         "host:port",
		"::1:3018":                 "host:port",
		"127.0.0.1:many":           "port",
		"secret@127.0.0.1:1":       "user:password",
		"me:@127.0.0.1:1":          "user:password",
		"127.0.0.1:1?max=1":        "max_age",
		"127.0.0.1:1?max_age=long": "max_age",
		"127.0.0.1:1/{x}":          "prefix",
		"127.0.0.1:1/a//b":         "prefix",
		"127.0.0.1:1/a/../b":       "prefix",
	} {
		if _, err := ParseAddress(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: error %v does not say %q", text, err, says)
		}
	}
}

func TestAdminForEverybodyIsRefused(t *testing.T) {
	for _, c := range []struct{ address, user, password, says string }{
		{"127.0.0.1:1", "", "", ""},
		{"[::1]:1", "", "", ""},
		{"localhost:1", "", "", ""},
		{"0.0.0.0:1", "me", "secret", ""},
		{"0.0.0.0:1", "", "", "anybody"},
		{":1", "", "", "anybody"},
		{"10.0.0.1:1", "", "", "anybody"},
		{"127.0.0.1:1", "me", "", "both"},
	} {
		a, err := ParseAddress(c.address)
		if err != nil {
			t.Fatal(err)
		}
		err = a.AddUser(c.user, c.password)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"me:secret@0.0.0.0:3018/x?max_age=2d", "[::1]", "@", "?", "/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err == nil && (a.HostPort == "" || a.MaxAge <= 0 || a.Prefix != "" && (a.Prefix[0] != '/' || strings.HasSuffix(a.Prefix, "/"))) {
			t.Errorf("%q is read as %+v", text, a)
		}
	})
}
