package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// pingapKeys are all keys of Pingap 0.13, and older ones.
var pingapKeys = map[string]string{
	"[basic]": `name error_template pid_file error_log upgrade_sock user group threads work_stealing listener_tasks_per_fd grace_period
		graceful_shutdown_timeout upstream_keepalive_pool_size trusted_proxies webhook webhook_type webhook_notifications log_level
		log_buffered_size log_format_json sentry pyroscope auto_restart_check_interval log_compress_algorithm log_compress_level
		log_compress_days_ago log_compress_time_point_hour log_capacity cache_directory cache_max_size`,
	"[certificates.x]": `domains tls_cert tls_key is_default is_ca acme dns_challenge dns_provider dns_service_url buffer_days remark`,
	"[storages.x]":     `category value secret remark created_at`,
	"[servers.x]": `addr locations access_log threads global_certificates enabled_h2 tls_cipher_list tls_ciphersuites tls_min_version
		tls_max_version tcp_idle tcp_interval tcp_probe_count tcp_user_timeout tcp_fastopen reuse_port downstream_read_timeout
		downstream_write_timeout prometheus_metrics otlp_exporter modules enable_server_timing includes remark tls_cert tls_key lets_encrypt`,
	"[locations.x]": `upstream host path match_headers match_query match_cookies rewrite proxy_set_headers proxy_add_headers
		enable_reverse_proxy_headers weight plugins client_max_body_size max_processing max_retries max_retry_window grpc_web includes remark`,
	"[upstreams.x]": `addrs discovery update_frequency dns_server dns_domain dns_search ipv4_only algo sni verify_cert alpn max_h2_streams
		health_check connection_timeout total_connection_timeout read_timeout write_timeout idle_timeout tcp_idle tcp_interval
		tcp_probe_count tcp_user_timeout tcp_recv_buf tcp_fast_open enable_tracer enable_backend_stats backend_stats_interval
		backend_failure_status_code circuit_break_max_consecutive_failures circuit_break_max_failure_percent
		circuit_break_min_requests_threshold circuit_break_half_open_consecutive_success_threshold circuit_break_open_duration includes remark`,
}

func TestNoKeyOfPingapIsTakenForATypo(t *testing.T) {
	for header, keys := range pingapKeys {
		for key := range strings.FieldsSeq(keys) {
			_, problems := Parse("pingap.toml", fmt.Appendf(nil, "%s\n%s = [[0]]\n", header, key))
			for _, p := range problems {
				if strings.Contains(p.Message, "unknown") {
					t.Errorf("%s: %v", header, p)
				}
			}
		}
	}
}

func TestTagsOfAllSectionsAreRight(t *testing.T) {
	for _, section := range []any{Basic{}, Server{}, Location{}, Upstream{}, Certificate{}, Storage{}, pluginKeys{}} {
		s := reflect.TypeOf(section)
		for i := range s.NumField() {
			f := s.Field(i)
			key := f.Tag.Get("config")
			for _, tag := range []string{"default", "example"} {
				text, ok := f.Tag.Lookup(tag)
				if key == "" || !ok {
					continue
				}
				target := reflect.New(f.Type).Elem()
				var found report
				d := decoder{found: &found}
				if f.Type.Kind() == reflect.Slice && !reflect.PointerTo(f.Type).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
					d.list(Field{Key: key, Node: &Node{Kind: KindArray, Items: []*Node{{Kind: KindString, Text: text}}}}, target, f.Tag)
				} else {
					d.fallback(key, text, target, f.Tag)
				}
				if len(found.problems) > 0 {
					t.Errorf("%s: the %s of %s: %v", s.Name(), tag, key, found.problems)
				}
			}
		}
	}
}
