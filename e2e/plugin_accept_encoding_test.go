package e2e

import (
	"io"
	"net/http"
	"testing"
)

// tellsCodings is an upstream that answers with what it has been told to accept.
func tellsCodings(w http.ResponseWriter, r *http.Request) {
	if len(r.Header["Accept-Encoding"]) == 0 {
		io.WriteString(w, "nothing")
	}
	io.WriteString(w, r.Header.Get("Accept-Encoding"))
}

func TestAcceptEncodingLeavesWhatIsConfigured(t *testing.T) {
	p := startProxy(t, `
[servers.main]
addr = "<ADDR>"
locations = ["all", "one"]

[locations.all]
plugins = ["codings"]
upstream = "peer"

[locations.one]
path = "/one"
plugins = ["pingap:acceptEncodingAdjustment"]
upstream = "peer"

[plugins.codings]
category = "accept_encoding"
encodings = "br, gzip"

[upstreams.peer]
addrs = ["`+serve(t, tellsCodings)+`"]
`)
	for _, c := range []struct{ path, sent, want string }{
		{"/", "gzip, deflate, br, zstd", "br, gzip"},
		{"/", "br;q=0, *", "gzip"},
		{"/", "x-gzip", "nothing"},
		{"/one", "gzip, deflate, br, zstd", "zstd"},
		{"/one", "gzip, deflate", "gzip"},
	} {
		if _, text := ask(t, newClient(t), p.url(c.path), "Accept-Encoding: "+c.sent); text != c.want {
			t.Errorf("%s with %q: the upstream saw %q, want %q", c.path, c.sent, text, c.want)
		}
	}
}
