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
	Addr ListenAddrs `config:"addr" required:"true"`
	// Locations are the names of the server's locations. Their weights decide
	// which is asked first; the order here decides between equal weights.
	Locations []string `config:"locations"`
	// AccessLog is a format by name or as a template, behind an optional file.
	// Empty: no access log.
	AccessLog string `config:"access_log"`
	// Threads is on how many of the process's loops the server runs; 0 means
	// on all of them.
	Threads int `config:"threads" default:"0" min:"0" max:"1024"`
	// TCPIdle, TCPInterval and TCPProbeCount keep idle connections alive: a
	// probe after so much silence, again at this interval, and an end after so
	// many without an answer.
	TCPIdle       time.Duration `config:"tcp_idle"`
	TCPInterval   time.Duration `config:"tcp_interval"`
	TCPProbeCount int           `config:"tcp_probe_count" min:"0" max:"16"`
	// TCPUserTimeout is how long sent bytes may stay unacknowledged.
	TCPUserTimeout time.Duration `config:"tcp_user_timeout"`
	// TCPFastOpen is the length of the queue for connections that bring data
	// with their first packet; 0 for none.
	TCPFastOpen int `config:"tcp_fastopen" min:"0" max:"65535"`
	// TCPNoDelay sends small answers at once.
	TCPNoDelay bool `config:"tcp_nodelay" default:"true"`
	// Backlog is how many connections may wait to be accepted.
	Backlog int `config:"backlog" default:"4096" min:"1" max:"65535"`
	// ReusePort gives each loop a listening socket of its own.
	ReusePort bool `config:"reuse_port"`
	// KeepaliveTimeout ends connections that have been idle for so long.
	KeepaliveTimeout time.Duration `config:"keepalive_timeout" default:"75s"`
	// KeepaliveRequests ends connections after so many exchanges; 0 for never.
	KeepaliveRequests int `config:"keepalive_requests" default:"0" min:"0"`
	// ClientHeaderTimeout is how long a request's head may take in all.
	ClientHeaderTimeout time.Duration `config:"client_header_timeout" default:"60s"`
	// ClientHeaderBufferSize is how large a request's head may be.
	ClientHeaderBufferSize Size `config:"client_header_buffer_size" default:"32kib"`
	// ClientHeaderMaxFields is how many fields it may have.
	ClientHeaderMaxFields int `config:"client_header_max_fields" default:"128" min:"8" max:"4096"`
	// DownstreamReadTimeout is how long a request's content may pause.
	DownstreamReadTimeout time.Duration `config:"downstream_read_timeout" default:"60s"`
	// DownstreamWriteTimeout is how long a client may take nothing of its
	// answer.
	DownstreamWriteTimeout time.Duration `config:"downstream_write_timeout" default:"60s"`
	// Remark is a note.
	Remark string `config:"remark"`
}

func (*Server) laterKeys() map[string][]any {
	return map[string][]any{
		"global_certificates": {false}, "enabled_h2": {false}, "enable_server_timing": {false},
		"tls_cipher_list": nil, "tls_ciphersuites": nil, "tls_min_version": nil, "tls_max_version": nil,
		"tls_cert": nil, "tls_key": nil, "lets_encrypt": nil,
		"prometheus_metrics": nil, "otlp_exporter": nil, "modules": nil, "includes": nil,
	}
}

func addServer(c *Config, item Item, n *Node, problems *Problems) {
	s := &Server{Item: item}
	section := "servers." + item.Name
	decodeStruct(n, section, s, problems)
	probes := 0
	for _, set := range []bool{s.TCPIdle > 0, s.TCPInterval > 0, s.TCPProbeCount > 0} {
		if set {
			probes++
		}
	}
	if probes != 0 && probes != 3 {
		problems.add(s.at("tcp_idle"), section, "tcp_idle", "keep-alive probes need all of tcp_idle, tcp_interval and tcp_probe_count",
			"set the others too, or none")
	}
	if s.ClientHeaderBufferSize < 1<<10 || s.ClientHeaderBufferSize > 1<<20 {
		problems.add(s.at("client_header_buffer_size"), section, "client_header_buffer_size",
			fmt.Sprintf("%d bytes are not between 1 KiB and 1 MiB", s.ClientHeaderBufferSize), "")
	}
	c.Servers = append(c.Servers, s)
}
