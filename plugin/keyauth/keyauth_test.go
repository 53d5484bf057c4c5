package keyauth

import (
	"strings"
	"testing"
	"time"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
	"pingap/plugin/plugintest"
)

const (
	inHeader = "header = \"X-Api-Key\"\nkeys = [\"k1\", \"a+b/c=\"]"
	inQuery  = "query = \"key\"\nkeys = [\"k1\", \"a+b/c=\"]"
)

func TestOnlyKnownKeysPass(t *testing.T) {
	for _, c := range []struct{ settings, target, field, want string }{
		{inHeader, "/", "", "Key missing"},
		{inHeader, "/?X-Api-Key=k1", "", "Key missing"},
		{inHeader, "/", "x-api-key: k1", "passed"},
		{inHeader, "/", "X-Api-Key: a+b/c=", "passed"},
		{inHeader, "/", "X-Api-Key: k", "Key auth fail"},
		{inHeader, "/", "X-Api-Key: k1, k1", "Key auth fail"},
		{inQuery, "/", "key: k1", "Key missing"},
		{inQuery, "/?key", "", "Key missing"},
		{inQuery, "/?key=", "", "Key missing"},
		{inQuery, "/?a=b&key=k1&c", "", "passed"},
		{inQuery, "/?key=a+b/c=", "", "passed"},
		{inQuery, "/?key=a%2Bb%2Fc%3D", "", "passed"},
		{inQuery, "/?key=k%", "", "Key auth fail"},
		{inQuery, "/?key=k2&key=k1", "", "Key auth fail"},
		{inQuery, "/?xkey=k1", "", "Key missing"},
	} {
		var fields []string
		if c.field != "" {
			fields = []string{c.field}
		}
		a := plugintest.Ask(t, nil, plugintest.Make(t, build, c.settings), "GET", c.target, fields...)
		if a.Text != c.want || !a.Passed && (a.Response.Status != 401 || !a.Response.Header.Has("WWW-Authenticate")) {
			t.Errorf("%s %s with %q: %d %q, want %q", c.settings[:6], c.target, c.field, a.Response.Status, a.Text, c.want)
		}
	}
}

func TestKeysAreHiddenWhereThatIsWanted(t *testing.T) {
	const hide = "\nhide_credentials = true"
	a := plugintest.Ask(t, nil, plugintest.Make(t, build, inHeader+hide), "GET", "/", "X-Api-Key: k1", "X-Other: k1")
	if !a.Passed || a.Request.Header.Has("X-Api-Key") || !a.Request.Header.Has("X-Other") {
		t.Errorf("the upstream sees %v", a.Request.Header.Fields())
	}
	p := plugintest.Make(t, build, inQuery+hide)
	for target, want := range map[string]string{
		"/?key=k1":                     "/",
		"/?key=k1&a=1&b":               "/?a=1&b",
		"/?a=%20&key=k1&b=+":           "/?a=%20&b=+",
		"/?a&key=k1":                   "/?a",
		"/?key=k1&a=key&key=k2&keys=3": "/?a=key&keys=3",
	} {
		a := plugintest.Ask(t, nil, p, "GET", target)
		got := a.Request.Path
		if a.Request.HasQuery {
			got += "?" + a.Request.Query
		}
		if !a.Passed || got != want {
			t.Errorf("%s: the upstream sees %s, want %s", target, got, want)
		}
	}
}

func TestWrongKeysWait(t *testing.T) {
	p := plugintest.Make(t, build, inHeader+"\ndelay = \"30ms\"")
	looptest.Run(t, func(l *loop.Loop) {
		began := l.Clock()
		a := plugintest.Ask(t, l, p, "GET", "/", "X-Api-Key: k")
		if took := time.Duration(l.Clock() - began); took < 30*time.Millisecond || a.Text != "Key auth fail" {
			t.Errorf("%q after %v", a.Text, took)
		}
	})
}

func TestSettingsThatLetNobodyOrEverybodyInAreReported(t *testing.T) {
	for settings, want := range map[string]string{
		`keys = ["a"]`:                     ": says neither with header nor with query where the key is",
		`header = "X"`:                     "keys: is missing",
		"header = \"X\"\nkeys = []":        "keys: is empty",
		"header = \"X\"\nkeys = [\"\"]":    "keys: is empty",
		"header = \"X Y\"\nkeys = [\"a\"]": `header: the header name "X Y" is invalid`,
		inQuery + "\nheader = \"X\"":       "header: has no effect beside query",
	} {
		if got := plugintest.Problems(build, settings); !strings.Contains(got, want) {
			t.Errorf("%s\nis reported as %q, want %q", settings, got, want)
		}
	}
}

func FuzzHiddenKeysAreGoneAndTheRestIsThere(f *testing.F) {
	for _, query := range []string{"key=1", "a=1&key=2&b", "&&key&", "key=k=e=y&", "=key"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		x := &message.Exchange{}
		x.Reset()
		x.Request.Query, x.Request.HasQuery = query, true
		argument("key").remove(x)
		if v, ok := x.Request.Argument("key"); ok {
			t.Errorf("%q became %q, which has the key %q", query, x.Request.Query, v)
		}
		var want []string
		for pair := range strings.SplitSeq(query, "&") {
			if name, _, _ := strings.Cut(pair, "="); name != "key" && pair != "" {
				want = append(want, pair)
			}
		}
		got := strings.FieldsFunc(x.Request.Query, func(r rune) bool { return r == '&' })
		if strings.Join(got, "&") != strings.Join(want, "&") {
			t.Errorf("%q became %q", query, x.Request.Query)
		}
	})
}
