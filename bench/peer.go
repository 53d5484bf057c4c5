package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// peer is a proxy under test. Adding one is adding an entry to peers.
type peer struct {
	name    string
	command func(b *bed, config string) []string
	config  func(b *bed, port int, logs bool) string
	file    string // name of its configuration
	version []string
}

var peers = []peer{
	{
		name:    "pingap",
		file:    "pingap.toml",
		command: func(b *bed, config string) []string { return []string{b.binary, "-c", config} },
		config:  pingapConfig,
		version: []string{"--version"},
	},
	{
		name:    "nginx",
		file:    "nginx.conf",
		command: func(_ *bed, config string) []string { return []string{"nginx", "-c", config} },
		config:  nginxConfig,
		version: []string{"-v"},
	},
	{
		name:    "haproxy",
		file:    "haproxy.cfg",
		command: func(_ *bed, config string) []string { return []string{"haproxy", "-f", config} },
		config:  haproxyConfig,
		version: []string{"-v"},
	},
}

func pingapConfig(b *bed, port int, logs bool) string {
	log := ""
	if logs {
		log = fmt.Sprintf("access_log = %q\n", filepath.Join(b.dir, "pingap.log")+"?rolling=never combined")
	}
	return fmt.Sprintf(`[basic]
threads = 1
log_level = "error"
upstream_keepalive_pool_size = 1024
[servers.bench]
addr = "127.0.0.1:%d"
locations = ["ping", "all"]
keepalive_requests = 0
%s
[locations.ping]
path = "=/ping"
plugins = ["pingap:ping"]
[locations.all]
upstream = "u"
[upstreams.u]
addrs = ["127.0.0.1:%d"]
`, port, log, b.upstreamPort)
}

// nginxConfig is nginx with one worker and connections kept to the upstream;
// its log has the values of our combined format.
func nginxConfig(b *bed, port int, logs bool) string {
	log := "access_log off;"
	if logs {
		log = fmt.Sprintf(`log_format bench '$remote_addr "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
  access_log %s bench buffer=64k flush=1s;`, filepath.Join(b.dir, "nginx.log"))
	}
	return nginxBase(b, "nginx") + fmt.Sprintf(`http {
  %s
  keepalive_requests 1000000000; keepalive_timeout 3600s; client_max_body_size 0; client_body_buffer_size 256k;
  upstream u { server 127.0.0.1:%d; keepalive 1024; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:%d backlog=4096;
    location = /ping { return 200 pong; }
    location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`, log, b.upstreamPort, port)
}

func nginxBase(b *bed, name string) string {
	return fmt.Sprintf(`worker_processes 1; daemon off; pid %[1]s/%[2]s.pid; error_log %[1]s/%[2]s.err;
worker_rlimit_nofile 20000;
events { worker_connections 15000; }
`, b.dir, name)
}

// haproxyConfig is HAProxy with one thread. It cannot write its log to a file
// itself: lines go through its own buffer to its standard output, which is one.
func haproxyConfig(b *bed, port int, logs bool) string {
	log := ""
	if logs {
		log = `log-format '%ci "%HM %HU %HV" %ST %B "-" "-"'` + "\n  log stdout format raw local0"
	}
	return strings.ReplaceAll(fmt.Sprintf(`global
  nbthread 1
  maxconn 9900
  fd-hard-limit 20000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 3600s
frontend f
  bind 127.0.0.1:%d backlog 4096
  %s
  http-request return status 200 content-type text/plain string pong if { path /ping }
  default_backend u
backend u
  http-reuse always
  server u 127.0.0.1:%d pool-max-conn 2000
`, port, log, b.upstreamPort), "  \n", "")
}

// upstreamConfig is an nginx that answers for everybody: a small response, and
// files.
func upstreamConfig(b *bed) string {
	return nginxBase(b, "upstream") + fmt.Sprintf(`http {
  access_log off; sendfile on; tcp_nopush on;
  keepalive_requests 1000000000; keepalive_timeout 3600s; client_max_body_size 0;
  server {
    listen 127.0.0.1:%d backlog=4096;
    root %s;
    location = /small { default_type text/plain; return 200 "a small response, such as an API gives"; }
  }
}
`, b.upstreamPort, b.dir)
}

// writeFiles makes what the upstream serves.
func writeFiles(dir string) error {
	for name, size := range map[string]int{"100k": 100_000, "10m": 10_000_000} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o644); err != nil {
			return err
		}
	}
	return nil
}
