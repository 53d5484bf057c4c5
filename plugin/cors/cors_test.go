package cors

import (
	"strings"
	"testing"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

var environment = &plugin.Environment{Value: func(text string) (func(*message.Exchange) string, error) {
	return func(x *message.Exchange) string { return x.Request.Field(strings.TrimPrefix(text, "$http_")) }, nil
}}

// asked makes a request, "METHOD path" and fields, and returns the answer's status
// and fields. The upstream answers 200 with fields of its own.
func asked(t *testing.T, settings, request string, fields ...string) (int, string) {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), environment)
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	x := &message.Exchange{}
	x.Reset()
	x.Request.Method, x.Request.Path, _ = strings.Cut(request, " ")
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		x.Request.Header.Add(name, value)
	}
	if err := p.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		x.Response.Status = 200
		x.Response.Header.Add("access-control-allow-origin", "https://of.the.upstream")
		return nil
	})).Serve(x); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range x.Response.Header.Fields() {
		got = append(got, strings.TrimPrefix(f.Name, "Access-Control-")+": "+f.Value)
	}
	return x.Response.Status, strings.Join(got, "|")
}

const (
	origin    = "Origin: https://a.example"
	preflight = "Access-Control-Request-Method: PUT"
	untouched = "access-control-allow-origin: https://of.the.upstream"
)

func TestBrowsersAreToldWhoMay(t *testing.T) {
	const methods = "|Allow-Methods: GET, POST, PUT, PATCH, DELETE, OPTIONS"
	for _, c := range []struct {
		settings, request string
		fields            []string
		status            int
		want              string
	}{
		// A fixed origin, the default too, once made every answer 400.
		{"", "GET /", []string{origin}, 200, "Allow-Origin: *"},
		{"", "OPTIONS /", []string{origin, preflight}, 204, "Allow-Origin: *" + methods + "|Max-Age: 3600"},
		{`allow_origin = "https://a.example"`, "GET /", []string{origin}, 200, "Vary: Origin|Allow-Origin: https://a.example"},
		{`allow_origin = "https://b.example, https://a.example"`, "GET /", []string{origin}, 200, "Vary: Origin|Allow-Origin: https://a.example"},
		{`allow_origin = "https://b.example"`, "GET /", []string{origin}, 200, "Vary: Origin"},
		{`allow_origin = "https://b.example"`, "OPTIONS /", []string{origin, preflight}, 204, "Vary: Origin"},
		{`allow_origin = "$http_origin"`, "GET /", []string{origin}, 200, "Vary: Origin|Allow-Origin: https://a.example"},
		{`allow_origin = "$http_origin"`, "GET /", nil, 200, untouched + "|Vary: Origin"},
		{"", "GET /", nil, 200, untouched},
		{"", "OPTIONS /", []string{origin}, 200, "Allow-Origin: *"},
		{"", "OPTIONS /", []string{preflight}, 200, untouched},
		{`max_age = "0s"`, "OPTIONS /", []string{origin, preflight}, 204, "Allow-Origin: *" + methods},
		{"allow_methods = \"GET\"\nallow_headers = \"X-T\"\nmax_age = \"5m\"\nexpose_headers = \"X-U\"", "OPTIONS /", []string{origin, preflight}, 204,
			"Allow-Origin: *|Allow-Methods: GET|Allow-Headers: X-T|Max-Age: 300"},
		{"allow_headers = \"X-T\"\nexpose_headers = \"X-U\"", "GET /", []string{origin}, 200, "Allow-Origin: *|Expose-Headers: X-U"},
		{"allow_origin = \"$http_origin\"\nallow_credentials = true", "GET /", []string{origin}, 200, "Vary: Origin|Allow-Origin: https://a.example|Allow-Credentials: true"},
		{`path = "^/api/"`, "GET /api/x", []string{origin}, 200, "Allow-Origin: *"},
		{`path = "^/api/"`, "GET /other", []string{origin}, 200, untouched},
		{`path = "^/api/"`, "OPTIONS /other", []string{origin, preflight}, 200, untouched},
	} {
		if status, got := asked(t, c.settings, c.request, c.fields...); status != c.status || got != c.want {
			t.Errorf("%s %s %v: %d %s\nwant %d %s", c.settings, c.request, c.fields, status, got, c.status, c.want)
		}
	}
}

func TestSettingsThatAreWrongAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		`allow_origin = "a.example"`:                 `"a.example" is no origin; write a scheme and a host`,
		`allow_origin = "https://a.example/"`:        "is no origin",
		`allow_origin = "https://*.example"`:         "is no origin",
		`allow_origin = "https://a.example, *"`:      `"*" is no origin`,
		`path = "("`:                                 "regular expression",
		`max_age = 5`:                                "duration",
		"allow_headers = \"X-\\nA\"":                 "cannot stand in a field",
		"allow_credentials = true":                   `warning: browsers take no credentials where everybody is allowed with "*"`,
		"allow_credentials = true\nallow_origin='*'": "warning",
	} {
		_, problems := build(config.TableOf("test", settings), environment)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}
