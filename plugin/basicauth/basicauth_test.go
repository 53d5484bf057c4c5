package basicauth

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/plugin/plugintest"
)

const alice = `authorizations = ["YWxpY2U6c2VjcmV0", "Ym9iOng6eQ=="]` // alice:secret, bob:x:y

func TestOnlyKnownCredentialsPass(t *testing.T) {
	p := plugintest.Make(t, build, alice)
	for _, c := range []struct{ field, want string }{
		{"", "Authorization is missing"},
		{"Authorization: ", "Authorization is missing"},
		{"Authorization: Basic YWxpY2U6c2VjcmV0", "passed"},
		{"authorization: Basic YWxpY2U6c2VjcmV0", "passed"},
		{"Authorization: basic  YWxpY2U6c2VjcmV0", "passed"}, // RFC 9110 section 11.1: the scheme's case does not matter
		{"Authorization: Basic Ym9iOng6eQ==", "passed"},
		{"Authorization: Basic Ym9iOng6eQ", "passed"},
		{"Authorization: Basic", "Invalid user or password"},
		{"Authorization: Basic ", "Invalid user or password"},
		{"Authorization: Basic ====", "Invalid user or password"},
		{"Authorization: Basic YWxpY2U6c2VjcmV0eA==", "Invalid user or password"},
		{"Authorization: Basic YWxpY2U6c2VjcmU=", "Invalid user or password"},
		{"Authorization: Basic YWxpY2U6U0VDUkVU", "Invalid user or password"},
		{"Authorization: Bearer YWxpY2U6c2VjcmV0", "Invalid user or password"},
		{"Authorization: YWxpY2U6c2VjcmV0", "Invalid user or password"},
	} {
		var fields []string
		if c.field != "" {
			fields = []string{c.field}
		}
		a := plugintest.Ask(t, nil, p, "GET", "/", fields...)
		if a.Text != c.want {
			t.Errorf("%q: %q, want %q", c.field, a.Text, c.want)
		}
		if a.Passed {
			continue
		}
		h := &a.Response.Header
		if a.Response.Status != 401 || !strings.HasPrefix(h.Get("WWW-Authenticate"), `Basic realm="`) || h.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%q is refused with %d %v", c.field, a.Response.Status, h.Fields())
		}
	}
}

func TestCredentialsAreHiddenWhereThatIsWanted(t *testing.T) {
	for settings, want := range map[string]bool{alice: true, alice + "\nhide_credentials = true": false} {
		a := plugintest.Ask(t, nil, plugintest.Make(t, build, settings), "GET", "/", "Authorization: Basic YWxpY2U6c2VjcmV0")
		if !a.Passed || a.Request.Header.Has("Authorization") != want {
			t.Errorf("%s: the upstream sees %v", settings, a.Request.Header.Fields())
		}
	}
}

// A wrong password waits, so that guessing takes time; a missing one, with which
// every browser begins, does not.
func TestWrongCredentialsWait(t *testing.T) {
	looptest.Run(t, func(l *loop.Loop) {
		took := func(delay string, fields ...string) time.Duration {
			p := plugintest.Make(t, build, alice+"\ndelay = \""+delay+"\"")
			began := l.Clock()
			plugintest.Ask(t, l, p, "GET", "/", fields...)
			return time.Duration(l.Clock() - began)
		}
		if d := took("40ms", "Authorization: Basic eDp5"); d < 40*time.Millisecond {
			t.Errorf("wrong credentials are answered after %v", d)
		}
		// Others would wait for an hour if they did, and for a busy machine they may.
		took("1h")
		took("1h", "Authorization: Basic YWxpY2U6c2VjcmV0")
	})
}

func TestCredentialsThatAreNoneAreAnError(t *testing.T) {
	for settings, want := range map[string]string{
		``:                                    "authorizations: is missing",
		`authorizations = []`:                 "authorizations: is empty",
		`authorizations = ["alice:secret"]`:   "authorizations: is not the base64 of a name and a password",
		`authorizations = ["YWxpY2U="]`:       "authorizations: is not the base64 of a name and a password",
		alice + "\nauthorization = [\"\"]":    `unknown key "authorization"`,
		alice + "\nhide_credentials = \"no\"": "hide_credentials: ",
	} {
		got := plugintest.Problems(build, settings)
		if !strings.Contains(got, want) {
			t.Errorf("%s\nis reported as %q, want %q", settings, got, want)
		}
		if strings.Contains(got, "secret") {
			t.Errorf("the report shows a password: %s", got)
		}
	}
}

func FuzzFieldPassesOnlyWithTheCredentials(f *testing.F) {
	for _, field := range []string{"Basic YWxpY2U6c2VjcmV0", "basic  YWxpY2U6c2VjcmV0=", "Basic =", "B", " ", "Basic YWxpY2U6c2Vjcm\rV0"} {
		f.Add(field)
	}
	b := plugintest.Make(f, build, alice).(*basicAuth)
	f.Fuzz(func(t *testing.T, field string) {
		if !b.right(field) {
			return
		}
		words := strings.Fields(field)
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(words[len(words)-1], "="))
		if err != nil || string(plain) != "alice:secret" && string(plain) != "bob:x:y" {
			t.Errorf("%q passes, as %q", field, plain)
		}
	})
}
