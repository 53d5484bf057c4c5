package proxy

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pingap/loop"
	"pingap/loop/looptest"
	"pingap/message"
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

func TestLocationTranslatesGRPCWebWhereItIsTold(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("Trailer", "Grpc-Status")
		io.Copy(w, r.Body)
		w.Header().Set("Grpc-Status", "0")
	}))
	t.Cleanup(upstream.Close)
	g := compile(t, `
[servers.s]
addr = "127.0.0.1:1"
locations = ["web", "plain"]
[locations.web]
path = "/web"
grpc_web = true
upstream = "u"
[locations.plain]
path = "/plain"
upstream = "u"
[upstreams.u]
addrs = ["`+upstream.Listener.Addr().String()+`"]
`)
	looptest.Run(t, func(l *loop.Loop) {
		for _, c := range []struct{ path, request, contentType, content string }{
			{"/web", "AAAAAAE=eA==", "application/grpc-web-text+proto", "AAAAAAF4gAAAAA9ncnBjLXN0YXR1czowDQo="},
			{"/plain", "AAAAAAE=eA==", "application/grpc-web-text", "AAAAAAE=eA=="},
			{"/web", "?", "application/grpc-web-text+proto", ""}, // an error, see below
		} {
			x := request(l, "POST", "h", c.path)
			x.Request.Header.Add("Content-Type", "application/grpc-web-text")
			x.Request.Length, x.Request.Body = int64(len(c.request)), &message.BytesBody{Data: []byte(c.request)}
			g.Services["s"].Serve(x)
			if got := x.Response.Header.Get("Content-Type"); got != c.contentType || x.Response.Status != 200 {
				t.Errorf("%s is answered with %d, %s", c.path, x.Response.Status, got)
			}
			content := finish(x)
			if c.content == "" {
				decoded, _ := base64.StdEncoding.DecodeString(content)
				if !strings.HasPrefix(string(decoded), "\x80") || !strings.Contains(string(decoded), "grpc-status:13\r\n") {
					t.Errorf("content that is not base64 is answered with %q", decoded)
				}
			} else if content != c.content {
				t.Errorf("%s is answered with %q", c.path, content)
			}
		}
		closeIdle(t, l, g)
	})
}
