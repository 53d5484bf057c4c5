package main

import (
	"strings"
	"text/template"
)

// peer is a proxy under test. Adding one is adding an entry to peers.
type peer struct {
	name    string
	program string   // "" for the binary that is built
	debian  string   // the package that has the program
	args    []string // before the name of the configuration
	config  *template.Template
	version string // the argument that makes it print its version
	tlsOnly bool   // it takes part in what goes over TLS alone
}

// ours is the peer that the others are compared with.
const ours = "pingap"

// setting is what the templates of configurations are filled with.
type setting struct {
	Dir      string // for logs and temporary files
	Port     int
	Upstream int // port of what answers from memory and files
	Sink     int // port of what reads bodies
	Logs     bool
	Splice   bool
	Kilobyte string // the reply at /mock
	TLSPort  int    // 0 for none; certificates are in Dir
}

var peers = []peer{
	{name: ours, args: []string{"-c"}, config: pingapConfig, version: "--version"},
	{name: "nginx", program: "nginx", debian: "nginx-light", args: nginxArgs, config: nginxConfig, version: "-v"},
	{name: "haproxy", program: "haproxy", debian: "haproxy", args: []string{"-f"}, config: haproxyConfig, version: "-v"},
	{name: "caddy", program: "caddy", debian: "caddy", args: []string{"run", "--adapter", "caddyfile", "--config"}, config: caddyConfig, version: "version", tlsOnly: true},
}

// nginxArgs keep it from opening the system's error log before it has read its
// configuration.
var nginxArgs = []string{"-e", "stderr", "-c"}

// pingapConfig has the log of nginx's format below; one loop, as the others
// have one worker or thread.
var pingapConfig = parseConfig(`
[basic]
threads = 1
log_level = "error"
upstream_keepalive_pool_size = 1024

[servers.bench]
addr = "127.0.0.1:{{.Port}}"
locations = ["ping", "mock", "sink", "all"]
keepalive_requests = 0
{{if .Logs}}access_log = "{{.Dir}}/pingap.log?rolling=never combined"{{end}}

[plugins.kilobyte]
category = "mock"
headers = ["Content-Type: text/plain"]
data = "{{.Kilobyte}}"

{{if .TLSPort}}
[servers.secure]
addr = "127.0.0.1:{{.TLSPort}}"
locations = ["ping", "mock", "sink", "all"]
keepalive_requests = 0
enabled_h2 = true
global_certificates = true

[certificates.bench]
tls_cert = "{{.Dir}}/cert.pem"
tls_key = "{{.Dir}}/key.pem"
is_default = true
{{end}}
[locations.ping]
path = "=/ping"
plugins = ["pingap:ping"]

[locations.mock]
path = "=/mock"
plugins = ["kilobyte"]

[locations.sink]
path = "=/sink"
upstream = "sink"

[locations.all]
upstream = "files"

[upstreams.files]
addrs = ["127.0.0.1:{{.Upstream}}"]

[upstreams.sink]
addrs = ["127.0.0.1:{{.Sink}}"]
`)

// nginxProcess is what nginx needs to run in the foreground as any user.
const nginxProcess = `
worker_processes 1;
daemon off;
error_log stderr;
worker_rlimit_nofile 20000;
events { worker_connections 15000; }
`

// nginxPaths keeps temporary files where any user may write.
const nginxPaths = `
  client_body_temp_path {{.Dir}}/body;
  proxy_temp_path {{.Dir}}/proxy;
  fastcgi_temp_path {{.Dir}}/fastcgi;
  uwsgi_temp_path {{.Dir}}/uwsgi;
  scgi_temp_path {{.Dir}}/scgi;
`

// nginxConfig keeps connections to the upstreams, passes bodies on as they
// come, and never writes content to disk for a client that is slower than the
// upstream: each makes nginx cheaper than its defaults do.
var nginxConfig = parseConfig(`
pid {{.Dir}}/nginx.pid;` + nginxProcess + `
http {` + nginxPaths + `
  log_format combined_like '$remote_addr "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
  access_log {{if .Logs}}{{.Dir}}/nginx.log combined_like buffer=64k flush=1s{{else}}off{{end}};
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_max_body_size 0;
  proxy_max_temp_file_size 0;
  proxy_request_buffering off;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  upstream files { server 127.0.0.1:{{.Upstream}}; keepalive 1024; keepalive_requests 1000000000; }
  upstream sink { server 127.0.0.1:{{.Sink}}; keepalive 1024; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:{{.Port}} backlog=4096;
{{- if .TLSPort}}
    listen 127.0.0.1:{{.TLSPort}} ssl http2 backlog=4096;
    ssl_certificate {{.Dir}}/cert.pem;
    ssl_certificate_key {{.Dir}}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    http2_max_concurrent_streams 128;
{{- end}}
    default_type text/plain;
    location = /ping { return 200 pong; }
    location = /mock { return 200 "{{.Kilobyte}}"; }
    location = /sink { proxy_pass http://sink; }
    location / { proxy_pass http://files; }
  }
}
`)

// haproxyConfig logs to standard output, which is a file here: it can write
// none itself. Each line is a system call of its own then; so is every other
// way that it has, but for a ring buffer.
var haproxyConfig = parseConfig(`
global
  nbthread 1
  no strict-limits
  maxconn 10200
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 3600s
frontend bench
  bind 127.0.0.1:{{.Port}} backlog 4096
{{- if .TLSPort}}
  bind 127.0.0.1:{{.TLSPort}} backlog 4096 ssl crt {{.Dir}}/both.pem alpn h2,http/1.1
{{- end}}
{{- if .Logs}}
  log stdout format raw local0
  log-format '%ci "%HM %HU %HV" %ST %B "-" "-"'
{{- end}}
{{- if .Splice}}
  option splice-auto
{{- end}}
  http-request return status 200 content-type text/plain string pong if { path /ping }
  http-request return status 200 content-type text/plain string {{.Kilobyte}} if { path /mock }
  use_backend sink if { path /sink }
  default_backend files
backend files
  http-reuse always
{{- if .Splice}}
  option splice-auto
{{- end}}
  server files 127.0.0.1:{{.Upstream}} pool-max-conn 2000
backend sink
  http-reuse always
  server sink 127.0.0.1:{{.Sink}} pool-max-conn 2000
`)

// caddyConfig has the certificate that the others have, and no service of its
// own beside the proxy.
var caddyConfig = parseConfig(`
{
  admin off
  auto_https off
  default_sni bench.test
  storage file_system {{.Dir}}/caddy
  log {
    level ERROR
  }
  servers {
    protocols h1 h2
  }
}
(paths) {
  respond /ping pong
  respond /mock {{.Kilobyte}}
  reverse_proxy /sink 127.0.0.1:{{.Sink}}
  reverse_proxy 127.0.0.1:{{.Upstream}} {
    transport http {
      keepalive_idle_conns_per_host 1024
    }
  }
}
http://:{{.Port}} {
  bind 127.0.0.1
  import paths
}
{{- if .TLSPort}}
https://:{{.TLSPort}} {
  bind 127.0.0.1
  tls {{.Dir}}/cert.pem {{.Dir}}/key.pem
  import paths
}
{{- end}}
`)

func parseConfig(text string) *template.Template {
	return template.Must(template.New("").Parse(strings.TrimPrefix(text, "\n")))
}
