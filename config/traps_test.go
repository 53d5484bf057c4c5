package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestWhatPingapPassedOverInSilenceIsExplained holds configurations that Pingap
// takes without a word and then does something else with.
func TestWhatPingapPassedOverInSilenceIsExplained(t *testing.T) {
	for _, trap := range []struct{ lesson, text, want string }{
		{"the example that Pingap ships has a key of upstreams under a server, where it does nothing",
			"[servers.web]\naddr = \":80\"\nlocations = [\"all\"]\ntcp_fast_open = true\n[locations.all]\nplugins = [\"pingap:ping\"]",
			`a.toml:4: servers.web: unknown key "tcp_fast_open"; did you mean "tcp_fastopen"?`},
		{"a value of the wrong type counts as absent",
			"[plugins.page]\ncategory = \"mock\"\ndata = [\"br\"]\nstatus = \"403\"",
			"a.toml:3: plugins.page: data: is a list; text is expected, such as data = \"text\"\n" +
				"a.toml:4: plugins.page: status: is text; an integer is expected; without quotes it is one: status = 403"},
		{"a plugin that is not there is skipped, and a location without its authentication is open",
			"[locations.all]\nplugins = [\"auth\"]",
			`a.toml:2: locations.all: plugins: there is no plugin "auth"; it would be a section [plugins.auth]`},
		{"a plugin of a category that does not exist is left out, and its location is open",
			"[plugins.auth]\ncategory = \"basic_auht\"",
			`a.toml:2: plugins.auth: category: there are no plugins of the category "basic_auht"; did you mean "basic_auth"?`},
		{"names of locations are not checked while there are none",
			"[servers.web]\naddr = \":80\"\nlocations = [\"all\"]",
			`a.toml:3: servers.web: locations: there is no location "all"; it would be a section [locations.all]`},
		{"an entry of trusted_proxies that is wrong is ignored",
			"[basic]\ntrusted_proxies = [\"10.0.0.0/8\", \"10.0.0\"]",
			`a.toml:2: basic: trusted_proxies: "10.0.0" is neither an address nor a network; write it as "10.0.0.1" or "10.0.0.0/8"`},
		{"threads below one become one",
			"[basic]\nthreads = -4",
			"a.toml:2: basic: threads: -4 is too small; the least is 0"},
		{"a rewrite whose expression holds a blank does nothing",
			"[locations.all]\nupstream = \"app\"\nrewrite = \"^/a b/ /c\"\n[upstreams.app]\naddrs = [\"127.0.0.1\"]",
			`a.toml:3: locations.all: rewrite: "^/a b/ /c" has 3 parts; a rewrite is a regular expression and a replacement, and neither holds a blank; write \s or %20`},
		{"balancing by hash alone is documented as that of the path, and is round robin",
			"[upstreams.app]\naddrs = [\"127.0.0.1\"]\nalgo = \"hash\"",
			`a.toml:3: upstreams.app: algo: a hash needs something to be taken of; write "hash:path" or "hash:ip"; Pingap takes "hash" for round_robin`},
		{"an unknown algorithm is round robin",
			"[upstreams.app]\naddrs = [\"127.0.0.1\"]\nalgo = \"least\"",
			`a.toml:3: upstreams.app: algo: "least" is not known; write round_robin, hash:ip, hash:path, hash:url, or hash:header:, hash:cookie: or hash:query: and a name`},
		{"an upstream on 0.0.0.0 reaches whatever it happens to",
			"[upstreams.app]\naddrs = [\"0.0.0.0:5000\"]",
			"a.toml:2: upstreams.app: addrs: 0.0.0.0 is an unspecified address, which is that of no server; write the address of the server itself, such as 127.0.0.1 for this machine"},
		{"TLS is asked for without certificates, and every handshake fails",
			"[servers.web]\naddr = \":443\"\nlocations = [\"all\"]\nglobal_certificates = true\n[locations.all]\nplugins = [\"pingap:ping\"]",
			"a.toml:4: servers.web: global_certificates: there are no certificates, so no client could connect; write a section [certificates.main] with tls_cert and tls_key"},
		{"the version of TLS that the shipped comment proposes means another one",
			"[servers.web]\naddr = \":443\"\nlocations = [\"all\"]\ntls_min_version = \"tls1.3\"\n[locations.all]\nplugins = [\"pingap:ping\"]",
			`a.toml:4: servers.web: tls_min_version: "tls1.3" is not known; did you mean "tlsv1.3"?` + "\n" +
				"a.toml:4: servers.web: tls_min_version: warning: has no effect without global_certificates"},
		{"an unknown alpn is h1",
			"[upstreams.app]\naddrs = [\"127.0.0.1\"]\nalpn = \"http2\"",
			`a.toml:3: upstreams.app: alpn: "http2" is not known; write "h1", "h2" or "h2h1"`},
		{"circuit breakers do nothing while nothing is counted",
			"[upstreams.app]\naddrs = [\"127.0.0.1\"]\ncircuit_break_max_consecutive_failures = 3",
			"a.toml:3: upstreams.app: circuit_break_max_consecutive_failures: warning: has no effect without enable_backend_stats; write enable_backend_stats = true"},
		{"any word but gzip compresses logs with zstd",
			"[basic]\nlog_compress_algorithm = \"brotli\"",
			`a.toml:2: basic: log_compress_algorithm: "brotli" is not known; write "gzip" or "zstd"`},
		{"any word orders a certificate from Let's Encrypt",
			"[certificates.web]\ndomains = \"example.com\"\nacme = \"letsencrypt\"",
			`a.toml:3: certificates.web: acme: "letsencrypt" is not known; did you mean "lets_encrypt"?`},
	} {
		c, problems := Parse("a.toml", []byte(trap.text))
		problems = append(problems, c.Check(Checks{
			Categories: []string{"mock"},
			ReadyMade:  []string{"pingap:ping"},
			Plugin:     func(p *Plugin) []Problem { return p.Table.Decode(&exampleSettings{}) },
		})...)
		problems.Sort()
		var kept Problems
		for _, p := range problems {
			if p.Message != noServer {
				kept = append(kept, p)
			}
		}
		if got := kept.Error(); got != trap.want {
			t.Errorf("%s:\n got %s\nwant %s", trap.lesson, got, trap.want)
		}
	}
}

func TestCommaInAHostExpressionDoesNotEndIt(t *testing.T) {
	c := mustParse(t, strings.Replace(everything, "{2,5}", "{1,3}", 1))
	if got := c.Locations[0].Host[2]; got != `~^(?<name>[a-z]{1,3})\.example\.net$` {
		t.Errorf("the expression became %s", got)
	}
}

func TestIPv6AddressesNeedNeitherBracketsNorPort(t *testing.T) {
	for text, want := range map[string]string{
		"::1":                  "[::1]:80",
		"[::1]":                "[::1]:80",
		"[::1]:81":             "[::1]:81",
		"2001:db8::1 5":        "[2001:db8::1]:80",
		"::ffff:10.0.0.1":      "[::ffff:10.0.0.1]:80",
		"[2001:db8::1]:8080 2": "[2001:db8::1]:8080",
	} {
		var a PeerAddr
		if err := a.UnmarshalText([]byte(text)); err != nil || a.String() != want {
			t.Errorf("%s is %v, %v; want %s", text, a, err, want)
		}
	}
}

func TestNamesMayBeInAnyScript(t *testing.T) {
	for _, name := range []string{"服务", "größe", "сервер", "a b", "example.com", "x-1_y"} {
		c := mustParse(t, fmt.Sprintf("[servers.%[1]q]\naddr = \":80\"\nlocations = [%[1]q]\n[locations.%[1]q]\nupstream = %[1]q\n[upstreams.%[1]q]\naddrs = [\"127.0.0.1\"]\n", name))
		if c.Servers[0].Name != name || c.Upstream(name) == nil {
			t.Errorf("%s became %s", name, c.Servers[0].Name)
		}
	}
}

func TestPingapsStarterTemplateIsRight(t *testing.T) {
	mustParse(t, `
[basic]
log_level = "INFO"
name = "pingap"
pid_file = "/run/pingap.pid"

[locations.httpLocation]
path = "/"
upstream = "httpUpstream"

[servers.httpServer]
access_log = "combined"
addr = "0.0.0.0:80"
locations = ["httpLocation"]

[upstreams.httpUpstream]
addrs = ["127.0.0.1:5000"]
`)
}

func TestProbesThatAreHalfSetAreNotSent(t *testing.T) {
	c, problems := Parse("a.toml", []byte("[servers.web]\naddr = \":80\"\ntcp_idle = \"1m\"\n[upstreams.app]\naddrs = [\"127.0.0.1\"]\ntcp_idle = \"1m\"\ntcp_probe_count = 3\n"))
	s, u := c.Servers[0], c.Upstreams[0]
	if len(problems.Errors()) > 0 || len(problems) != 2 || s.TCPIdle != 0 || u.TCPIdle != 0 || u.TCPProbeCount != 0 {
		t.Errorf("%v, %v %v %d", problems, s.TCPIdle, u.TCPIdle, u.TCPProbeCount)
	}
}
