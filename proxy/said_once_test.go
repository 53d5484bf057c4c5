package proxy

import (
	"strings"
	"testing"

	"pingap/config"
)

// check returns what is wrong with a configuration, in a line each.
func check(t *testing.T, text string) string {
	t.Helper()
	c, problems := config.Parse("test.toml", []byte(text))
	return append(problems, Check(c)...).Error()
}

// Each problem stands at the key that it is about, and names it once.
func TestProblemsAreAtTheirKeys(t *testing.T) {
	for text, want := range map[string]string{
		"[upstreams.u]\naddrs = [\"127.0.0.1:1\"]\ntls_ca = \"/no/such.pem\"\nsni = \"x\"\n":                                       `test.toml:3: upstreams.u: tls_ca: file /no/such.pem: no such file or directory`,
		"[upstreams.u]\naddrs = [\"127.0.0.1:1\"]\nsni = \"x\"\ntls_client_cert = \"/no/s.pem\"\ntls_client_key = \"/no/s.key\"\n": `test.toml:4: upstreams.u: tls_client_cert: file /no/s.pem: no such file or directory`,
		"[locations.l]\nplugins = [\"pingap:ping\"]\nrewrite = \"^/a /$nope\"\n":                                                   `test.toml:3: locations.l: rewrite: "^/a /$nope": `,
		"[servers.s]\naddr = \":80\"\naccess_log = \"/tmp/a.log?flush=1 combined\"\n":                                              `test.toml:3: servers.s: access_log: /tmp/a.log: unknown option "flush"`,
		"[servers.s]\naddr = \":80\"\naccess_log = \"{methd}\"\n":                                                                  `test.toml:3: servers.s: access_log: unknown tag "methd"; did you mean "method"?`,
		"[locations.l]\nplugins = [\"pingap:ping\"]\nproxy_set_headers = [\"X: :nokey\"]\n":                                        `test.toml:3: locations.l: proxy_set_headers: value ":nokey": unknown context value "nokey"; there are `,
		"[locations.l]\nplugins = [\"pingap:ping\"]\nproxy_set_headers = [\"X: $hots\"]\n":                                         `test.toml:3: locations.l: proxy_set_headers: warning: $hots is no variable and will be sent as it is; did you mean "$host"?`,
	} {
		if found := check(t, text); strings.Count("\n"+found, "\n"+want) != 1 {
			t.Errorf("%s\nis said to be\n%s\nwant %s", text, found, want)
		}
	}
}
