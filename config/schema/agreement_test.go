package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"pingap/config"
)

// keySchema is what the schema says of one key, as far as values to try follow
// from it.
type keySchema struct {
	Minimum    *int64
	Maximum    *int64
	Deprecated bool
	AnyOf      []struct{ Enum []string }
	Items      *keySchema
}

// sectionsOf reads the keys of each kind of section from the schema.
func sectionsOf(t *testing.T) map[string]map[string]keySchema {
	t.Helper()
	type table struct {
		Properties           map[string]keySchema
		AdditionalProperties json.RawMessage
	}
	var whole struct{ Properties map[string]table }
	if err := json.Unmarshal(JSON(), &whole); err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]map[string]keySchema)
	for kind, one := range whole.Properties {
		if kind == "plugins" {
			continue // has its keys by category
		}
		if kind != "basic" {
			properties := table{}
			if err := json.Unmarshal(one.AdditionalProperties, &properties); err != nil {
				t.Fatal(err)
			}
			one = properties
		}
		sections[kind] = one.Properties
	}
	return sections
}

// around is the rest of a section, which is right.
var around = map[string]map[string]string{
	"servers":      {"addr": `"127.0.0.1:80"`},
	"upstreams":    {"addrs": `["127.0.0.1:80"]`},
	"certificates": {"tls_cert": `"/web.pem"`},
	"storages":     {"category": `"config"`},
	"locations":    {"upstream": `"u"`},
	"basic":        {},
}

// narrower are keys of which the decoder knows more than a schema can say: the
// forms of texts, bounds of texts that are quantities, and keys that need
// others.
var narrower = []string{
	"basic.trusted_proxies", "basic.webhook_notifications", "basic.log_level", "basic.log_buffered_size", "basic.includes",
	"servers.addr", "servers.tcp_idle", "servers.tcp_interval", "servers.tcp_probe_count", "servers.client_header_timeout",
	"servers.client_header_buffer_size", "servers.downstream_read_timeout", "servers.downstream_write_timeout", "servers.proxy_protocol",
	"servers.tls_client_ca", "servers.tls_client_auth", "servers.includes",
	"locations.host", "locations.path", "locations.match_headers", "locations.match_query", "locations.match_cookies", "locations.rewrite",
	"locations.proxy_set_headers", "locations.proxy_add_headers", "locations.set_response_headers", "locations.add_response_headers", "locations.includes",
	"upstreams.addrs", "upstreams.dns_server", "upstreams.algo", "upstreams.tls_ca", "upstreams.tls_client_cert", "upstreams.tls_client_key",
	"upstreams.health_check", "upstreams.tcp_idle", "upstreams.tcp_interval", "upstreams.tcp_probe_count", "upstreams.tcp_recv_buf",
	"upstreams.backend_stats_interval", "upstreams.backend_failure_status_code", "upstreams.circuit_break_open_duration", "upstreams.includes",
	"certificates.domains", "certificates.includes",
}

// tries are values of every form.
func (k *keySchema) tries() []string {
	values := []string{`"text"`, `""`, `"5"`, `"true"`, `"5s"`, `" 2h 30m "`, `"0"`, `"5 apples"`, `"a,,b"`, `":"`, `[":"]`, `["a b c"]`, `"5S"`, `"1.5MiB"`, `"5ib"`, `"1..5kb"`, `"4 kb"`, `".5k"`, `"5."`,
		"0", "1", "-1", "5", "99999999999", "1.5", "true", "false", "[]", `["a"]`, "[1]", `["a", "a"]`, "[[]]", "{}", "{ a = 1 }", `"$ENV:PINGAP_TEST_VALUE"`, `["$ENV:PINGAP_TEST_VALUE"]`}
	for s := k; s != nil; s = s.Items {
		for _, bound := range []*int64{s.Minimum, s.Maximum} {
			if bound != nil {
				values = append(values, fmt.Sprint(*bound-1), fmt.Sprint(*bound), fmt.Sprint(*bound+1))
			}
		}
		for _, of := range s.AnyOf {
			for _, word := range of.Enum {
				for _, form := range []string{word, strings.ToUpper(word), word + "x"} {
					values = append(values, fmt.Sprintf("%q", form), fmt.Sprintf("[%q]", form))
				}
			}
		}
	}
	return values
}

// TestSchemaAndDecoderAgreeOnEveryKey tries values of every form on every key.
// What the decoder takes, the schema takes too, and what the schema takes, the
// decoder does, except for what no schema can say.
func TestSchemaAndDecoderAgreeOnEveryKey(t *testing.T) {
	schema := compiled(t)
	t.Setenv("PINGAP_TEST_VALUE", "true")
	tried, unused := 0, slices.Clone(narrower)
	for kind, keys := range sectionsOf(t) {
		header := "[" + kind + "]\n"
		if kind != "basic" {
			header = "[" + kind + ".x]\n"
		}
		for key, k := range keys {
			name := kind + "." + key
			for _, value := range k.tries() {
				text := header
				for other, right := range around[kind] {
					if other != key {
						text += other + " = " + right + "\n"
					}
				}
				text += key + " = " + value + "\n"
				_, problems := config.Parse("a.toml", []byte(text))
				wrong := problems.Errors()
				err := schema.Validate(valueOf(t, text))
				tried++
				switch isNarrower := slices.Contains(narrower, name) || k.Deprecated || strings.Contains(value, "$ENV"); {
				case len(wrong) == 0 && err != nil:
					t.Errorf("%s\nthe decoder takes it, the schema does not: %v", text, err)
				case len(wrong) > 0 && err == nil && !isNarrower:
					t.Errorf("%s\nthe schema takes it, the decoder does not: %v", text, wrong)
				case len(wrong) > 0 && err == nil:
					unused = slices.DeleteFunc(unused, func(n string) bool { return n == name })
				}
			}
		}
	}
	if tried < 3000 {
		t.Errorf("only %d values were tried", tried)
	}
	if len(unused) > 0 {
		t.Errorf("the schema says as much as the decoder of %v", unused)
	}
}

// TestSchemaRefusesNothingThatIsRight reads the configurations that are wrong
// or noteworthy for many reasons: what the schema refuses has a problem.
func TestSchemaRefusesNothingThatIsRight(t *testing.T) {
	schema := compiled(t)
	files, err := filepath.Glob("../testdata/*/*.toml")
	if err != nil || len(files) < 200 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	refused := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var value map[string]any
		if bytes.Contains(text, []byte("# file: ")) || toml.Unmarshal(text, &value) != nil {
			continue // several files, or no TOML
		}
		c, problems := config.Parse(file, text)
		problems = append(problems, c.Check(config.Checks{Categories: []string{"mock", "ping"}, ReadyMade: []string{"pingap:ping"},
			Plugin: func(p *config.Plugin) []config.Problem {
				return []config.Problem{p.Problem("", "has other settings", "")}
			}})...)
		if err := schema.Validate(value); err != nil {
			if refused++; len(problems.Errors()) == 0 {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	if refused < 90 {
		t.Errorf("the schema refuses only %d of %d", refused, len(files))
	}
}
