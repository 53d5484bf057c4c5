package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// changes describes the changes from one text to another, a line for each.
func changes(t *testing.T, before, after string) []string {
	t.Helper()
	var lines []string
	was, _ := Parse("a.toml", []byte(before))
	is, _ := Parse("b.toml", []byte(after))
	for _, c := range is.Changes(was) {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", c.Kind, c.Name, c.Difference, strings.Join(c.Lines, " ")))
	}
	return lines
}

const before = `
[basic]
log_level = "info"
[upstreams.u]
addrs = ["a:1", "b:2"]
[locations.l]
path = "/"
upstream = "u"
proxy_set_headers = ["A: b"]
[plugins.p]
category = "mock"
data = "x"
`

func TestChangesNamesWhatDiffersAndHow(t *testing.T) {
	got := changes(t, before, `
[basic]
log_level = "debug"
[upstreams.u]
addrs = ["a:1", "b:2 3"]
[locations.l]
path = "/"
upstream = "u"
weight = 7
[locations."new one"]
plugins = []
[plugins.q]
category = "key_auth"
keys = ["aaaa", "bbbb"]
[plugins.q.nested]
password = "cccc"
"a b" = true
`)
	want := []string{
		`basic  changed: - log_level = "info" + log_level = "debug"`,
		`upstreams u changed: - addrs = ["a:1", "b:2"] + addrs = ["a:1", "b:2 3"]`,
		`locations l changed: + weight = 7 - proxy_set_headers = ["A: b"]`,
		`locations new one added: + plugins = []`,
		`plugins p removed: - category = "mock" - data = "x"`,
		`plugins q added: + category = "key_auth" + keys = (not shown) + nested.password = (not shown) + nested."a b" = true`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestChangesMindsNeitherOrderNorPlaceNorNotation(t *testing.T) {
	if got := changes(t, before, `
plugins.p = { data = 'x', category = 'mock' }
[locations.l]
upstream = "u" # the same
proxy_set_headers = [
	"A: b",
]
path = "/"
[upstreams.u]
addrs = ["a:1", "b:2"]
[basic]
log_level = "info"
`); got != nil {
		t.Errorf("changes: %q", got)
	}
	if got := changes(t, "", ""); got != nil {
		t.Errorf("changes of nothing: %q", got)
	}
}

func TestChangesShowsNoSecretsWithinValues(t *testing.T) {
	got := changes(t, "", `[locations.l]
proxy_set_headers = ["Authorization: Bearer abc", "X-Api-Key:abc", "X-Path: /keys:abc"]
remark = "redis://user:abc@host/1"`)
	want := `locations l added: + proxy_set_headers = ["Authorization: (not shown)", "X-Api-Key: (not shown)", "X-Path: /keys:abc"]` +
		` + remark = "redis://user:(not shown)@host/1"`
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChangesShowsNeitherStoragesNorPrivateKeys(t *testing.T) {
	got := strings.Join(changes(t, "", "[storages.s]\ncategory = \"secret\"\nvalue = \"abc\"\nsecret = \"abc\"\n"+
		"[certificates.c]\ntls_cert = \"abc -----BEGIN PRIVATE KEY-----\"\ntls_key = \"abc\"\ndns_service_url = \"abc\"\n"), "\n")
	if strings.Contains(got, "abc") || strings.Count(got, "(not shown)") != 5 {
		t.Errorf("got %s", got)
	}
}

func TestChangesShowsOneLineOfEachValue(t *testing.T) {
	got := changes(t, "", "[basic]\nerror_template = \"a\\nb"+strings.Repeat("ä", 1000)+"\"")
	if len(got) != 1 || strings.Contains(got[0], "\n") || len(got[0]) > 400 {
		t.Errorf("%q", got)
	}
	got = changes(t, "[basic]\nthreads = 1_000", "[basic]\nthreads = { a = [{ token = \"t\" }] }")
	if want := `basic  changed: - threads = 1_000 + threads = { a = [{ token = (not shown) }] }`; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
