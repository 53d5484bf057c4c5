package e2e

import (
	"net/http"
	"strings"
	"testing"
)

func TestResponseHeadersAreChangedForEveryAnswer(t *testing.T) {
	peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
		w.Header().Set("X-Powered-By", "something")
		w.Header().Set("X-Kept", "from the upstream")
	})
	p := startProxy(t, `
[servers.main]
addr = "<ADDR>"
locations = ["all"]

[locations.all]
plugins = ["fields", "pingap:ping"]
upstream = "peer"

[plugins.fields]
category = "response_headers"
add_headers = ["X-Served-By: proxy"]
remove_headers = ["X-Powered-By"]
set_headers = ["X-Host: $host"]
set_headers_not_exists = ["X-Kept: from the proxy", "X-Frame-Options: DENY"]
rename_headers = ["Set-Cookie: X-Cookie"]

[upstreams.peer]
addrs = ["`+peer+`"]
`)
	answer, _ := ask(t, newClient(t), p.url("/"), "Host: shop.example")
	for name, want := range map[string]string{
		"X-Served-By": "proxy", "X-Powered-By": "", "X-Host": "shop.example", "X-Kept": "from the upstream", "X-Frame-Options": "DENY", "Set-Cookie": "", "X-Cookie": "a=1,b=2",
	} {
		if got := strings.Join(answer.Header.Values(name), ","); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if answer, content := ask(t, newClient(t), p.url("/ping")); content != "pong" || answer.Header.Get("X-Served-By") != "proxy" || answer.Header.Get("X-Kept") != "from the proxy" {
		t.Errorf("an answer of the proxy: %v", answer.Header)
	}
}
