package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// foreign is what a key of another proxy is called here.
type foreign struct {
	key  string // that does the same in this kind of section; "" if none does
	hint string // where else it is done, or how the key is written
}

const (
	filesHint    = `files are served by a plugin with category = "directory", which a location names in plugins`
	upstreamHint = `a location names its upstream: upstream = "app", with the addresses in [upstreams.app]`
	answerHint   = `answers are made by plugins with category = "redirect" or "mock", which a location names in plugins`
	tlsHint      = `certificates are sections [certificates.name] with tls_cert and tls_key; the server has global_certificates = true`
	hostHint     = `names are in the locations: host = "example.com"`
)

// foreignKeys are those that users of nginx know, by kind of section.
var foreignKeys = map[string]map[string]foreign{
	"basic": {
		"worker_processes":   {"threads", `it is called threads`},
		"worker_connections": {"", "connections are not limited here, but by the open files that the system allows (ulimit -n)"},
		"pid":                {"pid_file", "it is called pid_file"},
		"listen":             {"", `addresses are in sections [servers.name]: addr = "0.0.0.0:80"`},
	},
	"servers": {
		"listen":              {"addr", `it is called addr: addr = "0.0.0.0:80"`},
		"server_name":         {"", hostHint},
		"location":            {"locations", `name the sections [locations.name]: locations = ["name"]`},
		"root":                {"", filesHint},
		"index":               {"", filesHint},
		"try_files":           {"", filesHint},
		"proxy_pass":          {"", upstreamHint},
		"return":              {"", answerHint},
		"add_header":          {"", "it is called add_response_headers, in a location"},
		"ssl_certificate":     {"", tlsHint},
		"ssl_certificate_key": {"", tlsHint},
		"ssl_protocols":       {"tls_min_version", "it is called tls_min_version and tls_max_version"},
		"ssl_ciphers":         {"tls_cipher_list", "it is called tls_cipher_list"},
		"gzip":                {"", `answers are compressed by a plugin with category = "compression", which a location names in plugins`},
	},
	"locations": {
		"proxy_pass":         {"upstream", upstreamHint},
		"root":               {"plugins", filesHint},
		"alias":              {"plugins", filesHint},
		"index":              {"plugins", filesHint},
		"try_files":          {"plugins", filesHint},
		"return":             {"plugins", answerHint},
		"add_header":         {"add_response_headers", `it is called add_response_headers: add_response_headers = ["Name: value"]`},
		"proxy_set_header":   {"proxy_set_headers", `it is called proxy_set_headers: proxy_set_headers = ["Name: value"]`},
		"location":           {"path", `it is called path: path = "/api"`},
		"server_name":        {"host", `it is called host: host = "example.com"`},
		"listen":             {"", `addresses are in sections [servers.name]: addr = "0.0.0.0:80"`},
		"auth_basic":         {"plugins", `it is a plugin with category = "basic_auth"`},
		"allow":              {"plugins", `it is a plugin with category = "ip_restriction"`},
		"deny":               {"plugins", `it is a plugin with category = "ip_restriction"`},
		"limit_req":          {"plugins", `it is a plugin with category = "limit"`},
		"gzip":               {"plugins", `it is a plugin with category = "compression"`},
		"proxy_read_timeout": {"", "it is called read_timeout, in the upstream"},
	},
	"upstreams": {
		"server":                {"addrs", `it is called addrs: addrs = ["10.0.0.1:8080", "10.0.0.2:8080 5"], with a weight behind a blank`},
		"proxy_pass":            {"addrs", `it is called addrs: addrs = ["10.0.0.1:8080"]`},
		"keepalive":             {"", "idle connections are kept for all upstreams: upstream_keepalive_pool_size in [basic]"},
		"proxy_connect_timeout": {"connection_timeout", "it is called connection_timeout"},
		"proxy_read_timeout":    {"read_timeout", "it is called read_timeout"},
		"proxy_send_timeout":    {"write_timeout", "it is called write_timeout"},
		"ip_hash":               {"algo", `it is called algo: algo = "hash:ip"`},
	},
	"certificates": {
		"ssl_certificate":     {"tls_cert", "it is called tls_cert"},
		"ssl_certificate_key": {"tls_key", "it is called tls_key"},
		"cert":                {"tls_cert", "it is called tls_cert"},
		"key":                 {"tls_key", "it is called tls_key"},
		"server_name":         {"domains", "it is called domains"},
	},
}

// usualKeys are those that most sections of a kind have.
var usualKeys = map[string]string{
	"basic":        "threads, user, log_level, trusted_proxies and grace_period",
	"servers":      "addr, locations, access_log and global_certificates",
	"locations":    "host, path, upstream, plugins and proxy_set_headers",
	"upstreams":    "addrs, discovery, sni, alpn and read_timeout",
	"certificates": "tls_cert, tls_key, domains and is_default",
	"storages":     "category and value",
}

// fewKeys is up to how many keys are listed in full.
const fewKeys = 8

// unknownHint says what may have been meant by a key that a section does not
// have. known are those that it has.
func unknownHint(section, key string, known []string) string {
	kind, _, _ := strings.Cut(section, ".")
	hint := cmp.Or(foreignKeys[kind][key].hint, Suggest(key, known), homeOf(key))
	switch {
	case hint != "":
		return hint
	case kind == "plugins" && len(known) <= fewKeys:
		return "keys are " + strings.Join(known, ", ")
	case kind == "plugins":
		return "docs/plugins.md lists the keys of each category"
	case usualKeys[kind] != "":
		return fmt.Sprintf("most have %s; docs/configuration.md lists all keys", usualKeys[kind])
	}
	return ""
}

// meant reports whether one of the fields of a section, which it does not know,
// is probably the key in other words.
func meant(section, key string, fields []Field, known []string) bool {
	kind, _, _ := strings.Cut(section, ".")
	return slices.ContainsFunc(fields, func(f Field) bool {
		return !slices.Contains(known, f.Key) && (foreignKeys[kind][f.Key].key == key || nearest(f.Key, known) == key)
	})
}
