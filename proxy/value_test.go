package proxy

import (
	"net/netip"
	"strings"
	"testing"

	"pingap/config"
	"pingap/message"
)

func exampleExchange() *message.Exchange {
	x := &message.Exchange{}
	x.Reset()
	x.Request.Scheme = "https"
	x.Request.Host = "api.example.com:8443"
	x.Request.Header.Add("X-User", "ann")
	x.Request.Header.Add("X-Forwarded-For", "1.1.1.1")
	x.Client = netip.MustParseAddrPort("192.0.2.7:5000")
	x.Local = netip.MustParseAddrPort("[2001:db8::1]:443")
	x.SetCapture("version", "v2")
	return x
}

func TestValueReplacesVariables(t *testing.T) {
	t.Setenv("PINGAP_TEST_REGION", "eu-1")
	for text, want := range map[string]string{
		"plain":                       "plain",
		"":                            "",
		"$host":                       "api.example.com",
		"$scheme://$host/":            "https://api.example.com/",
		"$remote_addr:$remote_port":   "192.0.2.7:5000",
		"[$server_addr]:$server_port": "[2001:db8::1]:443",
		"$http_x-user":                "ann",
		"$http_x_user":                "ann",
		"$http_missing":               "",
		"$http_host":                  "api.example.com:8443", // which is no field in HTTP/2
		"$http_x-user-$http_x_user":   "ann-ann",
		"$version":                    "v2",
		"api-$version-x":              "api-v2-x",
		"$PINGAP_TEST_REGION":         "eu-1",
		"costs $5":                    "costs $5",
		"$unknown_thing":              "$unknown_thing",
		"$$host":                      "$api.example.com",
		"$":                           "$",
		":8080":                       ":8080",
		":userId":                     ":userId",
		":":                           ":",
	} {
		v, err := compileValue(text, []string{"version"})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := v.of(exampleExchange()); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestForwardedForDropsWhatAnUntrustedPeerClaims(t *testing.T) {
	v, err := compileValue("$proxy_add_x_forwarded_for", nil)
	if err != nil {
		t.Fatal(err)
	}
	x := exampleExchange()
	if got := v.of(x); got != "192.0.2.7" {
		t.Errorf("from an untrusted peer: %q", got)
	}
	x.PeerTrusted = true
	if got := v.of(x); got != "1.1.1.1, 192.0.2.7" {
		t.Errorf("from a trusted peer: %q", got)
	}
}

func TestValueOfAnUnknownContextKeyIsAnError(t *testing.T) {
	if _, err := compileValue(":no_such_key", nil); err == nil {
		t.Error("an unknown context key was accepted")
	}
}

// A misspelt variable is sent as it is, and must not be so without a word.
func TestMisspeltVariablesAreWarnedOf(t *testing.T) {
	t.Setenv("PINGAP_TEST_REGION", "eu-1")
	for _, c := range []struct{ header, want string }{
		{"X: $remote_adr", `$remote_adr is no variable and will be sent as it is; did you mean "$remote_addr"?`},
		{"X: from $remote_adr on", `did you mean "$remote_addr"?`},
		{"X: $tennant", `did you mean "$tenant"?`},
		{"X: $NOWHERE_TO_BE_FOUND", "$NOWHERE_TO_BE_FOUND is no variable"},
		{"X: $remote_addr and $tenant", ""},
		{"X: $http_anything", ""},
		{"X: $PINGAP_TEST_REGION", ""},
		{"X: costs $5 or $PRICE", ""},
		{"X: $", ""},
	} {
		file := "[servers.s]\naddr=\":1\"\nlocations=[\"l\"]\n[locations.l]\nhost='~(?<tenant>a)'\nplugins=[\"pingap:ping\"]\nproxy_set_headers=['" + c.header + "']\n"
		conf, problems := config.Parse("test.toml", []byte(file))
		problems = append(problems, Check(conf)...)
		if len(problems.Errors()) > 0 || (len(problems) > 0) != (c.want != "") || c.want != "" && !strings.Contains(problems.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.header, problems, c.want)
		}
	}
}
