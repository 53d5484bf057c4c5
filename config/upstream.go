package config

import (
	"fmt"
	"strings"
	"time"
)

// Upstream is a section [upstreams.name]: the peers that requests go to.
type Upstream struct {
	Item
	// Addrs are the peers: "host[:port] [weight]" or "unix:/path [weight]". The
	// port is 80 unless given, the weight 1. With discovery docker they are the
	// labels of containers, and with transparent anything.
	Addrs []PeerAddr `config:"addrs" required:"true" texts:"discovery=docker,transparent" example:"127.0.0.1:8080"`
	// Discovery says where the addresses of host names come from: static looks
	// them up once, dns again and again. Empty leaves it to the version. docker
	// looks for containers by their labels, transparent takes the host that the
	// request names: until this version can, such an upstream has no peers, and
	// answers with 503.
	Discovery string `config:"discovery" enum:"static,dns,docker,transparent," inert:"dns"`
	// UpdateFrequency is how often they are looked up.
	UpdateFrequency time.Duration `config:"update_frequency" inert:"true"`
	// DNSServer are the name servers that are asked, by their addresses with
	// commas between them; the port is 53 unless given. Empty means those of
	// the system.
	DNSServer NameServers `config:"dns_server" inert:"true" example:"10.0.0.53, 10.0.1.53"`
	// DNSDomain is the domain of names without a dot, DNSSearch those that are
	// tried, with commas between them.
	DNSDomain string `config:"dns_domain" inert:"true"`
	DNSSearch string `config:"dns_search" inert:"true"`
	// Algo is how peers take turns: round_robin, or by a hash of the client or
	// the request: hash:ip, hash:path, hash:url, hash:header:name,
	// hash:cookie:name, hash:query:name.
	Algo Algo `config:"algo" default:"round_robin" inert:"hash:*"`
	// SNI is the name of the peers in TLS. Empty means clear text.
	SNI string `config:"sni" example:"backend.example.com"`
	// VerifyCert refuses peers whose certificate is not for that name, or from
	// nobody who is trusted.
	VerifyCert bool `config:"verify_cert" default:"true"`
	// TLSCA are the authorities that are trusted, in the forms of a
	// certificate. Empty means those of the system.
	TLSCA string `config:"tls_ca" example:"/etc/pingap/internal.pem"`
	// TLSClientCert and TLSClientKey are what the proxy shows to peers.
	TLSClientCert string `config:"tls_client_cert" example:"/etc/pingap/proxy.pem"`
	TLSClientKey  string `config:"tls_client_key" example:"/etc/pingap/proxy.key"`
	// ALPN is the version of HTTP that peers speak: h1, h2, or h2h1 for the
	// better that they agree to under TLS.
	ALPN string `config:"alpn" default:"h1" enum:"h1,h2,h2h1"`
	// MaxH2Streams is how many exchanges share one HTTP/2 connection, if the
	// peer allows as many.
	MaxH2Streams int `config:"max_h2_streams" default:"128" min:"1" max:"65535"`
	// ProxyProtocol tells peers, in a header of that version in front of each
	// connection, for whom it is made.
	ProxyProtocol string `config:"proxy_protocol" enum:"v1,v2,"`
	// HealthCheck is a URL that says how peers are asked whether they are well.
	HealthCheck HealthCheck `config:"health_check" inert:"true" example:"http://app/ping?check_frequency=10s"`
	// ConnectionTimeout is how long the making of a connection may take;
	// 0s for ever, here and below.
	ConnectionTimeout time.Duration `config:"connection_timeout" default:"10s"`
	// TotalConnectionTimeout is how long it may take until the connection is
	// ready for requests.
	TotalConnectionTimeout time.Duration `config:"total_connection_timeout"`
	// ReadTimeout is how long a peer may send nothing while it is waited for. Where
	// it is written, tunnels such as WebSockets end when neither side has sent
	// anything for so long; without it they do after 10 minutes.
	ReadTimeout time.Duration `config:"read_timeout" default:"60s"`
	// WriteTimeout is how long a peer may take nothing of a request, or of what
	// comes through a tunnel.
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
	// EnableTracer is what Pingap needs to be told to count open connections, for
	// the access log. Here they are always counted.
	EnableTracer bool `config:"enable_tracer"`
	// EnableBackendStats counts the answers of each peer, and those that
	// failed. Circuit breakers need it.
	EnableBackendStats bool `config:"enable_backend_stats" inert:"true"`
	// BackendStatsInterval is the time that counts.
	BackendStatsInterval time.Duration `config:"backend_stats_interval" inert:"true" default:"60s" min:"1s"`
	// BackendFailureStatusCode are the statuses that are failures, with commas
	// between them. Empty means all from 500.
	BackendFailureStatusCode Statuses `config:"backend_failure_status_code" inert:"true" example:"502,503,504"`
	// CircuitBreakMaxConsecutiveFailures leaves a peer out after so many in a
	// row; 0 for no limit.
	CircuitBreakMaxConsecutiveFailures int `config:"circuit_break_max_consecutive_failures" inert:"true" min:"0" max:"1000000"`
	// CircuitBreakMaxFailurePercent leaves a peer out when so many of its
	// answers are failures; 0 for no limit.
	CircuitBreakMaxFailurePercent int `config:"circuit_break_max_failure_percent" inert:"true" min:"0" max:"100"`
	// CircuitBreakMinRequestsThreshold is how many answers there must be for a
	// percentage.
	CircuitBreakMinRequestsThreshold int `config:"circuit_break_min_requests_threshold" inert:"true" default:"10" min:"0" max:"1000000"`
	// CircuitBreakHalfOpenConsecutiveSuccessThreshold is how many answers in a
	// row bring a peer back.
	CircuitBreakHalfOpenConsecutiveSuccessThreshold int `config:"circuit_break_half_open_consecutive_success_threshold" inert:"true" default:"5" min:"1" max:"1000000"`
	// CircuitBreakOpenDuration is how long a peer is left out before it is
	// tried again.
	CircuitBreakOpenDuration time.Duration `config:"circuit_break_open_duration" inert:"true" default:"10s" min:"1ms"`
	// Includes are storages whose keys are taken in; they win over those here.
	Includes []string `config:"includes"`
	// Remark is a note.
	Remark string `config:"remark"`
}

// TunnelTimeout is how long connections that have switched protocols may be silent
// in both directions, as ReadTimeout says where it is written: less than 0 for ever.
// 0 is for where it is not: what is a long wait for an answer is none for the next
// word of a conversation.
func (u *Upstream) TunnelTimeout() time.Duration {
	switch {
	case !u.has("read_timeout"):
		return 0
	case u.ReadTimeout == 0:
		return -1
	}
	return u.ReadTimeout
}

// Undiscovered reports whether the peers are to be found in a way that this
// version does not have: there are none then, whatever Addrs is in the file.
func (u *Upstream) Undiscovered() bool {
	return u.Discovery == "docker" || u.Discovery == "transparent"
}

func (u *Upstream) check() Problems {
	problems := append(checkProbes(&u.Item, &u.TCPIdle, &u.TCPInterval, &u.TCPProbeCount), u.checkTLS()...)
	problems.add(u.checkBreaker()...)
	if u.Undiscovered() {
		problems.add(u.Warning("discovery", fmt.Sprintf("this version does not have %q yet: the upstream has no peers, and answers each request with 503", u.Discovery),
			`write the addresses of its peers, and discovery = "static"`))
	}
	for i, a := range u.Addrs {
		if a.portless && u.SNI != "" {
			u.Addrs[i].Port = defaultTLSPort
		}
		u.Addrs[i].portless = false // it has one now, and equals one that is written so
	}
	seen := make(map[string]bool, len(u.Addrs))
	for _, a := range u.Addrs {
		if seen[a.String()] {
			problems = append(problems, u.Warning("addrs", fmt.Sprintf("%s is written twice; the second has no effect", a), ""))
		}
		seen[a.String()] = true
		if u.Discovery == "" && a.Path == "" && !isIP(a.Host) && a.Host != "localhost" {
			problems = append(problems, u.Warning("addrs", fmt.Sprintf("the addresses of %s are looked up once, at the start; this version does not follow their changes yet", a.Host),
				`discovery = "static" says that this is meant`))
		}
	}
	return problems
}

// checkTLS finds keys that need others.
func (u *Upstream) checkTLS() (problems Problems) {
	for _, key := range []string{"tls_ca", "tls_client_cert", "tls_client_key"} {
		if u.SNI == "" && u.has(key) && !u.broken() {
			problems.add(u.Problem(key, "needs TLS, but the peers are spoken to in clear text", `write sni = "backend.example.com", the name in their certificate`))
		}
	}
	if u.TLSClientCert == "" && u.TLSClientKey != "" {
		problems.add(u.Problem("tls_client_key", "has no certificate", "write it into tls_client_cert"))
	}
	if u.TLSClientKey == "" && isWithoutKey(u.TLSClientCert) {
		problems.add(u.Problem("tls_client_cert", "has no private key", "write it into tls_client_key"))
	}
	if u.TLSCA != "" && !u.VerifyCert {
		problems.add(u.Warning("tls_ca", "has no effect with verify_cert = false, which trusts anybody", ""))
	}
	if u.SNI == "" && u.ALPN == "h2h1" {
		problems.add(u.Warning("alpn", "without TLS nothing can be agreed on, so h1 is spoken", `alpn = "h2" speaks HTTP/2 in clear text; sni = "backend.example.com" speaks TLS`))
	}
	if strings.Contains(u.SNI, "$") && !(u.SNI == "$host" && u.Discovery == "transparent") {
		problems.add(u.Problem("sni", fmt.Sprintf("%q holds a variable", u.SNI), "write the name in the peers' certificate"))
	}
	if u.ALPN == "h1" && u.has("max_h2_streams") {
		problems.add(u.Warning("max_h2_streams", "has no effect without HTTP/2", `alpn = "h2" or "h2h1" speaks it`))
	}
	return problems
}

// checkBreaker finds limits that nothing is counted for.
func (u *Upstream) checkBreaker() (problems Problems) {
	if u.EnableBackendStats {
		return nil
	}
	for _, key := range []string{"circuit_break_max_consecutive_failures", "circuit_break_max_failure_percent"} {
		if u.has(key) {
			problems.add(u.Warning(key, "has no effect without enable_backend_stats", "write enable_backend_stats = true"))
		}
	}
	return problems
}
