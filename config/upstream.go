package config

import (
	"fmt"
	"time"
)

// Upstream is a section [upstreams.name]: the peers that requests go to.
type Upstream struct {
	Item
	// Addrs are the peers: "host[:port] [weight]" or "unix:/path [weight]". The
	// port is 80 unless given, the weight 1.
	Addrs []PeerAddr `config:"addrs" required:"true" example:"127.0.0.1:8080"`
	// Discovery says where the addresses of host names come from: static looks
	// them up once. Empty leaves it to the version.
	Discovery string `config:"discovery" enum:"static," later:"dns,docker,transparent"`
	// Algo is how peers take turns.
	Algo string `config:"algo" default:"round_robin" enum:"round_robin" later:"hash,hash:*"`
	// ConnectionTimeout is how long the making of a connection may take;
	// 0s for ever, here and below.
	ConnectionTimeout time.Duration `config:"connection_timeout" default:"10s"`
	// TotalConnectionTimeout is how long it may take until the connection is
	// ready for requests.
	TotalConnectionTimeout time.Duration `config:"total_connection_timeout"`
	// ReadTimeout is how long a peer may send nothing while it is waited for.
	ReadTimeout time.Duration `config:"read_timeout" default:"60s"`
	// WriteTimeout is how long a peer may take nothing of a request.
	WriteTimeout time.Duration `config:"write_timeout" default:"60s"`
	// IdleTimeout is how long an idle connection is kept; with 0s each
	// connection carries one exchange.
	IdleTimeout time.Duration `config:"idle_timeout" default:"60s"`
	// TCPIdle, TCPInterval and TCPProbeCount find dead connections, as those
	// of servers do.
	TCPIdle       time.Duration `config:"tcp_idle" max:"9h"`
	TCPInterval   time.Duration `config:"tcp_interval" max:"9h"`
	TCPProbeCount int           `config:"tcp_probe_count" min:"0" max:"16"`
	// TCPUserTimeout is how long sent bytes may stay unacknowledged; 0 leaves
	// it to the system.
	TCPUserTimeout time.Duration `config:"tcp_user_timeout"`
	// TCPRecvBuf is the size of the system's receive buffer; 0 leaves it to
	// the system.
	TCPRecvBuf Size `config:"tcp_recv_buf" max:"1gib"`
	// TCPFastOpen sends data with the first packet.
	TCPFastOpen bool `config:"tcp_fast_open"`
	// IPv4Only leaves the IPv6 addresses of host names out.
	IPv4Only bool `config:"ipv4_only"`
	// EnableTracer counts the open connections, for the access log.
	EnableTracer bool `config:"enable_tracer"`
	// Remark is a note.
	Remark string `config:"remark"`
}

func (*Upstream) later() map[string][]any {
	return map[string][]any{
		"update_frequency": nil, "dns_server": nil, "dns_domain": nil, "dns_search": nil,
		"sni": {""}, "verify_cert": {true, false}, "alpn": {"h1"}, "max_h2_streams": nil,
		"health_check": nil, "enable_backend_stats": {false}, "backend_stats_interval": nil, "backend_failure_status_code": nil,
		"circuit_break_max_consecutive_failures": nil, "circuit_break_max_failure_percent": nil,
		"circuit_break_min_requests_threshold":                  nil,
		"circuit_break_half_open_consecutive_success_threshold": nil, "circuit_break_open_duration": nil,
		"includes": nil,
	}
}

func (u *Upstream) check() Problems {
	problems := checkProbes(&u.Item)
	seen := make(map[string]bool, len(u.Addrs))
	for _, a := range u.Addrs {
		if seen[a.String()] {
			problems = append(problems, u.warning("addrs", fmt.Sprintf("%s is written twice; the second has no effect", a), ""))
		}
		seen[a.String()] = true
		if u.Discovery == "" && a.Path == "" && !isIP(a.Host) && a.Host != "localhost" {
			problems = append(problems, u.warning("addrs", fmt.Sprintf("the addresses of %s are looked up once, at the start; this version does not follow their changes yet", a.Host),
				`discovery = "static" says that this is meant`))
		}
	}
	return problems
}
