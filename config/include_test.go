package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"
)

func TestIncludedKeysWinAndKeepTheirPlaces(t *testing.T) {
	c := mustParse(t, `
[servers.web]
addr = ":80"
locations = ["all", "other"]
[locations.all]
includes = ["limits", "names"]
upstream = "app"
max_processing = 1
[locations.other]
upstream = "app"
includes = ["limits"]
[upstreams.app]
addrs = ["127.0.0.1"]
includes = []
[storages.limits]
category = "config"
value = """
max_processing = 10
# the most
client_max_body_size = "1mb"
"""
[storages.names]
category = "config"
value = "host = 'example.com'\nproxy_set_headers = ['Host: $host']"
`)
	all, other := c.Location("all"), c.Location("other")
	if all.MaxProcessing != 10 || all.ClientMaxBodySize != 1e6 || all.Host[0] != "example.com" || all.Upstream != "app" || len(all.ProxySetHeaders) != 1 {
		t.Errorf("all is %+v", all)
	}
	if other.MaxProcessing != 10 || other.Host != nil {
		t.Errorf("other is %+v", other)
	}
	for key, want := range map[string]string{
		"max_processing": "pingap.toml:18", "client_max_body_size": "pingap.toml:20",
		"host": "pingap.toml:24", "upstream": "pingap.toml:7", "": "pingap.toml:5",
	} {
		if got := all.At(key).String(); got != want {
			t.Errorf("%s stands at %s, want %s", key, got, want)
		}
	}
}

func TestLinesOfIncludesAreThoseOfTheFile(t *testing.T) {
	for _, value := range []string{
		"\"\"\"\n\nweight = 70000\"\"\"", "'''\n\nweight = 70000'''", "'''# one\n#two\nweight = 70000'''",
		"\"\"\"\r\n\r\nweight = 70000\r\n\"\"\"",
	} {
		_, problems := Parse("a.toml", []byte("[locations.all]\nincludes = ['s']\n[storages.s]\ncategory = 'config'\nvalue = "+value))
		if len(problems) != 1 || problems[0].Position != (Position{"a.toml", 7, 10}) {
			t.Errorf("%q: %v", value, problems)
		}
	}
}

// encrypted are texts as they are encrypted with "passphrase" in one round.
var encrypted = map[string]string{
	"plugins = ['page']":             "aes256gcm:1:cee/8gHg6ODd4uXVkQliHuc21LmNLFDWzQfy4DEHgn3ViGPzcZf+L/C3JjfE2GQ74ANT4a6sKxM2VM+AdoM=",
	"plugins = ['page']\nweight = 5": "aes256gcm:1:NS2UX+6Y2Z/ASssxKpXmM2pez5ES9ZD/vKvbXfemXr+dEv/cXEbGuUeJaMhv9K2hKJSn1+GOVxFT3CzZuY5J5SYQzr0exUU9aw==",
	"password = sesame":              "aes256gcm:1:xYLJ4+h4FEiNVzKEBBtX9hUGAkafKge1lzO11Eh2cN2VHqoRteUwPPV102vv7pCZ3YX0baRdCiiMOeDyUw==",
	"open sesame":                    "aes256gcm:1:6aHbkrOQU1VEAl4+kD0FveGaiY6NfrdiQL2WWeRVHF5vzTGGmdkFVgZjkfKRvO4DaJq20NvYmQ==",
	"open wheat":                     "aes256gcm:1:IvuS+laq+ZeEO+GxuWr/7YJKuhm1K2iJ5dZy/JP2uZGrk6dIB0a+EsD3lPFJz32k4P3VI1mm",
	"":                               "aes256gcm:1:5RRYiqjpJo97nAYVFeAGYtWEWB/hoBgdf9HUkYpokfnd4n8Y179LraczZbM=",
}

// storing is a configuration with one encrypted fragment and one secret.
func storing(fragment, text string) string {
	return `
[servers.web]
addr = ":80"
locations = ["all"]
[locations.all]
includes = ["fragment"]
[plugins.page]
category = "mock"
data = "<$SECRET:text>"
headers = ["X-Env: $ENV:PINGAP_TEST_VALUE", "X-Plain: $HOME"]
[plugins.page.limits]
every = "$ENV:PINGAP_TEST_EVERY"
[storages.fragment]
category = "config"
value = "` + encrypted[fragment] + `"
secret = "$ENV:PINGAP_TEST_PASSPHRASE"
[storages.text]
category = "secret"
value = "` + encrypted[text] + `"
secret = "passphrase"
`
}

func TestSecretsAndTheEnvironmentStandForValues(t *testing.T) {
	t.Setenv("PINGAP_TEST_PASSPHRASE", "passphrase")
	t.Setenv("PINGAP_TEST_VALUE", "from $ENV:outside")
	t.Setenv("PINGAP_TEST_EVERY", "5s")
	c := mustParse(t, storing("plugins = ['page']", "open sesame"))
	var settings exampleSettings
	if problems := c.Plugin("page").Table.Decode(&settings); len(problems) > 0 {
		t.Fatal(problems)
	}
	if settings.Data != "<open sesame>" || settings.Limits.Every.Seconds() != 5 {
		t.Errorf("settings are %+v %+v", settings, settings.Limits)
	}
	if got := settings.Headers; got[0].Value != "from $ENV:outside" || got[1].Value != "$HOME" {
		t.Errorf("headers are %v", got)
	}
	if got := c.Location("all").Plugins; len(got) != 1 || got[0] != "page" {
		t.Errorf("plugins are %v", got)
	}
}

func TestSecretsAreNotShownInDifferences(t *testing.T) {
	t.Setenv("PINGAP_TEST_PASSPHRASE", "passphrase")
	t.Setenv("PINGAP_TEST_VALUE", "visible")
	t.Setenv("PINGAP_TEST_EVERY", "5s")
	before := mustParse(t, storing("plugins = ['page']", "open sesame"))
	t.Setenv("PINGAP_TEST_VALUE", "changed")
	after := mustParse(t, storing("plugins = ['page']\nweight = 5", "open wheat"))
	var lines []string
	for _, change := range after.Changes(before) {
		lines = append(lines, change.Lines...)
	}
	all := strings.Join(lines, "\n")
	for _, word := range []string{"sesame", "wheat", "visible", "changed", "passphrase"} {
		if strings.Contains(all, word) {
			t.Errorf("the differences show %q:\n%s", word, all)
		}
	}
	if !strings.Contains(all, "+ weight = 5") || !strings.Contains(all, "data = (not shown)") {
		t.Errorf("the differences are\n%s", all)
	}
}

func TestDecryptedTextIsNotShownInProblems(t *testing.T) {
	t.Setenv("PINGAP_TEST_PASSPHRASE", "passphrase")
	t.Setenv("PINGAP_TEST_VALUE", "")
	t.Setenv("PINGAP_TEST_EVERY", "5s")
	_, problems := Parse("a.toml", []byte(storing("password = sesame", "")))
	if got := problems.Error(); got != "a.toml:15: storages.fragment: the decrypted text is not TOML" {
		t.Error(got)
	}
}

func TestWrongSecretsAreNotShownInProblems(t *testing.T) {
	t.Setenv("PINGAP_TEST_VALUE", "open sesame")
	_, problems := Parse("a.toml", []byte("[basic]\nthreads = \"$ENV:PINGAP_TEST_VALUE\"\ngrace_period = \"$ENV:PINGAP_TEST_VALUE\"\ntrusted_proxies = [\"$ENV:PINGAP_TEST_VALUE\"]\nlog_compress_algorithm = \"$ENV:PINGAP_TEST_VALUE\"\n"))
	if len(problems) != 4 || strings.Contains(problems.Error(), "sesame") {
		t.Errorf("the problems are %v", problems)
	}
}

func TestTheEnvironmentStandsForNumbersAndTruth(t *testing.T) {
	t.Setenv("PINGAP_TEST_THREADS", "6")
	t.Setenv("PINGAP_TEST_JSON", "true")
	c, problems := Parse("a.toml", []byte("[basic]\nthreads = \"$ENV:PINGAP_TEST_THREADS\"\nlog_format_json = \"$ENV:PINGAP_TEST_JSON\"\n"))
	if len(problems) > 0 || c.Basic.Threads != 6 || !c.Basic.LogFormatJSON {
		t.Errorf("%+v, %v", c.Basic, problems)
	}
}

func TestEveryKindOfSectionTakesKeysIn(t *testing.T) {
	c := mustParse(t, `
[basic]
includes = ["process"]
[servers.web]
includes = ["listening"]
locations = ["all"]
[locations.all]
includes = ["answering"]
[plugins.page]
includes = ["answer"]
data = "x"
[certificates.web]
includes = ["pair"]
[storages]
process = { category = "config", value = "threads = 3" }
listening = { category = "config", value = "addr = ':80'" }
answering = { category = "config", value = "plugins = ['page']" }
answer = { category = "config", value = "category = 'mock'\nstatus = 201" }
pair = { category = "config", value = "tls_cert = '/web.pem'" }
`)
	var settings exampleSettings
	problems := c.Plugin("page").Table.Decode(&settings)
	if len(problems) > 0 || settings.Status != 201 || settings.Data != "x" || c.Basic.Threads != 3 || c.Certificates[0].TLSCert != "/web.pem" {
		t.Errorf("%v, %+v, %+v", problems, settings, c)
	}
}

func TestShortTextsCannotAskForLongOnes(t *testing.T) {
	var keys strings.Builder
	for i := range 101 {
		fmt.Fprintf(&keys, "k%d = 1\n", i)
	}
	long := "[storages.s]\ncategory = 'secret'\nvalue = '" + strings.Repeat("x", 1<<20) + "'\n"
	for text, want := range map[string]string{
		"[storages.s]\ncategory = 'config'\nvalue = '''\n" + keys.String() + "'''\n" + strings.Repeat("[locations.l]\nincludes = ['s']\n", 1): "a.toml:3: storages.s: value: holds 101 keys; at most 100 are allowed; no section has as many",
		long + "[basic]\nname = '" + strings.Repeat("$SECRET:s", 1000) + "'\n":                                                                "a.toml:5: basic: name: references up to here stand for more than 64 MiB",
		"[locations.l]\nplugins = ['p']\npath = '~" + strings.Repeat("a?", 40000) + "'":                                                       "a.toml:3: locations.l: path: the regular expression has 80000 bytes; at most 65536 are allowed",
	} {
		_, problems := Parse("a.toml", []byte(text))
		if len(problems) == 0 || problems[0].String() != want {
			t.Errorf("got %.300v, want %s", problems, want)
		}
	}
}

func FuzzKeysThatAreTakenInAreAsIfWrittenInPlace(f *testing.F) {
	for _, text := range []string{"weight = 5", "host = '~a'\npath = \"/\\u00e9\"\n", "plugins = [\n'a', # b\n'c']", "proxy_set_headers = [\"A: $ENV:HOME\"]", "x = 1", "a.b = 1", "remark = '''\n\n'''"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		direct, problems := Parse("a.toml", []byte("[locations.l]\nupstream = 'u'\n"+text))
		if len(problems) > 0 || len(direct.root.Fields) > 1 || len(direct.Locations) != 1 || direct.Locations[0].has("includes") || strings.HasPrefix(text, byteOrderMark) {
			return
		}
		through, problems := Parse("a.toml", []byte("[storages.s]\ncategory = 'config'\nvalue = "+quoted(text)+"\n[locations.l]\nupstream = 'u'\nincludes = ['s']"))
		if len(problems) > 0 {
			t.Fatalf("%q: %v", text, problems)
		}
		is, want := *through.Locations[0], *direct.Locations[0]
		is.Item, want.Item, is.Includes = Item{}, Item{}, nil
		if !reflect.DeepEqual(is, want) {
			t.Errorf("%q: got %+v, want %+v", text, is, want)
		}
	})
}

// quoted writes a text as TOML does.
func quoted(text string) string {
	return Quote(text, unicode.IsPrint, func(r rune) string { return fmt.Sprintf(`\U%08x`, r) })
}

func FuzzStoragesAndReferencesEndInProblemsWithPlaces(f *testing.F) {
	f.Add("config", "weight = 5", "", "$SECRET:s")
	f.Add("secret", encrypted["open sesame"], "passphrase", "$SECRET:s$ENV:HOME")
	f.Add("config", "includes = ['s']\n[a]\nb = '$SECRET:s'", "$ENV:", "$SECRET:")
	f.Fuzz(func(t *testing.T, category, value, passphrase, reference string) {
		if number, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(value), "aes256gcm:"), ":"); ok && len(number) > 2 {
			return // would only take long
		}
		text := "[storages.s]\ncategory = " + quoted(category) + "\nvalue = " + quoted(value) + "\nsecret = " + quoted(passphrase) +
			"\n[locations.l]\nincludes = ['s']\n[plugins.p]\ncategory = 'mock'\ndata = " + quoted(reference) + "\nincludes = ['s', 't']\n"
		problems, _ := foundIn("# file: a.toml\n" + text)
		for _, p := range problems {
			if p.Message != noServer && (p.Line < 1 || p.Line > 10) {
				t.Errorf("%q: %v", text, p)
			}
		}
	})
}
