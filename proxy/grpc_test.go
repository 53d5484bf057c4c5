package proxy

import (
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
)

func TestErrorsOfGRPCCallsAreStatuses(t *testing.T) {
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["small"]
[locations.small]
path = "/small"
client_max_body_size = "1kb"
upstream = "u"
[upstreams.u]
addrs = ["127.0.0.1:1"]
`)
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct {
			path        string
			length      int64
			contentType string
			status      int
			code, word  string
		}{
			{"/nowhere", 0, "application/grpc", 200, "12", "no_location"},
			{"/nowhere", 0, "Application/GRPC+proto", 200, "12", "no_location"},
			{"/nowhere", 0, "application/grpc;x", 200, "12", "no_location"},
			{"/nowhere", 0, "application/grpcx", 404, "", "no_location"},
			{"/nowhere", 0, "application/json", 404, "", "no_location"},
			{"/small", 1001, "application/grpc", 200, "8", "body_too_large"},
			{"/small", 0, "application/grpc", 200, "14", "connect_failed"},
			{"/nowhere", 0, "application/grpc-web", 200, "", "no_location"},
		} {
			x := request(l, "POST", "h", c.path)
			x.Request.Header.Add("content-type", c.contentType)
			x.Request.Length = c.length
			g.Services["s"].Serve(x)
			r := &x.Response
			if r.Status != c.status || r.Header.Get("Grpc-Status") != c.code || r.Header.Get("X-Pingap-EType") != c.word {
				t.Errorf("%s of %s is answered with %d, code %q, %q; want %d, %q, %q", c.path, c.contentType,
					r.Status, r.Header.Get("Grpc-Status"), r.Header.Get("X-Pingap-EType"), c.status, c.code, c.word)
			}
			if c.code != "" && (r.Header.Get("Content-Type") != "application/grpc" || r.Length != 0 || r.Header.Get("Grpc-Message") == "") {
				t.Errorf("%s: %+v is no answer without messages", c.path, r)
			}
			finish(x)
		}
	})
}
