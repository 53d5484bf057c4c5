package e2e

import (
	"io"
	"net/http"
	"testing"
)

// TestCorsWithAFixedOriginWorks: Pingap answered all of these with 400.
func TestCorsWithAFixedOriginWorks(t *testing.T) {
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Method) })
	p := startProxy(t, `
[servers.main]
addr = "<ADDR>"
locations = ["all"]

[locations.all]
plugins = ["cors", "closed"]
upstream = "peer"

[plugins.cors]
category = "cors"
allow_origin = "https://app.example"
allow_headers = "X-Token"
allow_credentials = true

[plugins.closed]
category = "mock"
path = "/closed"
status = 401

[upstreams.peer]
addrs = ["`+peer+`"]
`)
	for _, c := range []struct {
		request string
		fields  []string
		status  int
		content string
		leave   string
	}{
		{"GET " + p.url("/"), []string{"Origin: https://app.example"}, 200, "GET", "https://app.example"},
		{"GET " + p.url("/"), []string{"Origin: https://evil.example"}, 200, "GET", ""},
		{"GET " + p.url("/closed"), []string{"Origin: https://app.example"}, 401, "", "https://app.example"},
		{"OPTIONS " + p.url("/closed"), []string{"Origin: https://app.example", "Access-Control-Request-Method: PUT"}, 204, "", "https://app.example"},
		{"OPTIONS " + p.url("/"), []string{"Origin: https://evil.example", "Access-Control-Request-Method: PUT"}, 204, "", ""},
		{"OPTIONS " + p.url("/"), nil, 200, "OPTIONS", ""},
	} {
		answer, content := ask(t, newClient(t), c.request, c.fields...)
		if answer.StatusCode != c.status || content != c.content || answer.Header.Get("Access-Control-Allow-Origin") != c.leave || answer.Header.Get("Vary") != "Origin" {
			t.Errorf("%s %v: %s %q %v", c.request, c.fields, answer.Status, content, answer.Header)
		}
	}
}
