package refererrestriction

import (
	"net/url"
	"strings"
	"testing"

	"pingap/config"
	"pingap/message"
	"pingap/plugin/plugintest"
)

func status(t *testing.T, settings string, referer ...string) int {
	t.Helper()
	var fields []string
	for _, value := range referer {
		fields = append(fields, "Referer: "+value)
	}
	return plugintest.Ask(t, nil, plugintest.Make(t, build, settings), "GET", "/", fields...).Response.Status
}

func TestHostOfTheRefererDecides(t *testing.T) {
	const list = `referer_list = ["Example.com", "*.a.com", "*b.com", "[2001:db8::1]"]`
	for referer, listed := range map[string]bool{
		"https://example.com/": true, "http://EXAMPLE.COM:8080/a?b#c": true, "https://example.com": true, "https://example.com./": true,
		"https://www.example.com/": false, "https://example.com.evil.net/": false, "https://evil.net/example.com": false,
		"https://x.a.com/": true, "https://x.y.A.com/": true, "https://evila.com/": false,
		"https://b.com/": true, "https://xb.com/": true, "http://[2001:db8::1]:80/": true,
		// A star and a dot leave out the host itself.
		"https://a.com/": false,
		// What looks like a host and is none.
		"https://example.com@evil.net/": false, "https://evil.net?@example.com/": false, "https://evil.net#@example.com": false,
		`https://evil.net\.a.com/`: false, `https://evil.net\@example.com/`: true, // browsers never send user information
		"example.com": false, "//example.com/": false, "": false, "https://": false, "https:///example.com": false, "1://example.com": false,
	} {
		if got := status(t, list, referer); (got == 200) != listed || (got == 403) == listed {
			t.Errorf("allow %q: %d", referer, got)
		}
		if got := status(t, list+"\ntype = \"deny\"", referer); (got == 403) != listed || (got == 200) == listed {
			t.Errorf("deny %q: %d", referer, got)
		}
	}
}

func TestRequestWithoutRefererIsOnNoList(t *testing.T) {
	if got := status(t, `referer_list = ["*"]`); got != 403 {
		t.Errorf("allow: %d", got)
	}
	if got := status(t, "referer_list = [\"*\"]\ntype = \"deny\""); got != 200 {
		t.Errorf("deny: %d", got)
	}
}

func TestWrongSettingsAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		`referer_list = ["https://example.com/"]`:            `write "example.com"`,
		`referer_list = ["example.com:80"]`:                  "is no host",
		`referer_list = ["a b"]`:                             "is no host",
		`referer_list = ["www.*.com"]`:                       "is no host",
		`referer_list = [""]`:                                "is no host",
		`referer_list = ["*a.com"]`:                          `warning: "*a.com" stands for evila.com too; write "a.com" and "*.a.com"`,
		"referer_list = [\"a.com\"]\ntype = \"dney\"":        `did you mean "deny"?`,
		`referer_list = []`:                                  "everybody is refused",
		"referer_list = [\"a.com\"]\nreferrer_list = [\"\"]": `did you mean "referer_list"?`,
	} {
		_, problems := build(config.TableOf("test", settings), nil)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	p, _ := build(config.TableOf("test", `referer_list = ["a.example", "*.b.example"]`), nil)
	h := p.Wrap(message.HandlerFunc(func(*message.Exchange) error { return nil }))
	x := &message.Exchange{}
	for _, referer := range []string{"https://A.example/", "https://x.b.example", "https://c.example/"} {
		once := func() {
			x.Reset()
			x.Request.Header.Add("Referer", referer)
			h.Serve(x)
		}
		once()
		if n := testing.AllocsPerRun(100, once); n > 0 {
			t.Errorf("%s: %v allocations", referer, n)
		}
	}
}

// FuzzHostOf compares with the standard library's parser, which takes more.
func FuzzHostOf(f *testing.F) {
	for _, s := range []string{"https://example.com/a", "http://u:p@h:1/", "http://[::1]:80", "x://", `https://a\b`, "http://a@b@c/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, ok := hostOf(s)
		if !ok {
			return
		}
		if host == "" || strings.ContainsAny(host, "/?#@\\ ") {
			t.Errorf("%q has the host %q", s, host)
		}
		if u, err := url.Parse(s); err == nil && strings.TrimSuffix(u.Hostname(), ".") != strings.Trim(host, "[]") {
			t.Errorf("%q: %q, net/url finds %q", s, host, u.Hostname())
		}
	})
}
