package responseheaders

import (
	"strings"
	"testing"

	"pingap/config"
	"pingap/message"
	"pingap/plugin"
)

// environment has one variable, $host.
var environment = &plugin.Environment{Value: func(text string) (func(*message.Exchange) string, error) {
	if text == "$host" {
		return func(x *message.Exchange) string { return x.Request.Host }, nil
	}
	return func(*message.Exchange) string { return text }, nil
}}

// changed returns the fields of an answer behind the plugin.
func changed(t *testing.T, settings string, fields ...string) string {
	t.Helper()
	p, problems := build(config.TableOf("test", settings), environment)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	x := &message.Exchange{}
	x.Reset()
	x.Request.Host = "example.com"
	if err := p.Wrap(message.HandlerFunc(func(x *message.Exchange) error {
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			x.Response.Header.Add(name, value)
		}
		return nil
	})).Serve(x); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range x.Response.Header.Fields() {
		got = append(got, f.Name+": "+f.Value)
	}
	return strings.Join(got, "|")
}

func TestFieldsAreChanged(t *testing.T) {
	for _, c := range []struct {
		settings string
		fields   []string
		want     string
	}{
		{`add_headers = ["X-A: 2", "X-Host: $host"]`, []string{"X-A: 1"}, "X-A: 1|X-A: 2|X-Host: example.com"},
		{`remove_headers = ["x-a", "X-None"]`, []string{"X-A: 1", "X-B: 2", "X-A: 3"}, "X-B: 2"},
		{`set_headers = ["X-A: 9"]`, []string{"X-A: 1", "X-B: 2", "X-A: 3"}, "X-A: 9|X-B: 2"},
		{`set_headers_not_exists = ["X-A: 9", "X-C: 8"]`, []string{"X-A: 1"}, "X-A: 1|X-C: 8"},
		{`rename_headers = ["X-A: X-New"]`, []string{"X-New: 0", "X-A: 1"}, "X-New: 0|X-New: 1"},
		{`add_headers = ["X-A:"]
set_headers = ["X-B:"]
set_headers_not_exists = ["X-C:"]`, []string{"X-A: 1", "X-B: 2"}, "X-A: 1"},
		{"", []string{"X-A: 1"}, "X-A: 1"},
	} {
		if got := changed(t, c.settings, c.fields...); got != c.want {
			t.Errorf("%s: %s, want %s", c.settings, got, c.want)
		}
	}
}

// A rename once moved the first field of a name and lost the others.
func TestRenamingMovesEveryField(t *testing.T) {
	if got := changed(t, `rename_headers = ["Set-Cookie: X-Cookie"]`, "Set-Cookie: a", "X-B: 1", "set-cookie: b"); got != "X-Cookie: a|X-B: 1|X-Cookie: b" {
		t.Error(got)
	}
}

func TestListsAreWorkedOffInTheirOrder(t *testing.T) {
	settings := `rename_headers = ["X-A: X-Z"]
set_headers_not_exists = ["X-A: absent"]
set_headers = ["X-B: set"]
remove_headers = ["X-A", "X-B"]
add_headers = ["X-A: added", "X-B: added"]`
	if got := changed(t, settings, "X-A: 1"); got != "X-B: set|X-Z: absent" {
		t.Error(got)
	}
}

func TestModeSaysWhereThePluginActs(t *testing.T) {
	for settings, want := range map[string]plugin.Step{"": plugin.Response, `mode = "response"`: plugin.Response, `mode = "upstream"`: plugin.UpstreamResponse} {
		p, _ := build(config.TableOf("test", settings), environment)
		if got := p.(plugin.Settler).Step(); got != want {
			t.Errorf("%s: at %v", settings, got)
		}
	}
}

// Pingap drops an entry without a colon in silence.
func TestEntriesThatAreWrongAreProblems(t *testing.T) {
	for settings, want := range map[string]string{
		`add_headers = ["X-A"]`:         "has no colon",
		`set_headers = ["X A: b"]`:      "header name",
		`remove_headers = ["X-A: 1"]`:   `"X-A: 1" is no name of a header; write the name alone`,
		`remove_headers = [""]`:         "is no name",
		`remove_headers = ["größe"]`:    "is no name",
		`rename_headers = ["X-A: b c"]`: `"b c" is no name of a header; write it as "Old: New"`,
		`rename_headers = ["X-A:"]`:     "is no name",
		`mode = "request"`:              `write "response" or "upstream"`,
	} {
		_, problems := build(config.TableOf("test", settings), environment)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want a problem with %q", settings, problems, want)
		}
	}
}
