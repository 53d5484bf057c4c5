package config

import "time"

// Upstream is a section [upstreams.name]: the peers that requests go to.
type Upstream struct {
	Item
	// Addrs are the peers: "host[:port] [weight]" or "unix:/path [weight]". The
	// port is 80 when it is absent, the weight 1.
	Addrs []PeerAddr `config:"addrs" required:"true"`
	// Algo is how peers take turns.
	Algo string `config:"algo" default:"round_robin" enum:"round_robin"`
	// ConnectionTimeout is how long a TCP connection may take to be made.
	ConnectionTimeout time.Duration `config:"connection_timeout" default:"10s"`
	// TotalConnectionTimeout is how long it may take until it is usable.
	TotalConnectionTimeout time.Duration `config:"total_connection_timeout"`
	// ReadTimeout is how long a peer may send nothing; 0s for ever.
	ReadTimeout time.Duration `config:"read_timeout" default:"60s"`
	// WriteTimeout is how long a peer may take nothing; 0s for ever.
	WriteTimeout time.Duration `config:"write_timeout" default:"60s"`
	// IdleTimeout is how long an idle connection is kept; 0s means that none
	// is used again.
	IdleTimeout time.Duration `config:"idle_timeout" default:"60s"`
	// TCPIdle, TCPInterval and TCPProbeCount are keep-alive probes, as for
	// servers.
	TCPIdle       time.Duration `config:"tcp_idle"`
	TCPInterval   time.Duration `config:"tcp_interval"`
	TCPProbeCount int           `config:"tcp_probe_count" min:"0" max:"16"`
	// TCPUserTimeout is how long sent bytes may stay unacknowledged.
	TCPUserTimeout time.Duration `config:"tcp_user_timeout"`
	// TCPRecvBuf is the size of the kernel's receive buffer.
	TCPRecvBuf Size `config:"tcp_recv_buf"`
	// TCPFastOpen sends the request with the first packet.
	TCPFastOpen bool `config:"tcp_fast_open"`
	// IPv4Only uses no IPv6 addresses of names.
	IPv4Only bool `config:"ipv4_only"`
	// EnableTracer counts the open connections, for the access log.
	EnableTracer bool `config:"enable_tracer"`
	// Remark is a note.
	Remark string `config:"remark"`
}

func (*Upstream) laterKeys() map[string][]any {
	return map[string][]any{
		"discovery": {"static", ""}, "update_frequency": nil, "dns_server": nil, "dns_domain": nil, "dns_search": nil,
		"sni": {""}, "verify_cert": {true, false}, "alpn": {"h1"}, "max_h2_streams": nil,
		"health_check": nil, "enable_backend_stats": {false}, "backend_stats_interval": nil,
		"backend_failure_status_code": nil, "circuit_break_max_consecutive_failures": nil,
		"circuit_break_max_failure_percent": nil, "circuit_break_min_requests_threshold": nil,
		"circuit_break_half_open_consecutive_success_threshold": nil, "circuit_break_open_duration": nil,
		"includes": nil,
	}
}

// defaultPort is the port of peers that are written without one.
const defaultPort = 80

func addUpstream(c *Config, item Item, n *Node, problems *Problems) {
	u := &Upstream{Item: item}
	section := "upstreams." + item.Name
	decodeStruct(n, section, u, problems)
	if f, ok := n.field("addrs"); ok && f.Node.Kind == Array && len(f.Node.Items) == 0 {
		problems.add(f.Position, section, "addrs", "is empty", "an upstream needs at least one address")
	}
	for i := range u.Addrs {
		if u.Addrs[i].Path == "" && u.Addrs[i].Port == 0 {
			u.Addrs[i].Port = defaultPort
		}
	}
	c.Upstreams = append(c.Upstreams, u)
}
