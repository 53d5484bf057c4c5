package config

import "time"

// Server is a section [servers.name]: where to listen, and which locations
// answer there.
type Server struct {
	Item
	// Addr is where to listen: host:port, several separated by commas, or
	// unix:/path.
	Addr ListenAddrs `config:"addr" required:"true" example:"0.0.0.0:80"`
	// Locations are the names of the server's locations. Their weights decide
	// which is asked first; the order here decides between equal weights.
	Locations []string `config:"locations"`
	// AccessLog is a format, by its name or as a template, behind an optional
	// file. Empty means no access log.
	AccessLog string `config:"access_log" example:"combined"`
	// Threads is on how many of the process's loops the server runs; 0 means
	// on all.
	Threads int `config:"threads" default:"0" min:"0" max:"1024"`
	// TCPIdle, TCPInterval and TCPProbeCount find dead connections: a probe
	// after so much silence, again at this interval, and the end after so many
	// without an answer. They are set together.
	TCPIdle       time.Duration `config:"tcp_idle" max:"9h"`
	TCPInterval   time.Duration `config:"tcp_interval" max:"9h"`
	TCPProbeCount int           `config:"tcp_probe_count" min:"0" max:"16"`
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
	// Remark is a note.
	Remark string `config:"remark"`
}

func (*Server) later() map[string][]any {
	return map[string][]any{
		"global_certificates": {false}, "enabled_h2": {false}, "enable_server_timing": {false},
		"tls_cipher_list": nil, "tls_ciphersuites": nil, "tls_min_version": nil, "tls_max_version": nil,
		"tls_cert": nil, "tls_key": nil, "lets_encrypt": nil,
		"prometheus_metrics": nil, "otlp_exporter": nil, "modules": nil, "includes": nil,
	}
}

func (s *Server) check() Problems { return checkProbes(&s.Item) }

// checkProbes reports settings of keep-alive probes that are only half there.
func checkProbes(item *Item) Problems {
	set, missing := "", ""
	for _, key := range []string{"tcp_idle", "tcp_interval", "tcp_probe_count"} {
		if _, ok := item.table.node.Field(key); ok {
			set = key
		} else if missing == "" {
			missing = key
		}
	}
	if set == "" || missing == "" || item.table.node.reported {
		return nil
	}
	return Problems{item.Problem(set, "has no effect without "+missing, `probes need all of tcp_idle, tcp_interval and tcp_probe_count, such as "60s", "10s" and 5`)}
}
