package config

import (
	"fmt"
	"time"
)

// Server is a section [servers.name]: where to listen, and which locations
// answer there.
type Server struct {
	Item
	// Addr is where to listen: host:port, several separated by commas, or
	// unix:/path.
	Addr ListenAddrs `config:"addr" required:"true" example:"0.0.0.0:80"`
	// Locations are the names of the server's locations. Their weights decide
	// which is asked first, see docs/routing.md; the order here decides between
	// equal weights.
	Locations []string `config:"locations"`
	// AccessLog is a format, by its name or as a template, behind an optional
	// file: see docs/access-log.md. Empty means no access log.
	AccessLog string `config:"access_log" example:"combined"`
	// Threads is on how many of the process's loops the server runs; 0 means
	// on all.
	Threads int `config:"threads" default:"0" min:"0" max:"1024"`
	// TCPIdle, TCPInterval and TCPProbeCount find dead connections: a probe
	// after so much silence, again at this interval, and the end after so many
	// without an answer. They are set together.
	TCPIdle       time.Duration `config:"tcp_idle" max:"9h"`
	TCPInterval   time.Duration `config:"tcp_interval" max:"9h"`
	TCPProbeCount int           `config:"tcp_probe_count" min:"0" max:"127"`
	// TCPUserTimeout is how long sent bytes may stay unacknowledged; 0 leaves
	// it to the system.
	TCPUserTimeout time.Duration `config:"tcp_user_timeout"`
	// TCPFastOpen is how many connections may wait that brought data with
	// their first packet; 0 turns that off.
	TCPFastOpen int `config:"tcp_fastopen" min:"0" max:"65535"`
	// TCPNoDelay sends small packets at once.
	TCPNoDelay bool `config:"tcp_nodelay" default:"true"`
	// Backlog is how many connections may wait to be accepted; the system has
	// a limit of its own.
	Backlog int `config:"backlog" default:"4096" min:"1" max:"65535"`
	// ReusePort gives each loop a listening socket of its own.
	ReusePort bool `config:"reuse_port"`
	// KeepaliveTimeout is how long a connection may wait for its next request;
	// with 0s each connection carries one.
	KeepaliveTimeout time.Duration `config:"keepalive_timeout" default:"75s"`
	// KeepaliveRequests is how many requests a connection may carry; 0 for any
	// number.
	KeepaliveRequests int `config:"keepalive_requests" default:"0" min:"0" max:"2000000000"`
	// ClientHeaderTimeout is how long the head of a request may take in all.
	ClientHeaderTimeout time.Duration `config:"client_header_timeout" default:"60s" min:"1ms"`
	// ClientHeaderBufferSize is how large the head of a request may be.
	ClientHeaderBufferSize Size `config:"client_header_buffer_size" default:"32kib" min:"1kib" max:"1mib"`
	// MaxHeaderFields is how many fields the head of a request may have.
	MaxHeaderFields int `config:"max_header_fields" default:"100" min:"8" max:"4096"`
	// DownstreamReadTimeout is how long the content of a request may pause.
	DownstreamReadTimeout time.Duration `config:"downstream_read_timeout" default:"60s" min:"1ms"`
	// DownstreamWriteTimeout is how long a client may take nothing of its
	// answer.
	DownstreamWriteTimeout time.Duration `config:"downstream_write_timeout" default:"60s" min:"1ms"`
	// GlobalCertificates serves TLS on all addresses, with the certificates of
	// the sections [certificates.name].
	GlobalCertificates bool `config:"global_certificates"`
	// EnabledH2 serves HTTP/2 too: under TLS to clients that agree on it, in
	// clear text to those that begin with it.
	EnabledH2 bool `config:"enabled_h2"`
	// H2MaxStreams is how many exchanges a client may have under way on one
	// HTTP/2 connection.
	H2MaxStreams int `config:"h2_max_streams" default:"128" min:"1" max:"65535"`
	// TLSCipherList are the cipher suites up to TLS 1.2, by their OpenSSL
	// names with colons between them. Empty means those that are safe.
	TLSCipherList string `config:"tls_cipher_list" example:"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"`
	// TLSCiphersuites are those of TLS 1.3.
	TLSCiphersuites string `config:"tls_ciphersuites" example:"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"`
	// TLSMinVersion and TLSMaxVersion are the versions of TLS that clients may
	// use. Empty means 1.2 and later.
	TLSMinVersion string `config:"tls_min_version" enum:"tlsv1.1,tlsv1.2,tlsv1.3,"`
	TLSMaxVersion string `config:"tls_max_version" enum:"tlsv1.1,tlsv1.2,tlsv1.3,"`
	// TLSClientCA are the authorities whose certificates clients must show, in
	// the forms of a certificate. Empty asks no client for one.
	TLSClientCA string `config:"tls_client_ca" example:"/etc/pingap/clients.pem"`
	// TLSClientAuth refuses clients without a certificate, or lets them in and
	// says so to locations; optional_no_ca does so with any certificate, too.
	TLSClientAuth string `config:"tls_client_auth" default:"require" enum:"require,optional,optional_no_ca"`
	// ProxyProtocol are the peers that begin each connection with a header of
	// the PROXY protocol, version 1 or 2, which says for whom they connect.
	ProxyProtocol []Network `config:"proxy_protocol" example:"10.0.0.0/8"`
	// Modules are what Pingap needs to be told to load: grpc-web. Here the
	// location's grpc_web is enough.
	Modules []string `config:"modules" enum:"grpc-web"`
	// EnableServerTiming tells clients in a header field how long each part of
	// an exchange took.
	EnableServerTiming bool `config:"enable_server_timing" inert:"true"`
	// PrometheusMetrics is the path at which metrics are fetched, or the URL
	// that they are sent to.
	PrometheusMetrics string `config:"prometheus_metrics" inert:"true"`
	// OTLPExporter is the URL that traces are sent to.
	OTLPExporter string `config:"otlp_exporter" inert:"true"`
	// Includes are storages whose keys are taken in; they win over those here.
	Includes []string `config:"includes"`
	// Remark is a note.
	Remark string `config:"remark"`
}

func (s *Server) check() Problems {
	return append(checkProbes(&s.Item, &s.TCPIdle, &s.TCPInterval, &s.TCPProbeCount), s.checkTLS()...)
}

// checkTLS finds keys that need others.
func (s *Server) checkTLS() (problems Problems) {
	if s.GlobalCertificates {
		if s.TLSMinVersion > s.TLSMaxVersion && s.TLSMaxVersion != "" {
			problems.add(s.Problem("tls_min_version", fmt.Sprintf("%s is above tls_max_version, which is %s", s.TLSMinVersion, s.TLSMaxVersion), "no client could connect"))
		}
		if s.TLSClientCA == "" && s.has("tls_client_auth") {
			problems.add(s.Problem("tls_client_auth", "has no authority to trust", "name those whose certificates clients show in tls_client_ca"))
		}
	} else {
		for _, key := range []string{"tls_client_ca", "tls_client_auth"} {
			if s.has(key) {
				problems.add(s.Problem(key, "asks for certificates of clients, but the server has no TLS", "write global_certificates = true"))
				break
			}
		}
		for _, key := range []string{"tls_cipher_list", "tls_ciphersuites", "tls_min_version", "tls_max_version"} {
			if s.has(key) {
				problems.add(s.Warning(key, "has no effect without global_certificates", ""))
			}
		}
	}
	if s.has("h2_max_streams") && !s.EnabledH2 {
		problems.add(s.Warning("h2_max_streams", "has no effect without enabled_h2", ""))
	}
	return problems
}

// checkProbes reports settings of keep-alive probes that are only half there,
// and unsets them: Pingap takes such a configuration, and sends no probes.
func checkProbes(item *Item, idle, interval *time.Duration, count *int) Problems {
	set, missing := "", ""
	for _, key := range []string{"tcp_idle", "tcp_interval", "tcp_probe_count"} {
		if item.has(key) {
			set = key
		} else if missing == "" {
			missing = key
		}
	}
	if set == "" || missing == "" || item.broken() {
		return nil
	}
	*idle, *interval, *count = 0, 0, 0
	return Problems{item.Warning(set, "has no effect without "+missing, `probes need all of tcp_idle, tcp_interval and tcp_probe_count, such as "60s", "10s" and 5`)}
}
