package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// upstreamConfig is an nginx that answers for every proxy: a small response
// from memory, and files.
var upstreamConfig = parseConfig(`
pid {{.Dir}}/upstream.pid;` + nginxProcess + `
http {` + nginxPaths + `
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  server {
    listen 127.0.0.1:{{.Port}} backlog=4096;
    root {{.Dir}};
    default_type application/octet-stream;
    location = /small { default_type text/plain; return 200 "a small response, such as an API gives"; }
  }
}
`)

// startUpstreams starts what answers behind the proxies.
func (b *bed) startUpstreams() (err error) {
	for name, size := range map[string]int{"100k": 100_000, "10m": 10_000_000} {
		if err := os.WriteFile(filepath.Join(b.dir, name), make([]byte, size), 0o644); err != nil {
			return err
		}
	}
	port := b.freePort()
	config, err := b.writeConfig("upstream", upstreamConfig, setting{Dir: b.dir, Port: port})
	if err != nil {
		return err
	}
	b.files, err = b.start(program{
		name: "upstream", command: append([]string{"nginx"}, append(nginxArgs, config)...), cores: b.cores.others, port: port, probe: "/small",
	})
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	port = b.freePort()
	b.sink, err = b.start(program{
		name: "sink", command: []string{self, sinkCommand, address(port)}, cores: b.cores.others, port: port, probe: "/sink",
	})
	return err
}

// sinkCommand is the argument that makes this program the upstream that reads
// bodies. nginx cannot be it: what answers by itself there does so before it
// has read the body.
const sinkCommand = "sink"

// serveSink answers each request when it has read its body. It returns only
// with an error.
func serveSink(addr string) error {
	return http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, "read")
	}))
}
