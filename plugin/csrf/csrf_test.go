package csrf

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/plugin/plugintest"
)

const settingsText = "token_path = \"/token\"\nkey = \"k\"\nttl = \"1h\""

func TestTokenIsGivenInACookie(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		for _, method := range []string{"GET", "POST"} {
			a := plugintest.Ask(t, l, plugintest.Make(t, build, settingsText), method, "/token")
			cookie := a.Response.Header.Get("Set-Cookie")
			if a.Passed || a.Response.Status != 204 || a.Text != "" || a.Response.Header.Get("Cache-Control") != "private, no-store" ||
				!regexp.MustCompile(`^x-csrf-token=[0-9a-z]+\.[0-9a-f]+\.[\w-]{43}; Path=/; SameSite=Lax; Max-Age=3600$`).MatchString(cookie) {
				t.Errorf("%s: %d, %q", method, a.Response.Status, cookie)
			}
		}
		p := plugintest.Make(t, build, "token_path = \"/token\"\nkey = \"k\"\nname = \"xsrf\"")
		if cookie := plugintest.Ask(t, l, p, "GET", "/token").Response.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "xsrf=") || strings.Contains(cookie, "Max-Age") {
			t.Errorf("without a ttl: %q", cookie)
		}
	})
}

func TestOnlyPagesWithATokenChangeSomething(t *testing.T) {
	c := plugintest.Make(t, build, settingsText).(*csrf)
	other := plugintest.Make(t, build, strings.Replace(settingsText, `"k"`, `"other"`, 1)).(*csrf)
	looptest.Run(t, func(l *loop.Loop) {
		now := time.Now()
		good := c.token(now)
		for _, e := range []struct {
			method string
			pass   bool
			fields []string
		}{
			{"GET", true, nil},
			{"HEAD", true, nil},
			{"OPTIONS", true, nil},
			{"POST", false, nil},
			{"DELETE", false, nil},
			{"PATCH", false, []string{"X-Csrf-Token: " + good}},
			{"PUT", false, []string{"Cookie: x-csrf-token=" + good}},
			{"POST", true, []string{"X-Csrf-Token: " + good, "Cookie: a=b; x-csrf-token=" + good}},
			{"get", false, nil},
			{"POST", false, []string{"X-Csrf-Token: " + good, "Cookie: x-csrf-token=" + c.token(now)}},
			{"POST", false, both(other.token(now))},
			{"POST", false, both(c.token(now.Add(-61 * time.Minute)))},
			{"POST", true, both(c.token(now.Add(-59 * time.Minute)))},
			{"POST", false, both("x")},
			{"POST", false, both("..")},
			{"POST", false, both(good[:len(good)-1])},
			{"POST", false, both("1" + good)},
		} {
			a := plugintest.Ask(t, l, c, e.method, "/", e.fields...)
			if a.Passed != e.pass || !e.pass && (a.Response.Status != 401 || a.Text != "Csrf token is empty or invalid") {
				t.Errorf("%s with %q: %d %q", e.method, e.fields, a.Response.Status, a.Text)
			}
		}
	})
}

// both shows a token in the field and in the cookie.
func both(token string) []string {
	return []string{"X-Csrf-Token: " + token, "Cookie: x-csrf-token=" + token}
}

func TestTokensWithoutATTLDoNotAge(t *testing.T) {
	c := plugintest.Make(t, build, "token_path = \"/t\"\nkey = \"k\"").(*csrf)
	if now := time.Now(); !c.good(c.token(now.AddDate(-10, 0, 0)), now) {
		t.Error("a token of ten years ago is refused")
	}
}

func TestWrongSettingsAreReported(t *testing.T) {
	for settings, want := range map[string]string{
		`key = "k"`:                                        "token_path: is missing",
		`token_path = "/t"`:                                "key: is missing",
		"token_path = \"/t\"\nkey = \"\"":                  "key: is empty",
		"token_path = \"t\"\nkey = \"k\"":                  "token_path: does not begin with /",
		settingsText + "\nname = \"a b\"":                  `name: the header name "a b" is invalid`,
		"token_path = \"/t\"\nkey = \"k\"\nttl = \"10ms\"": "ttl: is less than a second",
	} {
		if got := plugintest.Problems(build, settings); !strings.Contains(got, want) {
			t.Errorf("%s\nis reported as %q, want %q", settings, got, want)
		}
	}
}

func FuzzOnlySignedTokensAreGood(f *testing.F) {
	c := plugintest.Make(f, build, settingsText).(*csrf)
	now := time.Now()
	f.Add(c.token(now))
	f.Add("a.b.c")
	f.Add(".")
	f.Fuzz(func(t *testing.T, token string) {
		if !c.good(token, now) {
			return
		}
		if end := strings.LastIndexByte(token, '.'); token[end+1:] != c.sign(token[:end]) {
			t.Errorf("%q is good", token)
		}
	})
}
