package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// everything sets every key that there is, none to its default.
const everything = `
[basic]
name = "edge"
error_template = "{}"
pid_file = "/run/edge.pid"
error_log = "/var/log/pingap.err"
upgrade_sock = "/run/edge.sock"
user = "www"
group = "web"
auto_restart_check_interval = "5s"
threads = 4
grace_period = "1m"
graceful_shutdown_timeout = "1s"
upstream_keepalive_pool_size = 64
trusted_proxies = ["10.1.2.3/8", "192.0.2.1", "2001:db8::/32"]
log_level = "WARN"
log_format_json = true
log_buffered_size = "16kb"
log_compress_algorithm = "gzip"
log_compress_level = 6
log_compress_days_ago = 3
log_compress_time_point_hour = 4
ticket_key_file = "/run/tickets"
webhook = "http://127.0.0.1/hook"
webhook_type = "wecom"
webhook_notifications = ["restart", "tls_validity"]
sentry = "https://key@example.com/1"
pyroscope = "http://127.0.0.1:4040?app=pingap"
includes = ["common"]

[servers.web]
addr = "127.0.0.1:80, [::1]:80,unix:/run/web.sock, localhost:81"
locations = ["all"]
access_log = "combined"
threads = 2
tcp_idle = "1m"
tcp_interval = "10s"
tcp_probe_count = 5
tcp_user_timeout = "30s"
tcp_fastopen = 10
tcp_nodelay = false
backlog = 128
reuse_port = true
keepalive_timeout = "0s"
keepalive_requests = 100
client_header_timeout = "5s"
client_header_buffer_size = "8KiB"
max_header_fields = 50
downstream_read_timeout = "10s"
downstream_write_timeout = "11s"
global_certificates = true
enabled_h2 = true
h2_max_streams = 64
tls_cipher_list = "ECDHE-RSA-AES128-GCM-SHA256"
tls_ciphersuites = "TLS_AES_128_GCM_SHA256"
tls_min_version = "TLSv1.2"
tls_max_version = "tlsv1.3"
tls_client_ca = "/ca.pem"
tls_client_auth = "optional"
proxy_protocol = ["10.0.0.0/8"]
modules = ["grpc-web"]
enable_server_timing = true
prometheus_metrics = "/metrics"
otlp_exporter = "http://127.0.0.1:4317"
includes = ["common"]
remark = "the web"

[locations.all]
upstream = "app"
host = "example.com, *.example.org, ~^(?<name>[a-z]{2,5})\\.example\\.net$"
path = "~ ^/v(?<version>[0-9]+)/"
match_headers = ["X-Beta", "X-Mode: fast"]
match_query = ["debug:1"]
match_cookies = ["session"]
rewrite = "^/v1/  /"
proxy_set_headers = ["Host: $host", "X-Empty:"]
proxy_add_headers = ["X-Time: 10:30"]
set_response_headers = ["Server: edge"]
add_response_headers = ["X-A: 1", "X-A: 2"]
enable_reverse_proxy_headers = true
weight = 0
plugins = ["page"]
client_max_body_size = 1024
max_processing = 100
max_retries = 2
max_retry_window = "3s"
grpc_web = true
includes = ["common"]
remark = "all"

[upstreams.app]
addrs = ["10.0.0.1", "10.0.0.2:8080 5", "[2001:db8::1]", "2001:db8::2", "[2001:db8::3]:81 2", "unix:/run/app.sock 3", "app.internal:82"]
discovery = "DNS"
update_frequency = "30s"
dns_server = "10.0.0.53, [2001:db8::53]:54"
dns_domain = "example.com"
dns_search = "a.example, b.example"
algo = "Hash:Header:X-User"
sni = "app.example"
verify_cert = true
tls_ca = "/app-ca.pem"
tls_client_cert = "/client.pem"
tls_client_key = "/client.key"
alpn = "H2H1"
max_h2_streams = 16
proxy_protocol = "V2"
health_check = "http://app/ping?check_frequency=3s&failure=3"
connection_timeout = "1s"
total_connection_timeout = "2s"
read_timeout = "0s"
write_timeout = "4s"
idle_timeout = "5s"
tcp_idle = "6s"
tcp_interval = "7s"
tcp_probe_count = 8
tcp_user_timeout = "9s"
tcp_recv_buf = "1mb"
tcp_fast_open = true
ipv4_only = true
enable_tracer = true
enable_backend_stats = true
backend_stats_interval = "30s"
backend_failure_status_code = "500, 502"
circuit_break_max_consecutive_failures = 7
circuit_break_max_failure_percent = 50
circuit_break_min_requests_threshold = 20
circuit_break_half_open_consecutive_success_threshold = 3
circuit_break_open_duration = "20s"
includes = ["common"]
remark = "app"

[plugins.page]
category = "mock"
step = "request"
includes = ["common"]
remark = "page"
data = "x"

[certificates.web]
domains = "example.com, *.example.com"
tls_cert = "/web.pem"
tls_key = "/web.key"
is_default = true
is_ca = true
acme = "lets_encrypt"
dns_challenge = true
dns_provider = "cf"
dns_service_url = "https://api.cloudflare.com"
buffer_days = 5
includes = ["common"]
remark = "web"

[storages.common]
category = "config"
value = "XJ8f+qL9DdMzXHlvPSF2T4a+MQ2NREh0Ug=="
secret = "s"
created_at = 1700000000
remark = "common"
`

func TestEveryKeyIsRead(t *testing.T) {
	c := mustParse(t, everything)
	wantFields(t, c.Basic, `
		Name edge
		ErrorTemplate {}
		PidFile /run/edge.pid
		ErrorLog /var/log/pingap.err
		UpgradeSock /run/edge.sock
		User www
		Group web
		AutoRestartCheckInterval 5s
		Threads 4
		GracePeriod 1m0s
		GracefulShutdownTimeout 1s
		UpstreamKeepalivePoolSize 64
		TrustedProxies [10.0.0.0/8 192.0.2.1/32 2001:db8::/32]
		LogLevel warn
		LogFormatJSON true
		LogBufferedSize 16000
		LogCompressAlgorithm gzip
		LogCompressLevel 6
		LogCompressDaysAgo 3
		LogCompressTimePointHour 4
		TicketKeyFile /run/tickets
		Webhook http://127.0.0.1/hook
		WebhookType wecom
		WebhookNotifications [restart tls_validity]
		Sentry https://key@example.com/1
		Pyroscope http://127.0.0.1:4040?app=pingap
		Includes [common]`)
	wantFields(t, *c.Servers[0], `
		Addr [127.0.0.1:80 [::1]:80 unix:/run/web.sock localhost:81]
		Locations [all]
		AccessLog combined
		Threads 2
		TCPIdle 1m0s
		TCPInterval 10s
		TCPProbeCount 5
		TCPUserTimeout 30s
		TCPFastOpen 10
		TCPNoDelay false
		Backlog 128
		ReusePort true
		KeepaliveTimeout 0s
		KeepaliveRequests 100
		ClientHeaderTimeout 5s
		ClientHeaderBufferSize 8192
		MaxHeaderFields 50
		DownstreamReadTimeout 10s
		DownstreamWriteTimeout 11s
		GlobalCertificates true
		EnabledH2 true
		H2MaxStreams 64
		TLSCipherList ECDHE-RSA-AES128-GCM-SHA256
		TLSCiphersuites TLS_AES_128_GCM_SHA256
		TLSMinVersion tlsv1.2
		TLSMaxVersion tlsv1.3
		TLSClientCA /ca.pem
		TLSClientAuth optional
		ProxyProtocol [10.0.0.0/8]
		Modules [grpc-web]
		EnableServerTiming true
		PrometheusMetrics /metrics
		OTLPExporter http://127.0.0.1:4317
		Includes [common]
		Remark the web`)
	wantFields(t, *c.Location("all"), `
		Upstream app
		Host [example.com *.example.org ~^(?<name>[a-z]{2,5})\.example\.net$]
		Path ~ ^/v(?<version>[0-9]+)/
		MatchHeaders [{X-Beta  false} {X-Mode fast true}]
		MatchQuery [{debug 1 true}]
		MatchCookies [{session  false}]
		Rewrite ^/v1/ /
		ProxySetHeaders [{Host $host} {X-Empty }]
		ProxyAddHeaders [{X-Time 10:30}]
		SetResponseHeaders [{Server edge}]
		AddResponseHeaders [{X-A 1} {X-A 2}]
		EnableReverseProxyHeaders true
		Weight {0 true}
		Plugins [page]
		ClientMaxBodySize 1024
		MaxProcessing 100
		MaxRetries 2
		MaxRetryWindow 3s
		GRPCWeb true
		Includes [common]
		Remark all`)
	wantFields(t, *c.Upstream("app"), `
		Addrs [10.0.0.1:443 10.0.0.2:8080 [2001:db8::1]:443 [2001:db8::2]:443 [2001:db8::3]:81 unix:/run/app.sock app.internal:82]
		Discovery dns
		UpdateFrequency 30s
		DNSServer [10.0.0.53:53 [2001:db8::53]:54]
		DNSDomain example.com
		DNSSearch a.example, b.example
		Algo hash:header:X-User
		SNI app.example
		VerifyCert true
		TLSCA /app-ca.pem
		TLSClientCert /client.pem
		TLSClientKey /client.key
		ALPN h2h1
		MaxH2Streams 16
		ProxyProtocol v2
		HealthCheck http://app/ping?check_frequency=3s&failure=3
		ConnectionTimeout 1s
		TotalConnectionTimeout 2s
		ReadTimeout 0s
		WriteTimeout 4s
		IdleTimeout 5s
		TCPIdle 6s
		TCPInterval 7s
		TCPProbeCount 8
		TCPUserTimeout 9s
		TCPRecvBuf 1000000
		TCPFastOpen true
		IPv4Only true
		EnableTracer true
		EnableBackendStats true
		BackendStatsInterval 30s
		BackendFailureStatusCode [500 502]
		CircuitBreakMaxConsecutiveFailures 7
		CircuitBreakMaxFailurePercent 50
		CircuitBreakMinRequestsThreshold 20
		CircuitBreakHalfOpenConsecutiveSuccessThreshold 3
		CircuitBreakOpenDuration 20s
		Includes [common]
		Remark app`)
	wantFields(t, *c.Certificates[0], `
		Domains [example.com *.example.com]
		TLSCert /web.pem
		TLSKey /web.key
		IsDefault true
		IsCA true
		ACME lets_encrypt
		DNSChallenge true
		DNSProvider cf
		DNSServiceURL https://api.cloudflare.com
		BufferDays 5
		Includes [common]
		Remark web`)
	wantFields(t, *c.Storages[0], `
		Category config
		Value XJ8f+qL9DdMzXHlvPSF2T4a+MQ2NREh0Ug==
		Secret s
		CreatedAt 1700000000
		Remark common`)
	wantFields(t, c.Plugin("page").pluginKeys, `
		Category mock
		Step request
		Includes [common]
		Remark page`)
	var weights []int
	for _, a := range c.Upstreams[0].Addrs {
		weights = append(weights, a.Weight)
	}
	if want := []int{1, 5, 1, 1, 2, 3, 1}; !slices.Equal(weights, want) {
		t.Errorf("weights are %v, want %v", weights, want)
	}
}

// wantFields compares all fields of a section that have keys.
func wantFields(t *testing.T, section any, want string) {
	t.Helper()
	var got strings.Builder
	v := reflect.ValueOf(section)
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Tag.Get("config") != "" {
			fmt.Fprintf(&got, "\n\t\t%s %v", f.Name, v.Field(i).Interface())
		}
	}
	if got.String() != want {
		t.Errorf("%T is%s\nwant%s", section, got.String(), want)
	}
}

func TestAbsentKeysHaveTheirDefaults(t *testing.T) {
	c := mustParse(t, "[servers.web]\naddr = \":80\"\nlocations = [\"all\"]\n[locations.all]\nupstream = \"app\"\n[upstreams.app]\naddrs = [\"127.0.0.1\"]\n")
	wantFields(t, c.Basic, `
		Name pingap
		ErrorTemplate 
		PidFile 
		ErrorLog 
		UpgradeSock /tmp/pingap_upgrade.sock
		User 
		Group 
		AutoRestartCheckInterval 1m30s
		Threads 0
		GracePeriod 5m0s
		GracefulShutdownTimeout 5s
		UpstreamKeepalivePoolSize 128
		TrustedProxies []
		LogLevel 
		LogFormatJSON false
		LogBufferedSize 0
		LogCompressAlgorithm 
		LogCompressLevel 0
		LogCompressDaysAgo 7
		LogCompressTimePointHour 0
		TicketKeyFile 
		Webhook 
		WebhookType 
		WebhookNotifications []
		Sentry 
		Pyroscope 
		Includes []`)
	wantFields(t, *c.Servers[0], `
		Addr [:80]
		Locations [all]
		AccessLog 
		Threads 0
		TCPIdle 0s
		TCPInterval 0s
		TCPProbeCount 0
		TCPUserTimeout 0s
		TCPFastOpen 0
		TCPNoDelay true
		Backlog 4096
		ReusePort false
		KeepaliveTimeout 1m15s
		KeepaliveRequests 0
		ClientHeaderTimeout 1m0s
		ClientHeaderBufferSize 32768
		MaxHeaderFields 100
		DownstreamReadTimeout 1m0s
		DownstreamWriteTimeout 1m0s
		GlobalCertificates false
		EnabledH2 false
		H2MaxStreams 128
		TLSCipherList 
		TLSCiphersuites 
		TLSMinVersion 
		TLSMaxVersion 
		TLSClientCA 
		TLSClientAuth require
		ProxyProtocol []
		Modules []
		EnableServerTiming false
		PrometheusMetrics 
		OTLPExporter 
		Includes []
		Remark `)
	wantFields(t, *c.Locations[0], `
		Upstream app
		Host []
		Path 
		MatchHeaders []
		MatchQuery []
		MatchCookies []
		Rewrite 
		ProxySetHeaders []
		ProxyAddHeaders []
		SetResponseHeaders []
		AddResponseHeaders []
		EnableReverseProxyHeaders false
		Weight {0 false}
		Plugins []
		ClientMaxBodySize 0
		MaxProcessing 0
		MaxRetries 0
		MaxRetryWindow 0s
		GRPCWeb false
		Includes []
		Remark `)
	wantFields(t, *c.Upstreams[0], `
		Addrs [127.0.0.1:80]
		Discovery 
		UpdateFrequency 0s
		DNSServer []
		DNSDomain 
		DNSSearch 
		Algo round_robin
		SNI 
		VerifyCert true
		TLSCA 
		TLSClientCert 
		TLSClientKey 
		ALPN h1
		MaxH2Streams 128
		ProxyProtocol 
		HealthCheck 
		ConnectionTimeout 10s
		TotalConnectionTimeout 0s
		ReadTimeout 1m0s
		WriteTimeout 1m0s
		IdleTimeout 1m0s
		TCPIdle 0s
		TCPInterval 0s
		TCPProbeCount 0
		TCPUserTimeout 0s
		TCPRecvBuf 0
		TCPFastOpen false
		IPv4Only false
		EnableTracer false
		EnableBackendStats false
		BackendStatsInterval 1m0s
		BackendFailureStatusCode []
		CircuitBreakMaxConsecutiveFailures 0
		CircuitBreakMaxFailurePercent 0
		CircuitBreakMinRequestsThreshold 10
		CircuitBreakHalfOpenConsecutiveSuccessThreshold 5
		CircuitBreakOpenDuration 10s
		Includes []
		Remark `)
}
